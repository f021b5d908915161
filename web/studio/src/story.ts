/** A channel's messages with everything that a moment of it needs, found in logarithmic time. */

import type { Hex } from "./api";
import type { Channel, Message, Place } from "./message";

export interface Lane {
  readonly id: Hex;
  readonly name: string;
  /** Parts per million; 0 for someone who is no member, such as an asker who only asks. */
  readonly weight: number;
}

export interface Opinion {
  /** Position of the message that says it. */
  readonly position: number;
  readonly round: number;
  readonly key: string | null;
  readonly confidence: number | null;
  readonly lapse: string;
}

export interface Standing {
  readonly key: string;
  readonly weight: number;
  readonly lanes: readonly number[];
}

/** Who heard whom: `from` said what `to` built on; `at` are the positions of the messages that did so. */
export interface Heard {
  readonly from: number;
  readonly to: number;
  readonly at: readonly number[];
}

export interface Spent {
  readonly messages: number;
  readonly calls: number;
  readonly tokens: number;
  readonly usd_micro: number;
  readonly seconds: number;
}

export class Story {
  readonly channel: Channel;
  readonly messages: readonly Message[];
  readonly position: ReadonlyMap<Hex, number>;
  readonly lanes: readonly Lane[];
  /** The lane of each message. */
  readonly laneOf: Int32Array;
  /** Milliseconds since the first message, never falling: clocks of several authors need not agree. */
  readonly clock: Float64Array;
  /** Positions of the messages that each builds on. */
  readonly causes: readonly (readonly number[])[];
  /** Positions of the messages that build on each. */
  readonly effects: readonly (readonly number[])[];
  readonly opinions: readonly (readonly Opinion[])[];
  /** Rounds in which an opinion was given, rising. */
  readonly rounds: readonly number[];
  /** Answers in the order of their first appearance. */
  readonly answers: ReadonlyMap<string, number>;
  readonly heard: readonly Heard[];
  /** The same by who heard it. */
  readonly heardBy: readonly (readonly Heard[])[];
  /** Positions of the messages that certify a decision, or prepare it. */
  readonly certifying: readonly number[];
  /** Position of the message that says what was decided; null while there is none. */
  readonly outcome: number | null;
  /** Position from which on the decision stands: its message is there, and all that it rests on. */
  private readonly decidedFrom: number;
  private readonly sums: Readonly<Record<"calls" | "tokens" | "usd_micro", Float64Array>>;

  constructor(channel: Channel) {
    const messages = channel.messages;
    this.channel = channel;
    this.messages = messages;
    this.position = new Map(messages.map((m, i) => [m.id, i]));
    this.lanes = lanesOf(channel);
    const lane = new Map(this.lanes.map((l, i) => [l.id, i]));
    this.laneOf = Int32Array.from(messages, (m) => lane.get(m.author) ?? 0);
    this.clock = clockOf(messages);
    this.causes = messages.map((m, i) => placesBefore(i, [...m.parents, ...m.refs]));
    this.effects = effectsOf(this.causes);
    this.opinions = opinionsOf(messages, this.laneOf, this.lanes.length);
    this.rounds = [...new Set(this.opinions.flatMap((of) => of.map((o) => o.round)))].sort((a, b) => a - b);
    this.answers = answersOf(messages);
    this.heard = heardOf(messages, this.laneOf, this.causes, this.lanes.length - channel.members.length, this.lanes.length);
    this.heardBy = byListener(this.heard, this.lanes.length);
    this.certifying = messages.flatMap((m, i) => (CERTIFIES.test(m.kind) ? [i] : []));
    this.outcome = outcomeOf(messages, channel.opening.asker);
    const rests = (channel.decision?.used ?? []).map((place) => (typeof place === "number" ? place : 0));
    this.decidedFrom = rests.reduce((a, b) => Math.max(a, b), this.outcome ?? this.last);
    this.sums = {
      calls: running(messages, (m) => m.cost[0]),
      tokens: running(messages, (m) => m.cost[1] + m.cost[2]),
      usd_micro: running(messages, (m) => m.cost[3]),
    };
  }

