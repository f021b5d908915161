/**
 * The studio's JSON: what the server sends and what the page asks for. One truth of names for both sides.
 *
 * Ids and authors are lower-case hex. Times are milliseconds; `wall_ms` counts since 1970 on the author's clock.
 * Numbers that end in `_ppm` are parts per million.
 */

/** Lower-case hex of a message's id, a peer's key or a decision's input. */
export type Hex = string;

/** A JSON value whose shape the page does not know: a body of some kind. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [name: string]: Json };

/** `GET /api/channels` */
export interface Channels {
  /** The newest first, at most 2,000. */
  readonly channels: readonly ChannelLine[];
  /** How many there are. */
  readonly total: number;
  /** The log's file. */
  readonly log: string;
  /** What is wrong with the log, where something is; there may then be no channels. */
  readonly broken: string | null;
  /** Whether the log's file is of a newer version. */
  readonly newer: boolean;
}

/** One channel in a line. */
export interface ChannelLine {
  readonly name: string;
  readonly question: string;
  readonly protocol: string;
  readonly topology: string;
  readonly rule: string;
  /** `decided`, `undecided`, `conflict` or `unfinished`; `talk` where nothing is to be decided. */
  readonly status: string;
  readonly answer: string | null;
  readonly messages: number;
  readonly asked_ms: number | null;
  readonly live: boolean;
  readonly forked_from: { readonly channel: string; readonly edits: number } | null;
}

/** `GET /api/channels/{name}?from=0&limit=10000`; the rest of a longer channel comes with `from={next}`. */
export interface ChannelPage {
  readonly name: string;
  /** Hex of the swarm's id. */
  readonly swarm: string;
  /** Version of the server. */
  readonly version: string;
  /** Whether people and peers only talk here, as in a room or a swarm's lobby: nothing is to be decided. */
  readonly talk: boolean;
  readonly opening: Opening;
  readonly members: readonly Member[];
  /** In causal order: a message stands after everything it builds on. What comes later stands behind, never between. */
  readonly messages: readonly Msg[];
  /** How many messages the channel has. */
  readonly total: number;
  /** The `n` that the next page begins with; null on the last. */
  readonly next: number | null;
  /** Who hears whom by the topology, before anybody has spoken; null where that cannot be told. */
  readonly hearing: Hearing | null;
  /** Worked out of all messages: of a channel of more than 5,000 it comes with the last page, and before that it is null. */
  readonly decision: Decision | null;
  readonly budget: { readonly limits: Limits | null };
  /** Likewise. */
  readonly plan: Plan | null;
  /** Whether it is still being written. */
  readonly live: boolean;
  /** Whether the log holds kinds of messages that this version does not know. */
  readonly newer: boolean;
  /** What is wrong with the log, where something is. */
  readonly broken: string | null;
}

export interface Hearing {
  /** Everybody hears everybody; `of` is then empty. */
  readonly everyone: boolean;
  /** By listener, whom it hears. */
  readonly of: { readonly [listener: Hex]: readonly Hex[] };
}

export interface Opening {
  readonly question: string;
  readonly expects: string;
  readonly options: readonly string[];
  readonly protocol: string;
  readonly topology: string;
  readonly rule: string;
  readonly seed: number;
  readonly asker: Hex;
  /** The quorum that is to certify the decision, `byzantine` or `crash`; empty where nobody is asked to. */
  readonly certify: string;
  /** The weight that makes that quorum, in parts per million; 0 where nobody is asked to certify. */
  readonly needed: number;
}

export interface Member {
  readonly id: Hex;
  readonly name: string;
  /** Parts per million. */
  readonly weight: number;
}

export type Cost = readonly [calls: number, prompt_tokens: number, completion_tokens: number, usd_micro: number, milliseconds: number];

/** Another message: how many places before this one it stands, or its id where the channel does not hold it. */
export type Back = number | Hex;

