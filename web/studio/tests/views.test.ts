import { describe, expect, it } from "vitest";
import { COLOURS, SHAPES, corners, look, outline } from "../src/answers";
import { amount, burning, sampled } from "../src/burn";
import { answerOf, turnsOf } from "../src/exchange";
import { elapsed, found, kindWord, shortened } from "../src/format";
import { stateAt } from "../src/plan";
import { hashOf, routeOf } from "../src/route";
import { Story } from "../src/story";
import { stream } from "../src/stream";
import { rowsInView, toPixel, toValue, windowAround, zoomed } from "../src/window";
import { channel, message } from "./channel";

describe("looks of answers", () => {
  it("are all different for the first eight, in colour and in shape", () => {
    const looks = Array.from({ length: COLOURS }, (_, i) => look(i));
    expect(new Set(looks.map((l) => l.colour)).size).toBe(COLOURS);
    expect(new Set(looks.map((l) => l.shape)).size).toBe(COLOURS);
  });

  it("share one colour after that, with shapes that come again", () => {
    expect(look(8)).toEqual({ colour: COLOURS, shape: SHAPES[0] });
    expect(look(900).colour).toBe(COLOURS);
  });

  it("stay inside their box", () => {
    for (const shape of SHAPES) for (const [x, y] of corners(shape) ?? []) expect(Math.hypot(x, y)).toBeLessThan(1.4);
    expect(new Set(SHAPES.map(outline)).size).toBe(SHAPES.length);
  });
});

describe("the window", () => {
  it("shows everything when it is wide enough, and never beyond the ends", () => {
    expect(windowAround(3, 50, 9)).toEqual({ from: -0.5, to: 9.5 });
    expect(windowAround(0, 10, 99)).toEqual({ from: -0.5, to: 9.5 });
    expect(windowAround(99, 10, 99)).toEqual({ from: 89.5, to: 99.5 });
  });

  it("always holds the present", () => {
    for (const at of [0, 1, 37, 98, 99]) {
      const span = windowAround(at, 12, 99);
      expect(span.from).toBeLessThanOrEqual(at);
      expect(span.to).toBeGreaterThanOrEqual(at);
    }
  });

  it("turns pixels into values and back", () => {
    const span = { from: 10, to: 30 };
    expect(toValue(toPixel(17, span, 640), span, 640)).toBeCloseTo(17);
  });

  it("zooms between eight messages and all", () => {
    expect(zoomed(10, 0.1, 99)).toBe(8);
    expect(zoomed(90, 8, 99)).toBe(100);
  });

  it("draws only rows in view, and some more", () => {
    expect(rowsInView(0, 100, 50, 10_000)).toEqual({ first: 0, end: 8 });
    const far = rowsInView(400_000, 100, 50, 10_000);
    expect(far.end - far.first).toBeLessThan(20);
    expect(rowsInView(900, 100, 50, 3)).toEqual({ first: 3, end: 3 });
  });
});

describe("the budget", () => {
  const cost = [1, 50, 50, 0, 0] as const;
  const story = new Story(channel([message(0, "a", { cost }), message(1, "a", { cost })]));
  const none = { tokens: null, calls: null, messages: null, seconds: null, usd_micro: null };

  it("burns from the limit down, not below nothing", () => {
    expect(burning(story, { ...none, tokens: 400 }).burns).toEqual([{ measure: "tokens", limit: 400, percent: [75, 50] }]);
    expect(burning(story, { ...none, calls: 1 }).burns[0]?.percent).toEqual([0, 0]);
    expect(burning(story, { ...none, calls: 0 }).burns[0]?.percent).toEqual([0, 0]);
  });

  it("rises to all that was spent where there is no limit", () => {
    expect(burning(story, null).burns.map((b) => b.percent)).toEqual([[50, 100], [50, 100]]);
    expect(burning(new Story(channel([])), null).positions).toEqual([]);
  });

  it("samples long channels from the first to the last message", () => {
    const positions = sampled(10_000, 300);
    expect([positions.length, positions[0], positions[299]]).toEqual([300, 0, 9_999]);
    expect(sampled(5, 1)).toEqual([4]);
    expect(sampled(0, 300)).toEqual([]);
  });

  it("is written as people read it", () => {
    expect([amount("usd_micro", 1_230_000), amount("seconds", 3.21), amount("tokens", 12_345)]).toEqual(["$1.23", "3.2", "12,345"]);
  });
});