  /** The last position; -1 of an empty channel. */
  get last(): number {
    return this.messages.length - 1;
  }

  /** What had been spent when the message at `at` was there. */
  spent(at: number): Spent {
    return {
      messages: at + 1,
      calls: this.sums.calls[at] ?? 0,
      tokens: this.sums.tokens[at] ?? 0,
      usd_micro: this.sums.usd_micro[at] ?? 0,
      seconds: (this.clock[at] ?? 0) / 1000,
    };
  }

  /** The latest opinion of a lane at a moment; null where it had none. */
  opinion(lane: number, at: number): Opinion | null {
    const of = this.opinions[lane] ?? [];
    return of[before(of, at, (o) => o.position)] ?? null;
  }

  /** The latest opinion of a lane in one round at a moment. */
  cell(lane: number, round: number, at: number): Opinion | null {
    const of = this.opinions[lane] ?? [];
    for (let i = before(of, at, (o) => o.position); i >= 0; i -= 1) {
      const opinion = of[i];
      if (opinion?.round === round) return opinion;
    }
    return null;
  }

  /** How the answers stand at a moment: weight of everybody's latest one, the heaviest first. */
  standing(at: number): readonly Standing[] {
    const tally = new Map<string, { weight: number; lanes: number[] }>();
    this.lanes.forEach((lane, i) => {
      const key = this.opinion(i, at)?.key;
      if (key === undefined || key === null || lane.weight === 0) return;
      const entry = tally.get(key) ?? { weight: 0, lanes: [] };
      entry.weight += lane.weight;
      entry.lanes.push(i);
      tally.set(key, entry);
    });
    const first = (key: string): number => this.answers.get(key) ?? 0;
    return [...tally]
      .map(([key, { weight, lanes }]) => ({ key, weight, lanes }))
      .sort((a, b) => b.weight - a.weight || first(a.key) - first(b.key));
  }

  /** What an answer by letters stands for, such as `B` or `A+C` where there are options; null where it says so itself. */
  meaning(key: string): string | null {
    const options = this.channel.opening.options;
    const named = key.split("+").map((letter) => (/^[A-Z]$/.test(letter) ? options[letter.charCodeAt(0) - 65] : undefined));
    return named.some((option) => option === undefined) ? null : named.join(", ");
  }

  /** Positions of the messages that one was made from, as it says itself; all that it builds on where it does not. */
  madeFrom(at: number): readonly number[] {
    const refs = this.messages[at]?.refs ?? [];
    return refs.length === 0 ? (this.causes[at] ?? []) : placesBefore(at, refs);
  }

  /** Whether the decision was there at a moment. */
  decided(at: number): boolean {
    return this.channel.decision !== null && at >= this.decidedFrom;
  }

  /** The position of the last message at or before a time on `clock`. */
  atTime(milliseconds: number): number {
    return before(this.clock, milliseconds, (t) => t);
  }
}

/** The index of the last item whose place is at most `at`, of items whose places rise; -1 where none is. */
export function before<T>(items: ArrayLike<T>, at: number, place: (item: T) => number): number {
  let low = 0;
  let high = items.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (place(items[middle] as T) <= at) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}

/** A channel with more messages: each once, by their places. */
export function withMessages(channel: Channel, more: readonly Message[]): Channel {
  const known = new Set(channel.messages.map((m) => m.id));
  const fresh = more.filter((m) => !known.has(m.id) && known.add(m.id));
  if (fresh.length === 0) return channel;
  const messages = [...channel.messages, ...fresh].sort((a, b) => a.n - b.n);
  return { ...channel, messages, total: Math.max(channel.total, messages.length) };
}

function lanesOf(channel: Channel): Lane[] {
  const lanes: Lane[] = channel.members.map(({ id, name, weight }) => ({ id, name, weight }));
  const known = new Set(lanes.map((l) => l.id));
  const others: Lane[] = [];
  for (const m of channel.messages) {
    if (known.has(m.author)) continue;
    known.add(m.author);
    others.push({ id: m.author, name: m.name, weight: 0 });
  }
  return [...others, ...lanes];
}