export interface Verdict {
  readonly subjects: readonly Back[];
  readonly scores: readonly number[];
  readonly reason: string;
}

export interface Author {
  readonly id: Hex;
  readonly name: string;
}

/** A message as it is sent: what is null, empty, false or nothing but zeros is left out. */
export interface Msg {
  readonly id: Hex;
  /** Its place in causal order, from 0; it stays the same while the channel grows. */
  readonly n: number;
  /** Who wrote it, in an author's first message of the channel; in the others the place of that one. */
  readonly author: Author | number;
  /** `proposal/1`, `judgement/1`, `note/1`, `opening/1`, `cut/1`, `outcome/1` and others. */
  readonly kind: string;
  readonly round?: number;
  readonly wall_ms: number;
  /** What it builds on: the author's previous message first, where there is one. */
  readonly parents?: readonly Back[];
  /** What it was made from or judges, where it says so. */
  readonly refs?: readonly Back[];
  /** The answer it gives. */
  readonly key?: string;
  /** At most 2,000 characters; 200 in a page of more than 2,000 messages. */
  readonly text?: string;
  /** Whether `text` was cut. */
  readonly cut?: boolean;
  readonly confidence_ppm?: number;
  /** Why there is no answer, or an old one is repeated. */
  readonly lapse?: string;
  readonly cost?: Cost;
  readonly verdicts?: readonly Verdict[];
  /** Of a vote to certify: the beginning of the decision's hash. */
  readonly signs?: Hex;
  /** Of a swarm's turn in a conversation: the channel in which it came to these words. */
  readonly decided_in?: string;
}

/** `GET /api/messages/{channel}/{id}` */
export interface WholeMessage {
  readonly id: Hex;
  readonly kind: string;
  readonly text: string;
  /** The body as it is, bytes as hex. */
  readonly body: Json;
  readonly exchanges: readonly Exchange[];
  readonly raw_bytes: number;
  readonly signed: boolean;
}

/** One call of a model or a tool that went into a message. */
export interface Exchange {
  readonly skill: string;
  readonly round: number;
  readonly kind: "model" | "tool";
  /** The model's or the tool's name. */
  readonly of: string;
  /** JSON: the request, or the tool's arguments. */
  readonly asked: string;
  /** JSON: the completion, or the tool's result; empty when it failed. */
  readonly answered: string;
  readonly failure: string;
  readonly milliseconds: number;
}

export interface Limits {
  readonly tokens: number | null;
  readonly calls: number | null;
  readonly messages: number | null;
  readonly seconds: number | null;
  readonly usd_micro: number | null;
}

export interface Support {
  readonly key: string;
  readonly weight_ppm: number;
  /** Its share of all support. */
  readonly share_ppm: number;
  readonly peers: readonly Hex[];
}

export interface Dissent {
  readonly name: string;
  readonly key: string | null;
  readonly text: string;
}

export interface Decision {
  readonly status: string;
  readonly key: string | null;
  /** The answer as people read it: of a choice the option's text. */
  readonly answer: string | null;
  /** The winning answer in its author's words; empty where there are none. */
  readonly text: string;
  readonly confidence_ppm: number | null;
  readonly support: readonly Support[];
  readonly dissent: readonly Dissent[];
  readonly notes: readonly string[];
  /** Names of those who did not answer. */
  readonly silent: readonly string[];
  readonly cost: Cost;
  readonly seconds: number;
  /** Places of the messages that it rests on; ids of those that the channel does not hold. */
  readonly used: readonly (number | Hex)[];
}

export interface Plan {
  readonly tasks: readonly PlanTask[];
}

export interface PlanTask {
  readonly id: string;
  readonly goal: string;
  readonly kind: string;
  /** `waiting`, `ready`, `claimed`, `review`, `done`, `failed` or `skipped`. */
  readonly state: string;
  /** Name of whoever works on it or did. */
  readonly by: string | null;
  /** Ids of the tasks that it waits for. */
  readonly needs: readonly string[];
  readonly parent: string | null;
  readonly result: string | null;
  readonly began_ms: number | null;
  readonly ended_ms: number | null;
}

