/** Channels for tests: messages that say as little as a test needs. */

import { type Channel, FREE, type Message } from "../src/message";

export function message(n: number, author: string, more: Partial<Message> = {}): Message {
  return {
    id: `id${n}`,
    n,
    author,
    name: author,
    kind: "proposal/1",
    round: 0,
    wall_ms: 1000 + n * 100,
    parents: [],
    refs: [],
    key: null,
    text: "",
    cut: false,
    confidence_ppm: null,
    lapse: "",
    cost: FREE,
    verdicts: null,
    signs: null,
    decided_in: "",
    ...more,
  };
}

export function channel(messages: readonly Message[], more: Partial<Channel> = {}): Channel {
  const members = [...new Set(messages.filter((m) => m.author !== "asker").map((m) => m.author))];
  return {
    name: "c",
    swarm: "",
    version: "0",
    talk: false,
    opening: { question: "?", expects: "short", options: [], protocol: "", topology: "", rule: "", seed: 0, asker: "asker", certify: "", needed: 0 },
    members: members.map((id) => ({ id, name: id, weight: 1_000_000 })),
    messages,
    total: messages.length,
    coming: false,
    hearing: null,
    decision: null,
    budget: { limits: null },
    plan: null,
    live: false,
    newer: false,
    broken: null,
    ...more,
  };
}

/** Numbers from a seed, so that a test that failed fails again: a linear congruential generator of 32 bits. */
export function numbers(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}