describe("the stream of opinion", () => {
  it("holds each answer's part of all weight", () => {
    const story = new Story(channel([message(0, "a", { key: "x" }), message(1, "b", { key: "y" })]));
    expect(stream(story, 2)).toEqual([[{ answer: 0, part: 0.5 }], [{ answer: 0, part: 0.5 }, { answer: 1, part: 0.5 }]]);
  });
});

describe("addresses", () => {
  it("come back as they were, with any name", () => {
    for (const route of [
      { view: "start" },
      { view: "channel", name: "q1/ä #%", message: null },
      { view: "channel", name: "q", message: "abc" },
      { view: "compare", left: "a/b", right: "c" },
    ] as const) {
      expect(routeOf(hashOf(route))).toEqual(route.view === "compare" ? { ...route } : route);
    }
  });

  it("that mean nothing lead to the start", () => {
    for (const hash of ["", "#", "#/x/y", "#/c/", "#/compare/a", "#/c/%E0%A4%A"]) expect(["start", "channel"]).toContain(routeOf(hash).view);
  });
});

describe("a plan's tasks", () => {
  const task = { id: "t", goal: "g", kind: "work", state: "done", by: null, needs: [], parent: null, result: null, began_ms: 100, ended_ms: 200 };

  it("wait, run and are done at their times", () => {
    expect([50, 150, 250, null].map((wall) => stateAt(task, wall))).toEqual(["waiting", "running", "done", "done"]);
  });

  it("are what they are when nobody noted the time", () => {
    expect(stateAt({ ...task, state: "ready", began_ms: null, ended_ms: null }, 150)).toBe("ready");
  });
});

describe("exchanges", () => {
  const exchange = { skill: "propose", round: 0, kind: "model", of: "m", asked: "", answered: "", failure: "", milliseconds: 1 } as const;

  it("show turns and reply", () => {
    expect(turnsOf({ ...exchange, asked: '{"turns":[{"role":"user","text":"hi"}]}' })).toEqual([{ role: "user", text: "hi" }]);
    expect(answerOf({ ...exchange, answered: '{"text":"ok","calls":[{"id":"1","name":"add","arguments":"{}"}]}' })).toBe("ok\n→ add({})");
  });

  it("show what they do not understand as it is", () => {
    expect(turnsOf({ ...exchange, asked: "not json" })).toEqual([{ role: "asked", text: "not json" }]);
    expect(answerOf({ ...exchange, kind: "tool", answered: "<b>" })).toBe("<b>");
    expect(turnsOf({ ...exchange, asked: '{"turns":[null,3]}' })).toEqual([{ role: "", text: "" }, { role: "", text: "" }]);
  });
});

describe("words that were searched", () => {
  it("are found in any case, and nothing is lost", () => {
    expect(found("Nine or nine", "nine")).toEqual(["", "Nine", " or ", "nine", ""]);
    expect(found("none", "x")).toEqual(["none"]);
    expect(found("none", "")).toEqual(["none"]);
    expect(found("İİ nine", "nine").join("")).toBe("İİ nine"); // lower case is longer here: nothing is marked
  });
});

describe("words", () => {
  it("tell time and kinds", () => {
    expect([elapsed(0), elapsed(4_250), elapsed(750_000), elapsed(3_723_000)]).toEqual(["0:00.0", "0:04.2", "12:30", "1:02:03"]);
    expect([kindWord("proposal/1"), kindWord("dance/2")]).toEqual(["answer", "dance"]);
    expect(shortened("a\n  b", 10)).toBe("a b");
    expect(shortened("abcdef", 4)).toBe("abc…");
  });
});
