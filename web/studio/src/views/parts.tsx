/** Small parts that several views share. */

import type { ComponentChildren } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import type { Trouble } from "../api";
import { look, outline } from "../answers";
import type { Story } from "../story";
import { watched } from "../turns";

/** An answer's coloured shape. */
export function Glyph({ index, size = 14 }: { readonly index: number; readonly size?: number }) {
  const { colour, shape } = look(index);
  return (
    <svg class={`glyph a${colour}`} width={size} height={size} viewBox="0 0 16 16" aria-hidden="true">
      <path d={outline(shape)} />
    </svg>
  );
}

/** An answer: its shape and its text. */
export function Answer({ story, of, size }: { readonly story: Story; readonly of: string | null; readonly size?: number }) {
  if (of === null) return <span class="none">none</span>;
  const index = story.answers.get(of);
  return (
    <span class="answer" title={story.meaning(of) ?? of}>
      {index !== undefined && <Glyph index={index} {...(size === undefined ? {} : { size })} />}
      <span class="answer-text">{of === "" ? "(empty)" : of}</span>
    </span>
  );
}

interface CardProps {
  readonly title: string;
  readonly name: string;
  readonly aside?: ComponentChildren;
  readonly children: ComponentChildren;
}

export function Card({ title, name, aside, children }: CardProps) {
  const card = useRef<HTMLElement>(null);
  useEffect(() => (card.current === null ? undefined : watched(card.current, name)), [name]);
  return (
    <section ref={card} class={`card card-${name}`} aria-labelledby={`card-${name}`}>
      <header>
        <h2 id={`card-${name}`}>{title}</h2>
        {aside !== undefined && <div class="aside">{aside}</div>}
      </header>
      {children}
    </section>
  );
}

/** More characters than this are folded to a few lines, with a button that shows all. */
const LONG = 280;

/** Words that may be very many. */
export function Folded({ text, what }: { readonly text: string; readonly what: string }) {
  const [open, setOpen] = useState(false);
  useEffect(() => setOpen(false), [text]);
  if (text.length <= LONG) return <>{text}</>;
  return (
    <>
      <span class={open ? undefined : "clamped"}>{text}</span>
      <button type="button" class="quiet unfold" aria-expanded={open} onClick={() => setOpen(!open)}>
        {open ? "Show less" : `Show the whole ${what}`}
      </button>
    </>
  );
}

export function Troubled({ trouble, again }: { readonly trouble: Trouble; readonly again?: () => void }) {
  return (
    <div class="trouble" role="alert">
      <strong>{trouble.what}</strong>
      <p>{trouble.why}</p>
      <p class="do">{trouble.do}</p>
      {again !== undefined && (
        <button type="button" onClick={again}>
          Try again
        </button>
      )}
    </div>
  );
}

export function Empty({ title, children }: { readonly title: string; readonly children: ComponentChildren }) {
  return (
    <div class="empty">
      <strong>{title}</strong>
      {children}
    </div>
  );
}

/** Icons of one stroke. */
export function Icon({ d }: { readonly d: string }) {
  return (
    <svg class="icon" viewBox="0 0 24 24" width="20" height="20" aria-hidden="true">
      <path d={d} />
    </svg>
  );
}

export const ICONS = {
  menu: "M4 7h16M4 12h16M4 17h16",
  search: "M11 4a7 7 0 1 0 0 14 7 7 0 0 0 0-14zM16.5 16.5 21 21",
  sun: "M12 8a4 4 0 1 0 0 8 4 4 0 0 0 0-8zM12 2v2M12 20v2M2 12h2M20 12h2M5 5l1.4 1.4M17.6 17.6 19 19M5 19l1.4-1.4M17.6 6.4 19 5",
  help: "M9 9a3 3 0 1 1 4.2 2.7c-.8.4-1.2 1-1.2 1.9v.4M12 17.5v.1M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18z",
  close: "M6 6l12 12M18 6 6 18",
  pin: "M12 21v-6M7 15h10l-2-4V5h1V3H8v2h1v6z",
  play: "M8 5v14l11-7z",
  pause: "M8 5v14M16 5v14",
  first: "M6 5v14M18 6l-8 6 8 6z",
  last: "M18 5v14M6 6l8 6-8 6z",
  back: "M15 6l-7 6 7 6z",
  on: "M9 6l7 6-7 6z",
} as const;
