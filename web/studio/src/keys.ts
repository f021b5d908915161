/** What a key does, wherever on the page it is pressed; nothing while someone writes. */

import { at, helpOpen, intervening, listOpen, openMessage, opened, searchOpen, step, story } from "./state";
import { toggleTheme } from "./theme";

export function pressed(event: KeyboardEvent): void {
  if (event.altKey || event.ctrlKey || event.metaKey || searchOpen.value || helpOpen.value) return;
  if (writes(event.target) && event.key !== "Escape") return;
  if (act(event)) event.preventDefault();
}

function act(event: KeyboardEvent): boolean {
  const far = event.shiftKey ? 10 : 1;
  switch (event.key) {
    case "ArrowLeft":
      return stepped(-far);
    case "ArrowRight":
      return stepped(far);
    case "Home":
      step({ do: "home" });
      return true;
    case "End":
      step({ do: "end" });
      return true;
    case " ":
      if (presses(event.target)) return false;
      step({ do: "toggle" });
      return true;
    case "/":
      searchOpen.value = true;
      return true;
    case "?":
      helpOpen.value = true;
      return true;
    case "t":
      toggleTheme();
      return true;
    case "i":
      if (story.value?.channel.talk === true) return false;
      intervening.value = !intervening.value;
      return true;
    case "o":
      openMessage(story.value?.messages[at.value]?.id ?? null);
      return true;
    case "Escape":
      return closed();
    default:
      return false;
  }
}

function stepped(by: number): boolean {
  step({ do: "by", by });
  return true;
}

/** Close the topmost thing; false when nothing was open. */
function closed(): boolean {
  if (listOpen.value) listOpen.value = false;
  else if (opened.value !== null) openMessage(null);
  else if (intervening.value) intervening.value = false;
  else return false;
  return true;
}

function writes(target: EventTarget | null): boolean {
  if (target instanceof HTMLInputElement) return target.type !== "range";
  return target instanceof HTMLTextAreaElement || target instanceof HTMLSelectElement;
}

/** Whether space presses what has the focus. */
function presses(target: EventTarget | null): boolean {
  return target instanceof Element && target.closest("button, a, summary") !== null;
}
