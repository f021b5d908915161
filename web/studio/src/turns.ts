/**
 * The moment as each card shows it. One step is shown by all cards at once. While someone scrubs, timeline and strip
 * follow in every frame, and the cards take turns, one a frame and none after a frame that came late.
 */

import { type Signal, batch, effect, signal } from "@preact/signals";
import { at, story } from "./state";

const CARDS = ["messages", "opinions", "decision", "peers", "plan"] as const;

export type CardName = (typeof CARDS)[number];

/** Two moves closer than this are scrubbing. */
const SCRUBBING_MS = 120;

export const shownAt: Readonly<Record<CardName, Signal<number>>> = {
  messages: signal(-1),
  opinions: signal(-1),
  decision: signal(-1),
  peers: signal(-1),
  plan: signal(-1),
};

/** Whether the moment is moving: what takes long to draw waits until it rests. */
export const scrubbing = signal(false);

/** A frame that comes later than this after the one before was too full: the next card waits. */
const IN_TIME_MS = 20;
/** So many frames a card waits at most. */
const SKIPPED_AT_MOST = 6;

let moved = -Infinity;
let drawn = -Infinity;
let skipped = 0;
let frame = 0;
let turn = 0;
let channel: string | undefined;
let rest: ReturnType<typeof setTimeout> | undefined;

/** Begin to follow the moment; called once, by the page. */
export function takeTurns(): void {
  effect(() => {
    const now = at.value;
    const name = story.value?.channel.name;
    const time = performance.now();
    const fast = time - moved < SCRUBBING_MS && name === channel;
    [moved, channel] = [time, name];
    if (!fast && frame === 0) batch(() => CARDS.forEach((card) => (shownAt[card].value = now)));
    else scrub();
  });
}

function scrub(): void {
  scrubbing.value = true;
  clearTimeout(rest);
  rest = setTimeout(() => (scrubbing.value = false), SCRUBBING_MS);
  if (frame === 0) frame = requestAnimationFrame(next);
}

function next(time: number): void {
  const late = time - drawn > IN_TIME_MS;
  drawn = time;
  frame = 0;
  if (late && skipped < SKIPPED_AT_MOST) {
    skipped += 1;
    frame = requestAnimationFrame(next);
    return;
  }
  skipped = 0;
  const behind = CARDS.map((_, i) => CARDS[(turn + i) % CARDS.length] ?? "messages").filter((card) => shownAt[card].value !== at.value);
  const [card] = behind;
  if (card === undefined) return;
  turn = CARDS.indexOf(card) + 1;
  shownAt[card].value = at.value;
  if (behind.length > 1) frame = requestAnimationFrame(next);
}
