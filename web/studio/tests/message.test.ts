import { describe, expect, it } from "vitest";
import type { Msg } from "../src/api";
import { FREE, unpacked } from "../src/message";

const ada = { id: "aa", name: "ada" };
const sent: Msg[] = [
  { id: "i0", n: 0, author: ada, kind: "opening/1", wall_ms: 5, text: "?" },
  { id: "i1", n: 1, author: { id: "bb", name: "ben" }, kind: "proposal/1", wall_ms: 6, parents: [1], key: "9", cost: [1, 2, 3, 4, 5] },
  { id: "i2", n: 2, author: 0, kind: "judgement/1", wall_ms: 7, parents: [2, "lost"], refs: [1], verdicts: [{ subjects: [1], scores: [7], reason: "" }] },
  { id: "i3", n: 3, author: 1, kind: "proposal/1", wall_ms: 8, round: 1 },
];

describe("messages that came", () => {
  it("name their author by the place of its first message, and others by how far back they stand", () => {
    const [opening, first, judged, last] = unpacked([], sent);
    expect([opening?.name, first?.name, judged?.name, last?.name]).toEqual(["ada", "ben", "ada", "ben"]);
    expect([judged?.author, last?.author]).toEqual(["aa", "bb"]);
    expect(first?.parents).toEqual([0]);
    expect(judged?.parents).toEqual([0, "lost"]);
    expect(judged?.verdicts?.[0]?.subjects).toEqual([1]);
  });

  it("have what was left out because it is empty", () => {
    expect(unpacked([], sent)[3]).toMatchObject({ key: null, text: "", cut: false, lapse: "", refs: [], confidence_ppm: null, cost: FREE, verdicts: null });
  });

  it("are the same in pages of any size, and when some come twice", () => {
    const whole = unpacked([], sent);
    for (const size of [1, 2, 3]) {
      const known = unpacked([], sent.slice(0, size));
      expect([...known, ...unpacked(known, sent.slice(size))]).toEqual(whole);
      expect(unpacked(known, sent.slice(size - 1))).toEqual(whole.slice(size - 1));
    }
  });
});
