/** Follow a channel while it is written: messages in batches, words as they are said. */

import { signal } from "@preact/signals";
import type { Decision, Msg, Plan, Words } from "./api";
import { livePath } from "./door";
import { type Message, unpacked } from "./message";
import { Story, withMessages } from "./story";

/** What is being said, by name of who says it. */
export const speaking = signal<ReadonlyMap<string, Words>>(new Map());

export interface Following {
  stop(): void;
}

/** A batch is shown this long after its first message, in milliseconds, given how long the last one took to arrange. */
export function pause(took_ms: number): number {
  return Math.min(2000, 40 + 5 * took_ms);
}

/** Follow until the stream says `end`; a connection that breaks is taken up again by the browser. */
export function follow(name: string, current: () => Story | null, show: (story: Story) => void, ended: () => Promise<void>): Following {
  const source = new EventSource(livePath(name, current()?.last ?? -1));
  let waiting: Msg[] = [];
  let timer: ReturnType<typeof setTimeout> | null = null;
  let took = 0;

  const flush = (): void => {
    timer = null;
    const now = current();
    const more = waiting;
    waiting = [];
    if (now === null || more.length === 0) return;
    const begun = performance.now();
    const messages = unpacked(now.messages, more);
    const channel = withMessages(now.channel, messages);
    if (channel !== now.channel) show(new Story(channel));
    took = performance.now() - begun;
    hush(messages);
  };
  const changed = (part: { decision: Decision } | { plan: Plan }): void => {
    flush();
    const now = current();
    if (now !== null) show(new Story({ ...now.channel, ...part }));
  };
  const stop = (): void => {
    source.close();
    if (timer !== null) clearTimeout(timer);
  };

  source.addEventListener("message", (event: MessageEvent<string>) => {
    waiting.push(JSON.parse(event.data) as Msg);
    timer ??= setTimeout(flush, pause(took));
  });
  source.addEventListener("words", (event: MessageEvent<string>) => hear(JSON.parse(event.data) as Words));
  source.addEventListener("decision", (event: MessageEvent<string>) => changed({ decision: JSON.parse(event.data) as Decision }));
  source.addEventListener("plan", (event: MessageEvent<string>) => changed({ plan: JSON.parse(event.data) as Plan }));
  source.addEventListener("end", () => {
    flush();
    stop();
    void ended();
  });
  return { stop };
}

/** Pieces of one call are put together; a new call of the same peer begins anew. */
export function hear(words: Words): void {
  const before = speaking.value.get(words.name);
  const text = before?.number === words.number ? before.text + words.text : words.text;
  speaking.value = new Map(speaking.value).set(words.name, { ...words, text: text.slice(-2000) });
}

function hush(messages: readonly Message[]): void {
  const names = new Set(messages.map((m) => m.name));
  if ([...speaking.value.keys()].some((name) => names.has(name))) {
    speaking.value = new Map([...speaking.value].filter(([name]) => !names.has(name)));
  }
}
