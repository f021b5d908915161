import { describe, expect, it } from "vitest";
import { counts, seen } from "../src/mesh";

const member = (name: string, state: string) => ({ name, weight: 1_000_000, state, rtt_ms: null });
const teller = (peer: string, runs: boolean, age_ms: number | null, ...members: ReturnType<typeof member>[]) => ({ name: "bees", peer, runs, age_ms, members, refused: {}, channels: 0, alarms: [] });

describe("a swarm on the network", () => {
  it("is told by the first who runs, with what the others that run see otherwise", () => {
    const [swarm] = seen([
      teller("a", false, 10, member("x", "dead")),
      teller("b", true, 500, member("x", "alive"), member("y", "alive")),
      teller("c", true, 90, member("x", "suspect")),
    ]);
    expect(swarm?.by?.peer).toBe("b");
    expect(swarm?.members.map((m) => m.otherwise)).toEqual([["c: suspect"], ["c: unknown"]]);
    expect(swarm?.tellers).toHaveLength(3);
  });

  it("does not ask a member how it is itself: one who hangs does not know", () => {
    const [swarm] = seen([teller("b", true, 1, member("c", "suspect")), teller("c", true, 900, member("c", "alive"))]);
    expect(swarm?.members[0]?.otherwise).toEqual([]);
  });

  it("is told by who told last where nobody runs, and by nobody where none ever did", () => {
    const [asleep] = seen([teller("a", false, 900), teller("b", false, 100, member("x", "alive"))]);
    expect([asleep?.by?.peer, asleep?.members]).toEqual(["b", []]); // what was so long ago is not shown as if it were so
    expect(seen([teller("a", false, null)])[0]).toMatchObject({ by: null, members: [] });
    expect(seen([])).toEqual([]);
  });

  it("counts its members by state", () => {
    expect(counts([member("a", "alive"), member("b", "suspect"), member("c", "dead")])).toBe("1 of 3 alive, 1 suspect, 1 away");
  });
});
