/** A swarm on the network as the peers of this machine see it, put together: one of them tells, others may differ. */

import type { MeshMember, MeshSwarm } from "./api";

export interface Seen {
  readonly name: string;
  /** Whose view is shown: the first peer here that runs; of none that run the one that told last; null if none ever did. */
  readonly by: MeshSwarm | null;
  /** Its members, each with those peers of this machine that see it otherwise, and as what; none where no peer runs. */
  readonly members: readonly (MeshMember & { readonly otherwise: readonly string[] })[];
  /** All who tell, as they came. */
  readonly tellers: readonly MeshSwarm[];
}

export function seen(swarms: readonly MeshSwarm[]): readonly Seen[] {
  const names = [...new Set(swarms.map((s) => s.name))];
  return names.map((name) => {
    const tellers = swarms.filter((s) => s.name === name);
    const by = tellers.find((s) => s.runs) ?? [...tellers].filter((s) => s.age_ms !== null).sort((a, b) => (a.age_ms ?? 0) - (b.age_ms ?? 0))[0] ?? null;
    const others = tellers.filter((s) => s.runs && s !== by);
    const members = (by?.runs === true ? by.members : []).map((member) => ({
      ...member,
      otherwise: others.flatMap((other) => {
        if (other.peer === member.name) return []; // one who hangs still thinks that it is alive
        const theirs = other.members.find((m) => m.name === member.name)?.state ?? "unknown";
        return theirs === member.state ? [] : [`${other.peer}: ${stateWord(theirs)}`];
      }),
    }));
    return { name, by, members, tellers };
  });
}

export function stateWord(state: string): string {
  return state === "dead" ? "away" : state;
}

/** Such as `3 of 5 alive, 1 suspect`. */
export function counts(members: readonly MeshMember[]): string {
  const of = (state: string): number => members.filter((m) => m.state === state).length;
  const others = ["suspect", "dead", "left"].filter((state) => of(state) > 0).map((state) => `, ${of(state)} ${stateWord(state)}`);
  return `${of("alive")} of ${members.length} alive${others.join("")}`;
}
