/** Messages as the page holds them: every one says who wrote it, and names others by their places. */

import type * as api from "./api";
import type { Cost, Hex } from "./api";

/** Another message: its place in the channel, or its id where the channel does not hold it. */
export type Place = number | Hex;

export interface Verdict extends Omit<api.Verdict, "subjects"> {
  readonly subjects: readonly Place[];
}

export interface Message {
  readonly id: Hex;
  readonly n: number;
  readonly author: Hex;
  readonly name: string;
  readonly kind: string;
  readonly round: number | null;
  readonly wall_ms: number;
  readonly parents: readonly Place[];
  readonly refs: readonly Place[];
  readonly key: string | null;
  readonly text: string;
  readonly cut: boolean;
  readonly confidence_ppm: number | null;
  readonly lapse: string;
  readonly cost: Cost;
  readonly verdicts: readonly Verdict[] | null;
  readonly signs: Hex | null;
  readonly decided_in: string;
}

/** A channel as far as it has come. */
export interface Channel extends Omit<api.ChannelPage, "messages" | "next"> {
  readonly messages: readonly Message[];
  /** Whether more of it is on its way: what is decided is then not known yet. */
  readonly coming: boolean;
}

export const FREE: Cost = [0, 0, 0, 0, 0];

/** Messages that came, given those before them: an author is named once, in the first message. */
export function unpacked(known: readonly Message[], more: readonly api.Msg[]): Message[] {
  const named = new Map<number, api.Author>();
  return more.map((m) => {
    const author = typeof m.author === "number" ? (named.get(m.author) ?? authorOf(known[m.author])) : m.author;
    if (typeof m.author !== "number") named.set(m.n, author);
    return opened(m, author);
  });
}

function authorOf(first: Message | undefined): api.Author {
  return { id: first?.author ?? "", name: first?.name ?? "somebody" };
}

function opened(m: api.Msg, { id, name }: api.Author): Message {
  const placed = (of: readonly api.Back[] = []): readonly Place[] => of.map((back) => (typeof back === "number" ? m.n - back : back));
  return {
    id: m.id,
    n: m.n,
    author: id,
    name,
    kind: m.kind,
    round: m.round ?? null,
    wall_ms: m.wall_ms,
    parents: placed(m.parents),
    refs: placed(m.refs),
    key: m.key ?? null,
    text: m.text ?? "",
    cut: m.cut ?? false,
    confidence_ppm: m.confidence_ppm ?? null,
    lapse: m.lapse ?? "",
    cost: m.cost ?? FREE,
    verdicts: m.verdicts?.map((v) => ({ ...v, subjects: placed(v.subjects) })) ?? null,
    signs: m.signs ?? null,
    decided_in: m.decided_in ?? "",
  };
}
