import { describe, expect, it } from "vitest";
import { CIRCLE, flowing, neighbours, peerPlaces, planPlaces } from "../src/layout";

const task = (id: string, ...needs: string[]) => ({ id, goal: id, kind: "work", state: "ready", by: null, needs, parent: null, result: null, began_ms: null, ended_ms: null });

describe("peers", () => {
  it("stand inside the box, each at a place of its own, the same every time", () => {
    for (const peers of [1, 2, 5, CIRCLE, CIRCLE + 1, 80]) {
      const heard = Array.from({ length: peers }, (_, i) => ({ from: i, to: (i + 1) % peers, at: [0] }));
      const places = peerPlaces(peers, heard);
      expect(places).toHaveLength(peers);
      expect(new Set(places.map((p) => `${p.x.toFixed(4)} ${p.y.toFixed(4)}`)).size).toBe(peers);
      for (const { x, y } of places) {
        expect(x).toBeGreaterThanOrEqual(-1e-9);
        expect(x).toBeLessThanOrEqual(1 + 1e-9);
        expect(y).toBeGreaterThanOrEqual(-1e-9);
        expect(y).toBeLessThanOrEqual(1 + 1e-9);
      }
      expect(peerPlaces(peers, heard)).toEqual(places);
    }
  });
});

describe("many peers on a ring", () => {
  it("stand so that no two links cross, however they are numbered", () => {
    const ring = Array.from({ length: 41 }, (_, i) => (i * 17) % 41);
    const edges = ring.map((from, i) => ({ from, to: ring[(i + 1) % ring.length] ?? 0 }));
    const places = peerPlaces(41, edges);
    const at = (peer: number) => places[peer] ?? { x: 0, y: 0 };
    const side = (a: number, b: number, c: number) => Math.sign((at(b).x - at(a).x) * (at(c).y - at(a).y) - (at(b).y - at(a).y) * (at(c).x - at(a).x));
    const cross = edges.flatMap((a) => edges.filter((b) => new Set([a.from, a.to, b.from, b.to]).size === 4 && side(a.from, a.to, b.from) !== side(a.from, a.to, b.to) && side(b.from, b.to, a.from) !== side(b.from, b.to, a.to)));
    expect(cross).toEqual([]);
  });
});

describe("neighbours", () => {
  it("follow a ring along the ring, however its members are numbered", () => {
    const ring = [0, 4, 2, 6, 1, 5, 3];
    const edges = ring.map((from, i) => ({ from, to: ring[(i + 1) % ring.length] ?? 0 }));
    const order = neighbours(7, edges);
    const near = (a: number, b: number) => edges.some((e) => (e.from === a && e.to === b) || (e.from === b && e.to === a));
    expect(order.every((peer, i) => near(peer, order[(i + 1) % order.length] ?? -1))).toBe(true);
  });

  it("are all there once, also where nobody hears anybody", () => {
    expect(neighbours(4, [])).toEqual([0, 1, 2, 3]);
    expect([...neighbours(5, [{ from: 1, to: 3 }])].sort()).toEqual([0, 1, 2, 3, 4]);
    expect(neighbours(0, [])).toEqual([]);
  });

  it("leave the middle to one who is outside", () => {
    expect(peerPlaces(5, [], [0])[0]).toEqual({ x: 0.5, y: 0.5 });
    expect(peerPlaces(5, [], [0, 1])[0]).not.toEqual({ x: 0.5, y: 0.5 });
  });
});

describe("a plan", () => {
  it("runs from the top down where it is told to, each task below all that it needs", () => {
    const placed = planPlaces([task("c", "b"), task("b", "a"), task("a")], "TB");
    const y = Object.fromEntries(placed.tasks.map((t) => [t.task.id, t.y]));
    expect([y.a, y.b, y.c]).toEqual([...[y.a, y.b, y.c]].sort((a, b) => (a ?? 0) - (b ?? 0)));
    expect(placed.width).toBeLessThan(planPlaces([task("c", "b"), task("b", "a"), task("a")]).width);
    expect(flowing(placed.edges[0]?.points ?? [], "TB")).toMatch(/^M[\d.]+ [\d.]+C/);
  });

  it("puts each task right of all that it needs", () => {
    const placed = planPlaces([task("d", "b", "c"), task("b", "a"), task("c", "a"), task("a")]);
    const x = Object.fromEntries(placed.tasks.map((t) => [t.task.id, t.x]));
    expect(x["a"]).toBeLessThan(x["b"] ?? 0);
    expect(x["b"]).toBeLessThan(x["d"] ?? 0);
    expect(placed.edges).toHaveLength(4);
  });

  it("has lines from the right side of what is needed to the left side of what needs it", () => {
    const { tasks, edges } = planPlaces([task("b", "a"), task("a")]);
    const [b, a] = tasks;
    expect(edges[0]?.points[0]?.x).toBeGreaterThan(a?.x ?? Infinity);
    expect(edges[0]?.points.at(-1)?.x).toBeLessThan(b?.x ?? -Infinity);
    expect(flowing([{ x: 0, y: 0 }, { x: 10, y: 4 }])).toBe("M0 0C5 0 5 4 10 4");
    expect(flowing([])).toBe("");
  });

  it("holds every bend of its lines", () => {
    const loop = [
      task("critic3", "request", "mender3"), task("writer", "request"), task("request"), task("critic", "request", "writer"),
      task("critic2", "request", "mender2"), task("mender2", "writer", "critic"), task("mender3", "mender2", "critic2"),
    ];
    const { edges, height } = planPlaces(loop);
    const ys = edges.flatMap((edge) => edge.points.map((p) => p.y));
    expect(edges.length).toBe(11);
    expect(Math.min(...ys)).toBeGreaterThanOrEqual(0);
    expect(Math.max(...ys)).toBeLessThanOrEqual(height);
  });

  it("leaves out needs that name no task, or the task itself, and bears circles", () => {
    expect(planPlaces([task("a", "gone", "a")]).edges).toEqual([]);
    expect(planPlaces([task("a", "b"), task("b", "a")]).tasks).toHaveLength(2);
    expect(planPlaces([]).tasks).toEqual([]);
  });
});
