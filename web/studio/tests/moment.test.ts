import { describe, expect, it } from "vitest";
import { type Step, begin, pace, travel } from "../src/moment";
import { numbers } from "./channel";

describe("time travel", () => {
  it("begins at the newest message and follows it", () => {
    const now = travel(begin(4), { do: "grew", last: 9 });
    expect(now).toMatchObject({ at: 9, last: 9, following: true });
  });

  it("stays where someone went while messages come, and follows again from the end", () => {
    const back = travel(begin(4), { do: "by", by: -2 });
    expect(travel(back, { do: "grew", last: 9 })).toMatchObject({ at: 2, last: 9, following: false });
    expect(travel(travel(back, { do: "grew", last: 9 }), { do: "end" })).toMatchObject({ at: 9, following: true });
  });

  it("plays from the start when it is at the end, and stops at the end", () => {
    const playing = travel(begin(3), { do: "toggle" });
    expect(playing).toMatchObject({ at: 0, playing: true });
    expect(travel(playing, { do: "tick", by: 2 })).toMatchObject({ at: 2, playing: true });
    expect(travel(playing, { do: "tick", by: 99 })).toMatchObject({ at: 3, playing: false });
  });

  it("does not play what has one message or none", () => {
    expect(travel(begin(0), { do: "toggle" }).playing).toBe(false);
    expect(travel(begin(-1), { do: "toggle" }).playing).toBe(false);
    expect(travel(begin(-1), { do: "home" }).at).toBe(-1);
  });

  it("never leaves the channel, whatever is done", () => {
    const random = numbers(3);
    const steps: readonly Step[] = [{ do: "by", by: -7 }, { do: "by", by: 5 }, { do: "to", at: 1e9 }, { do: "home" }, { do: "end" }, { do: "toggle" }, { do: "tick", by: 3 }];
    let now = begin(20);
    for (let i = 0; i < 500; i += 1) {
      now = travel(now, steps[Math.floor(random() * steps.length)] ?? { do: "home" });
      expect(now.at).toBeGreaterThanOrEqual(0);
      expect(now.at).toBeLessThanOrEqual(20);
    }
  });

  it("plays the longest channel within a minute", () => {
    expect(10_000 / pace(10_000)).toBeLessThanOrEqual(60);
    expect(pace(10)).toBe(4);
  });
});