/** Words being said: the `words` event of `GET /api/channels/{name}/live`. */
export interface Words {
  readonly name: string;
  /** The peer's call that they belong to. */
  readonly number: number;
  readonly text: string;
}

/**
 * Events of `GET /api/channels/{name}/live?after=n`, a `text/event-stream`. `after` is the `n` of the last message that
 * the page has, and so is `Last-Event-ID` when a browser connects again, which wins. A message may come twice.
 * `end` says that nothing more will come: the channel has its outcome, its writer is gone, or the log is another now.
 */
export interface LiveEvents {
  readonly message: Msg;
  readonly words: Words;
  readonly decision: Decision;
  readonly plan: Plan;
  readonly end: Record<string, never>;
}

/** `GET /api/search?q=…&channel=…` */
export interface Hits {
  /** The newest first. */
  readonly hits: readonly Hit[];
  /** Whether the search stopped before the end. */
  readonly more: boolean;
}

export interface Hit {
  readonly channel: string;
  readonly id: Hex;
  readonly name: string;
  readonly kind: string;
  /** Of an answer. */
  readonly round: number | null;
  readonly snippet: string;
}

/** `GET /api/mesh` */
export interface Mesh {
  readonly swarms: readonly MeshSwarm[];
}

/** How one peer of this machine sees its swarm; two peers here may be of one swarm. */
export interface MeshSwarm {
  readonly name: string;
  /** The peer that tells it. */
  readonly peer: string;
  /** Whether the peer runs. */
  readonly runs: boolean;
  /** How long ago it told; null when it never did. */
  readonly age_ms: number | null;
  readonly members: readonly MeshMember[];
  /** How many messages were refused, by reason. */
  readonly refused: { readonly [reason: string]: number };
  readonly channels: number;
  /** What the peer warns of. */
  readonly alarms: readonly string[];
}

/** A member of a swarm as one peer sees it. */
export interface MeshMember {
  readonly name: string;
  /** Parts per million; 0 has no vote. */
  readonly weight: number;
  /** `alive`, `suspect`, `dead` or `left`. */
  readonly state: string;
  readonly rtt_ms: number | null;
}

/** `GET /api/options` */
export interface Options {
  readonly rules: readonly string[];
  readonly models: readonly string[];
}

export type Edit =
  | { readonly do: "replace"; readonly id: Hex; readonly text: string; readonly key?: string }
  | { readonly do: "drop"; readonly id: Hex }
  | { readonly do: "rule"; readonly rule: string }
  | { readonly do: "model"; readonly peer: string; readonly model: string }
  | { readonly do: "peer"; readonly peer: string; readonly off: true };

/** `POST /api/channels/{name}/replay` */
export interface ReplayOrder {
  readonly at: Hex | null;
  readonly edits: readonly Edit[];
  readonly live: "never" | "needed";
}

/** 202's body: the new channel, which is followed like any other. */
export interface Replaying {
  readonly channel: string;
}

/** `POST /api/channels/{name}/reading`: which answer words would count as there. */
export interface ToRead {
  readonly text: string;
}

export interface Reading {
  readonly key: string | null;
  /** Why they count as none. */
  readonly lapse: string;
}

/** `GET`, `POST` (one `Pin`) and `DELETE` (`?channel=…&id=…`) of `/api/pins` all answer with the pins. */
export interface Pins {
  readonly pins: readonly Pin[];
}

export interface Pin {
  readonly channel: string;
  readonly id: Hex;
  readonly note: string;
}

/** The body of every answer that is no success. */
export interface Refused {
  readonly error: Trouble;
}

/** What happened, why, and what to do about it. */
export interface Trouble {
  readonly what: string;
  readonly why: string;
  readonly do: string;
}