function clockOf(messages: readonly Message[]): Float64Array {
  const clock = new Float64Array(messages.length);
  const start = messages.find((m) => !isFork(m))?.wall_ms ?? 0;
  let latest = 0;
  messages.forEach((m, i) => {
    if (!isFork(m)) latest = Math.max(latest, m.wall_ms - start);
    clock[i] = latest;
  });
  return clock;
}

/** Whether a message only says what a replay is of: it is of another day than the channel. */
export function isFork(message: Message): boolean {
  return message.kind.startsWith("fork/");
}

/** Those of some messages that are here and stand before a position, each once. */
function placesBefore(position: number, places: readonly Place[]): readonly number[] {
  return [...new Set(places)].filter((place) => typeof place === "number" && place < position) as number[];
}

function effectsOf(causes: readonly (readonly number[])[]): number[][] {
  const effects: number[][] = causes.map(() => []);
  causes.forEach((of, i) => {
    for (const cause of of) effects[cause]?.push(i);
  });
  return effects;
}

function opinionsOf(messages: readonly Message[], laneOf: Int32Array, lanes: number): Opinion[][] {
  const opinions: Opinion[][] = Array.from({ length: lanes }, () => []);
  messages.forEach((m, position) => {
    if (!m.kind.startsWith("proposal/")) return;
    const { key, lapse, confidence_ppm: confidence } = m;
    opinions[laneOf[position] ?? 0]?.push({ position, round: m.round ?? 0, key, confidence, lapse });
  });
  return opinions;
}

function answersOf(messages: readonly Message[]): Map<string, number> {
  const answers = new Map<string, number>();
  for (const m of messages) {
    if (m.key !== null && m.kind.startsWith("proposal/") && !answers.has(m.key)) answers.set(m.key, answers.size);
  }
  return answers;
}

/** Who heard whom; lanes from `seated` on are members'. */
function heardOf(
  messages: readonly Message[],
  laneOf: Int32Array,
  causes: readonly (readonly number[])[],
  seated: number,
  lanes: number,
): Heard[] {
  const edges = new Map<number, { from: number; to: number; at: number[] }>();
  messages.forEach((m, i) => {
    const to = laneOf[i] ?? 0;
    const told = heardFor(m)?.map((place) => laneOf[place] ?? to);
    const from = told?.filter((one) => one >= seated) ?? (causes[i] ?? []).map((cause) => laneOf[cause] ?? to);
    for (const one of new Set(from)) {
      if (one === to) continue;
      const edge = edges.get(one * lanes + to) ?? { from: one, to, at: [] };
      if (edge.at.length === 0) edges.set(one * lanes + to, edge);
      edge.at.push(i);
    }
  });
  return [...edges.values()];
}

/**
 * The messages that an author had heard for one: those that it names, else those that it builds on; a proposal that
 * names none was made alone. Null where one of them is not here, so that nobody can tell.
 */
function heardFor({ kind, parents, refs }: Message): readonly number[] | null {
  const heard = refs.length > 0 ? refs : kind.startsWith("proposal/") ? [] : parents;
  return heard.every((place) => typeof place === "number") ? heard : null;
}

function byListener(heard: readonly Heard[], lanes: number): Heard[][] {
  const by: Heard[][] = Array.from({ length: lanes }, () => []);
  for (const edge of heard) by[edge.to]?.push(edge);
  return by;
}

function outcomeOf(messages: readonly Message[], asker: Hex): number | null {
  const found = messages.findLastIndex((m) => m.kind.startsWith("outcome/") && m.author === asker);
  return found < 0 ? null : found;
}

const CERTIFIES = /^(seal|prep|ack)\//;

/** A plan's edits and outcomes tell again what the note of a task has cost. */
const TOLD_AGAIN = /^(plan-edit|task-outcome)\//;

function running(messages: readonly Message[], of: (message: Message) => number): Float64Array {
  const sums = new Float64Array(messages.length);
  let sum = 0;
  messages.forEach((m, i) => {
    if (!TOLD_AGAIN.test(m.kind)) sum += of(m);
    sums[i] = sum;
  });
  return sums;
}
