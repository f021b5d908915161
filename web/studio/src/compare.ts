/** Two channels side by side: what one said at a place, what the other said there, and whether it differs. */

import type { Message } from "./message";
import { isFork } from "./story";

export type Difference = "same" | "changed" | "left" | "right";

export interface Pair {
  readonly left: Message | null;
  readonly right: Message | null;
  readonly difference: Difference;
}

/**
 * Pair the messages of two channels: the same author's n-th message of one kind in one round.
 *
 * Ids and signatures of a fork differ throughout, so names and places are what tells that two messages stand for each
 * other; what a fork says about itself is left out. Pairs come in the order of the left channel; what only the right one has stands where it was said there.
 */
export function paired(ofLeft: readonly Message[], ofRight: readonly Message[]): readonly Pair[] {
  const [left, right] = [ofLeft, ofRight].map((all) => all.filter((m) => !isFork(m))) as [Message[], Message[]];
  const places = new Map(withPlaces(right));
  const partner = new Map<Message, Message>();
  for (const [place, message] of withPlaces(left)) {
    const other = places.get(place);
    if (other !== undefined) partner.set(message, other);
  }
  const matched = new Set(partner.values());
  const alone = right.filter((m) => !matched.has(m));
  const pairs: Pair[] = [];
  let next = 0;
  for (const message of left) {
    const other = partner.get(message) ?? null;
    while (other !== null && next < alone.length && (alone[next] as Message).n < other.n) {
      pairs.push({ left: null, right: alone[next] as Message, difference: "right" });
      next += 1;
    }
    pairs.push({ left: message, right: other, difference: other === null ? "left" : differs(message, other) });
  }
  for (const message of alone.slice(next)) pairs.push({ left: null, right: message, difference: "right" });
  return pairs;
}

/** Place of the first pair that is not the same; -1 where all are. */
export function parting(pairs: readonly Pair[]): number {
  return pairs.findIndex((pair) => pair.difference !== "same");
}

function differs(left: Message, right: Message): Difference {
  const same =
    left.text === right.text &&
    left.key === right.key &&
    left.lapse === right.lapse &&
    left.confidence_ppm === right.confidence_ppm &&
    scores(left) === scores(right);
  return same ? "same" : "changed";
}

function scores(message: Message): string {
  return (message.verdicts ?? []).map((v) => `${v.scores.join(",")}:${v.reason}`).join(";");
}

function withPlaces(messages: readonly Message[]): [string, Message][] {
  const counts = new Map<string, number>();
  return messages.map((m) => {
    const place = JSON.stringify([m.kind.startsWith("opening/") ? "" : m.name, m.kind, m.round]);
    const count = counts.get(place) ?? 0;
    counts.set(place, count + 1);
    return [`${place}${count}`, m];
  });
}
