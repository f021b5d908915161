import { describe, expect, it } from "vitest";
import { READABLE, fitting, kept, scaled } from "../src/zoom";

describe("a drawing in a box", () => {
  it("fits where it can still be read, and is never blown up", () => {
    expect(fitting(500, 1000)).toBe(1);
    expect(fitting(1250, 1000)).toBe(0.8);
    expect(fitting(9000, 1000)).toBe(READABLE);
    expect([fitting(0, 10), fitting(10, 0)]).toEqual([1, 1]);
  });

  it("is never zoomed out of sight", () => {
    expect(scaled(1, 1.25)).toBe(1.25);
    expect([scaled(1.9, 9), scaled(0.3, 0.01)]).toEqual([2, 0.2]);
  });

  it("keeps what is under the pointer under the pointer", () => {
    const [scroll, at, from, to] = [120, 80, 1, 1.25];
    expect((kept(scroll, at, from, to) + at) / to).toBeCloseTo((scroll + at) / from);
  });
});
