/**
 * The moment as each card shows it. One step is shown by all cards at once. While someone scrubs, timeline and strip
 * follow in every frame, and the cards take turns, one a frame and none after a frame that came late.
 */

import { type Signal, batch, effect, signal } from "@preact/signals";
import { at, story } from "./state";

const CARDS = ["messages", "opinions", "decision", "peers", "plan", "budget"] as const;

export type CardName = (typeof CARDS)[number];

/** Two moves closer than this are scrubbing. */
const SCRUBBING_MS = 120;

export const shownAt: Readonly<Record<CardName, Signal<number>>> = {
  messages: signal(-1),
  opinions: signal(-1),
  decision: signal(-1),
  peers: signal(-1),
  plan: signal(-1),
  budget: signal(-1),
};

/** Cards that are in view, as far as is known: what nobody sees waits until the moment rests. */
const outOfView = new Set<CardName>();

/** Note whether a card is in view, from now on; returns what ends it. */
export function watched(element: Element, name: string): () => void {
  const card = CARDS.find((c) => c === name);
  if (card === undefined) return () => undefined;
  const seen = new IntersectionObserver((entries) => {
    if (entries.at(-1)?.isIntersecting === true) outOfView.delete(card);
    else outOfView.add(card);
  });
  seen.observe(element);
  return () => {
    seen.disconnect();
    outOfView.delete(card);
  };
}

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
    if (!fast && frame === 0) showAll(now);
    else scrub();
  });
}

function scrub(): void {
  scrubbing.value = true;
  clearTimeout(rest);
  rest = setTimeout(() => {
    scrubbing.value = false;
    showAll(at.value);
  }, SCRUBBING_MS);
  if (frame === 0) frame = requestAnimationFrame(next);
}

function showAll(now: number): void {
  batch(() => CARDS.forEach((card) => (shownAt[card].value = now)));
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
  const card = CARDS[turn] ?? "messages";
  turn = (turn + 1) % CARDS.length;
  if (!outOfView.has(card)) shownAt[card].value = at.value;
  if (scrubbing.value) frame = requestAnimationFrame(next);
}
