/** Dark or light: as the system has it, until someone chooses; and the colours that canvases draw with. */

import { signal } from "@preact/signals";
import { COLOURS } from "./answers";

export type Theme = "auto" | "light" | "dark";

export interface Palette {
  readonly ground: string;
  readonly card: string;
  readonly ink: string;
  readonly soft: string;
  readonly line: string;
  readonly honey: string;
  readonly fill: string;
  /** One for each of the first answers, and the last for all others. */
  readonly answers: readonly string[];
}

const KEPT = "waggledance-theme";
const dark = matchMedia("(prefers-color-scheme: dark)");

export const theme = signal<Theme>(kept());
export const palette = signal<Palette>(paint());

export function isDark(): boolean {
  return theme.value === "auto" ? dark.matches : theme.value === "dark";
}

export function toggleTheme(): void {
  theme.value = isDark() ? "light" : "dark";
  try {
    localStorage.setItem(KEPT, theme.value);
  } catch {
    // a browser that keeps nothing still shows the choice until the page is closed
  }
  palette.value = paint();
}

const repaint = (): void => void (palette.value = paint());
dark.addEventListener("change", repaint);
addEventListener("load", repaint); // WebKit may run this before the style sheet is there: colours are then empty

function kept(): Theme {
  try {
    const found = localStorage.getItem(KEPT);
    return found === "light" || found === "dark" ? found : "auto";
  } catch {
    return "auto";
  }
}

function paint(): Palette {
  const root = document.documentElement;
  root.dataset["theme"] = isDark() ? "dark" : "light";
  const style = getComputedStyle(root);
  const of = (name: string): string => style.getPropertyValue(`--${name}`).trim();
  return {
    ground: of("ground"),
    card: of("card"),
    ink: of("ink"),
    soft: of("soft"),
    line: of("line"),
    honey: of("honey"),
    fill: of("fill"),
    answers: Array.from({ length: COLOURS + 1 }, (_, i) => of(`answer-${i}`)),
  };
}
