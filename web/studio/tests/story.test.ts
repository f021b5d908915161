import { describe, expect, it } from "vitest";
import { Story, before, withMessages } from "../src/story";
import { channel, message, numbers } from "./channel";

const asked = message(0, "asker", { kind: "opening/1" });
const debate = [
  asked,
  message(1, "a", { key: "9", parents: [0] }),
  message(2, "b", { key: "8", parents: [0] }),
  message(3, "b", { key: "9", round: 1, parents: [2], refs: [1], cost: [1, 5, 2, 3, 0] as const }),
  message(4, "asker", { kind: "outcome/1", key: "9", parents: [3] }),
];

describe("a story", () => {
  const story = new Story(channel(debate));

  it("knows each one's latest opinion at any moment", () => {
    const lane = story.lanes.findIndex((l) => l.name === "b");
    expect(story.opinion(lane, 1)).toBeNull();
    expect(story.opinion(lane, 2)?.key).toBe("8");
    expect(story.opinion(lane, 4)?.key).toBe("9");
    expect(story.cell(lane, 0, 4)?.key).toBe("8");
    expect(story.cell(lane, 1, 2)).toBeNull();
  });

  it("knows what letters stand for where there are options, and nowhere else", () => {
    const opening = { ...channel([]).opening, options: ["a pond", "a lawn", "swings"] };
    const park = new Story(channel(debate, { opening }));
    expect(park.meaning("B")).toBe("a lawn");
    expect(park.meaning("A+C")).toBe("a pond, swings");
    expect(park.meaning("D")).toBeNull();
    expect(park.meaning("a pond")).toBeNull();
    expect(story.meaning("A")).toBeNull();
  });

  it("tallies the standing by weight, and members only", () => {
    expect(story.standing(0)).toEqual([]);
    expect(story.standing(2).map((s) => [s.key, s.weight])).toEqual([["9", 1_000_000], ["8", 1_000_000]]);
    expect(story.standing(3).map((s) => [s.key, s.weight])).toEqual([["9", 2_000_000]]);
  });

  it("links causes and effects both ways", () => {
    expect(story.causes[3]).toEqual([2, 1]);
    expect(story.effects[1]).toEqual([3]);
    expect(story.heard.map((h) => [story.lanes[h.from]?.name, story.lanes[h.to]?.name, h.at])).toContainEqual(["a", "b", [3]]);
  });

  it("says whom a message heard: those it names, nobody for a first answer, else those it builds on, members only", () => {
    const said = [
      asked,
      message(1, "a", { parents: [0] }),
      message(2, "b", { parents: [0, 1] }),
      message(3, "c", { parents: [0, 1, 2], refs: [2] }),
      message(4, "a", { kind: "note/1", parents: [1, 0, 3] }),
      message(5, "b", { kind: "judgement/1", parents: [2, 3], refs: [1, "lost"] }),
    ];
    const { heard, lanes } = new Story(channel(said));
    const pairs = heard.map(({ from, to, at }) => `${lanes[to]?.name} heard ${lanes[from]?.name} at ${at.join()}`);
    expect(pairs.sort()).toEqual(["a heard c at 4", "b heard a at 5", "b heard c at 5", "c heard b at 3"]);
  });

  it("sums up what was spent until a moment", () => {
    expect(story.spent(2).tokens).toBe(0);
    expect(story.spent(3)).toMatchObject({ messages: 4, calls: 1, tokens: 7, usd_micro: 3 });
    expect(story.spent(-1)).toMatchObject({ messages: 0, calls: 0, tokens: 0 });
  });

  it("counts once what a plan tells three times", () => {
    const cost = [1, 5, 2, 3, 0] as const;
    const kinds = ["note/1", "plan-edit/1", "task-outcome/1"];
    expect(new Story(channel(kinds.map((kind, n) => message(n, "a", { kind, cost })))).spent(2)).toMatchObject({ calls: 1, tokens: 7 });
  });

  it("has a decision only from the asker's outcome on", () => {
    expect(story.outcome).toBe(4);
    expect(story.decided(4)).toBe(false); // no decision was told
    const decision = { status: "decided", key: "9", answer: "9", text: "", confidence_ppm: null, support: [], dissent: [], notes: [], silent: [], cost: asked.cost, seconds: 1, used: [] };
    const told = new Story(channel(debate, { decision }));
    expect([told.decided(3), told.decided(4)]).toEqual([false, true]);
    const early = [0, 1, 2, 4, 3].map((i, n) => ({ ...(debate[i] ?? asked), n }));
    const late = new Story(channel(early, { decision: { ...decision, used: [4] } }));
    expect([late.decided(3), late.decided(4)]).toEqual([false, true]); // it rests on what came after it
  });

  it("does not count the day on which a replay was made", () => {
    const fork = new Story(channel([message(0, "x", { kind: "fork/1", wall_ms: 9e9 }), message(1, "a", { wall_ms: 100 }), message(2, "a", { wall_ms: 400 })]));
    expect([...fork.clock]).toEqual([0, 0, 300]);
  });

  it("lets clocks never fall", () => {
    const late = new Story(channel([message(0, "a", { wall_ms: 500 }), message(1, "b", { wall_ms: 200 }), message(2, "a", { wall_ms: 800 })]));
    expect([...late.clock]).toEqual([0, 0, 300]);
    expect(late.atTime(299)).toBe(1);
  });

  it("of nothing is empty and does not fail", () => {
    const none = new Story(channel([]));
    expect(none.last).toBe(-1);
    expect(none.standing(-1)).toEqual([]);
    expect(none.spent(-1).seconds).toBe(0);
  });

  it("agrees with a slow count on random channels", () => {
    const random = numbers(7);
    const said = Array.from({ length: 300 }, (_, n) =>
      message(n, `p${Math.floor(random() * 6)}`, { round: Math.floor(n / 20), key: random() < 0.1 ? null : String(Math.floor(random() * 4)) }),
    );
    const of = new Story(channel(said));
    for (const at of [0, 1, 57, 299]) {
      const latest = new Map<string, string | null>();
      for (const m of said.slice(0, at + 1)) latest.set(m.author, m.key);
      const slow = new Map<string, number>();
      for (const key of latest.values()) if (key !== null) slow.set(key, (slow.get(key) ?? 0) + 1_000_000);
      expect(new Map(of.standing(at).map((s) => [s.key, s.weight]))).toEqual(slow);
    }
  });
});

describe("before", () => {
  it("finds the last item at or before a place", () => {
    const at = [1, 3, 3, 8];
    expect([0, 1, 3, 7, 9].map((place) => before(at, place, (x) => x))).toEqual([-1, 0, 2, 2, 3]);
    expect(before([], 5, (x: number) => x)).toBe(-1);
  });
});

describe("withMessages", () => {
  it("takes each message once, in the order of places, whatever order they come in", () => {
    const grown = withMessages(channel(debate.slice(0, 2)), [debate[3], debate[1], debate[2], debate[3]].flatMap((m) => m ?? []));
    expect(grown.messages.map((m) => m.n)).toEqual([0, 1, 2, 3]);
  });

  it("is the same channel when nothing is new", () => {
    const same = channel(debate);
    expect(withMessages(same, debate)).toBe(same);
  });
});
