import { describe, expect, it } from "vitest";
import { paired, parting } from "../src/compare";
import { described, withEdit, withoutEdit } from "../src/edits";
import { ordered } from "../src/tree";
import { message } from "./channel";

const said = (n: number, name: string, key: string, round = 0) => message(n, name, { key, text: key, round });

describe("side by side", () => {
  it("pairs who said what when, though ids differ", () => {
    const left = [said(0, "a", "9"), said(1, "b", "8"), said(2, "a", "9", 1)];
    const right = [said(0, "b", "8"), said(1, "a", "7"), said(2, "a", "9", 1)].map((m) => ({ ...m, id: `other${m.n}` }));
    const pairs = paired(left, right);
    expect(pairs.map((p) => p.difference)).toEqual(["changed", "same", "same"]);
    expect(parting(pairs)).toBe(0);
  });

  it("shows what only one of them has, where it was said", () => {
    const left = [said(0, "a", "9"), said(1, "b", "8")];
    const right = [said(0, "a", "9"), said(1, "c", "5"), said(2, "d", "4")];
    expect(paired(left, right).map((p) => [p.left?.name, p.right?.name, p.difference])).toEqual([
      ["a", "a", "same"],
      ["b", undefined, "left"],
      [undefined, "c", "right"],
      [undefined, "d", "right"],
    ]);
  });

  it("holds every message of both exactly once", () => {
    const left = Array.from({ length: 40 }, (_, n) => said(n, `p${n % 3}`, "x", n % 4));
    const right = Array.from({ length: 31 }, (_, n) => said(n, `p${n % 5}`, "x", n % 3));
    const pairs = paired(left, right);
    expect(pairs.flatMap((p) => p.left ?? []).map((m) => m.n)).toEqual(left.map((m) => m.n));
    expect(new Set(pairs.flatMap((p) => p.right ?? []).map((m) => m.n)).size).toBe(31);
  });

  it("of two empty channels is empty", () => {
    expect(paired([], [])).toEqual([]);
    expect(parting([])).toBe(-1);
  });
});

describe("edits", () => {
  it("are at most one of each thing", () => {
    const once = withEdit(withEdit([], { do: "drop", id: "x" }), { do: "replace", id: "x", text: "y" });
    expect(once).toEqual([{ do: "replace", id: "x", text: "y" }]);
    expect(withEdit(once, { do: "rule", rule: "borda" })).toHaveLength(2);
    expect(withoutEdit(once, { do: "drop", id: "x" })).toEqual([]);
  });

  it("are told in words", () => {
    expect(described({ do: "drop", id: "x" }, () => message(4, "ben"))).toBe("Drop ben’s message 5");
    expect(described({ do: "replace", id: "abcdefghij", text: "a\nb" }, () => undefined)).toBe("Let message abcdefgh say “a b”");
    expect(described({ do: "peer", peer: "ben", off: true }, () => undefined)).toBe("Without ben");
  });
});

describe("the list of channels", () => {
  const line = (name: string, from: string | null = null) => ({
    name, question: "", protocol: "", topology: "", rule: "", status: "", answer: null, messages: 0, asked_ms: null, live: false,
    forked_from: from === null ? null : { channel: from, edits: 1 },
  });

  it("puts replays under what they are replays of", () => {
    const found = ordered([line("f2", "f1"), line("f1", "a"), line("b"), line("a")]);
    expect(found.map(({ line: l, depth }) => [l.name, depth])).toEqual([["b", 0], ["a", 0], ["f1", 1], ["f2", 2]]);
  });

  it("lists every channel once, also where the original is gone or they name each other", () => {
    expect(ordered([line("x", "gone"), line("y", "z"), line("z", "y")]).map(({ line: l }) => l.name).sort()).toEqual(["x", "y", "z"]);
  });
});
