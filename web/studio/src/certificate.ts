/** How far a decision's certificate has come at a moment: who has closed its part, worked it out alike, and signed. */

import type { Story } from "./story";

export type Stage = "silent" | "sealed" | "ready" | "signed";

export interface Certifying {
  /** Try after try, from 0. */
  readonly epoch: number;
  /** The beginning of the hash of the decision that most sign; null before anybody does. */
  readonly decision: string | null;
  /** Weight that has signed it, that makes a quorum, and of all, in parts per million. */
  readonly signed: number;
  readonly needed: number;
  readonly total: number;
  readonly certified: boolean;
  readonly stages: readonly { readonly name: string; readonly weight: number; readonly stage: Stage }[];
}

interface Tally {
  readonly epoch: number;
  readonly decision: string;
  readonly ready: Set<number>;
  readonly signed: Set<number>;
}

/** Null where nobody is asked to certify. By the members' word: signatures are checked by `waggle verify`. */
export function certifyingAt(of: Story, at: number): Certifying | null {
  const needed = of.channel.opening.needed;
  if (needed === 0) return null;
  const sealed = new Set<number>();
  const tallies = new Map<string, Tally>();
  let epoch = 0;
  for (const position of of.certifying) {
    if (position > at) break;
    const message = of.messages[position];
    const lane = of.laneOf[position] ?? 0;
    if (message === undefined || weightOf(of, lane) === 0) continue;
    const round = message.round ?? 0;
    epoch = Math.max(epoch, round);
    if (message.signs === null) {
      sealed.add(lane);
      continue;
    }
    const name = `${round} ${message.signs}`;
    const tally = tallies.get(name) ?? { epoch: round, decision: message.signs, ready: new Set(), signed: new Set() };
    tallies.set(name, tally);
    (message.kind.startsWith("ack/") ? tally.signed : tally.ready).add(lane);
  }
  return shown(of, needed, epoch, sealed, leading(of, [...tallies.values()]));
}

function shown(of: Story, needed: number, epoch: number, sealed: ReadonlySet<number>, best: Tally | null): Certifying {
  const voters = of.lanes.flatMap((lane, i) => (lane.weight > 0 ? [i] : []));
  const stage = (lane: number): Stage => (best?.signed.has(lane) ? "signed" : best?.ready.has(lane) ? "ready" : sealed.has(lane) ? "sealed" : "silent");
  const signed = best === null ? 0 : weighed(of, best.signed);
  return {
    epoch: best?.epoch ?? epoch,
    decision: best?.decision ?? null,
    signed,
    needed,
    total: weighed(of, voters),
    certified: signed >= needed,
    stages: voters.map((lane) => ({ name: of.lanes[lane]?.name ?? "", weight: weightOf(of, lane), stage: stage(lane) })),
  };
}

/** The one that most weight has signed; of those alike the one that most are ready for, and then the newest. */
function leading(of: Story, tallies: readonly Tally[]): Tally | null {
  const order = (a: Tally, b: Tally): number => weighed(of, b.signed) - weighed(of, a.signed) || weighed(of, b.ready) - weighed(of, a.ready) || b.epoch - a.epoch;
  return [...tallies].sort(order)[0] ?? null;
}

function weighed(of: Story, lanes: Iterable<number>): number {
  return [...lanes].reduce((sum, lane) => sum + weightOf(of, lane), 0);
}

function weightOf(of: Story, lane: number): number {
  return of.lanes[lane]?.weight ?? 0;
}
