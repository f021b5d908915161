/** Where peers and tasks stand: peers on a circle, or by forces where there are many; tasks in layers. */

import dagre from "@dagrejs/dagre";
import { forceCollide, forceLink, forceManyBody, forceSimulation, forceX, forceY } from "d3-force";
import type { PlanTask } from "./api";
import type { Heard } from "./story";

export interface Place {
  readonly x: number;
  readonly y: number;
}

/** More peers than this are laid out by who hears whom: a circle of them is only a ring of dots. */
export const CIRCLE = 24;

/** With so many links a peer, who is whose neighbour says where to stand. */
const FEW = 8;

export type Edge = Pick<Heard, "from" | "to">;

/**
 * A place for each of `peers`, in a box from 0 to 1: the same for the same input. Few stand on a circle, those beside
 * each other who hear each other; a single one of `outside`, who hears nobody, stands in the middle.
 */
export function peerPlaces(peers: number, edges: readonly Edge[], outside: readonly number[] = []): readonly Place[] {
  if (peers > CIRCLE) return forced(peers, edges);
  const middle = outside.length === 1 && peers > 3 ? outside[0] : undefined;
  const order = neighbours(peers, edges).filter((peer) => peer !== middle);
  const places = new Array<Place>(peers).fill({ x: 0.5, y: 0.5 });
  circle(order.length).forEach((place, i) => (places[order[i] ?? 0] = place));
  return places;
}

/** Peers in an order in which those who hear each other are close: from each to an unseen neighbour with the fewest. */
export function neighbours(peers: number, edges: readonly Edge[]): readonly number[] {
  const near = Array.from({ length: peers }, () => new Set<number>());
  for (const { from, to } of edges) {
    near[from]?.add(to);
    near[to]?.add(from);
  }
  const left = new Set(near.keys());
  const order: number[] = [];
  const free = (peer: number): number => [...(near[peer] ?? [])].filter((other) => left.has(other)).length;
  const fewest = (of: readonly number[]): number | undefined => [...of].sort((a, b) => free(a) - free(b) || a - b)[0];
  let now: number | undefined = 0;
  while (left.size > 0) {
    now ??= Math.min(...left);
    left.delete(now);
    order.push(now);
    now = fewest([...(near[now] ?? [])].filter((other) => left.has(other)));
  }
  return order;
}

export function circle(peers: number): Place[] {
  return Array.from({ length: peers }, (_, i) => circled(i, peers));
}

/** The `i`-th place of a circle of peers; one alone stands in the middle. */
function circled(i: number, peers: number): Place {
  if (peers === 1) return { x: 0.5, y: 0.5 };
  const angle = (i / peers) * 2 * Math.PI - Math.PI / 2;
  return { x: 0.5 + 0.5 * Math.cos(angle), y: 0.5 + 0.5 * Math.sin(angle) };
}

function forced(peers: number, edges: readonly Edge[]): readonly Place[] {
  const start = circle(peers);
  // neighbours begin side by side, so that a ring is not tangled; where most hear most there are no sides
  if (edges.length <= FEW * peers) neighbours(peers, edges).forEach((peer, i) => (start[peer] = circled(i, peers)));
  const nodes = start.map(({ x, y }, index) => ({ index, x: (x - 0.5) * 400, y: (y - 0.5) * 400 }));
  const links = edges.slice(0, 4000).map(({ from, to }) => ({ source: from, target: to }));
  forceSimulation(nodes)
    .force("push", forceManyBody().strength(-60))
    .force("pull", forceLink(links).distance(40).strength(0.2))
    .force("apart", forceCollide(10))
    .force("x", forceX(0).strength(0.06))
    .force("y", forceY(0).strength(0.06))
    .stop()
    .tick(peers > 300 ? 40 : 120);
  return boxed(nodes);
}

/** Shift and shrink places so that they fill the box from 0 to 1. */
export function boxed(places: readonly Place[]): readonly Place[] {
  const xs = places.map((p) => p.x);
  const ys = places.map((p) => p.y);
  const [left, top] = [Math.min(...xs), Math.min(...ys)];
  const size = Math.max(Math.max(...xs) - left, Math.max(...ys) - top, 1e-9);
  const [wide, high] = [(Math.max(...xs) - left) / size, (Math.max(...ys) - top) / size];
  return places.map((p) => ({
    x: (p.x - left) / size + (1 - wide) / 2,
    y: (p.y - top) / size + (1 - high) / 2,
  }));
}

export interface PlacedTask extends Place {
  readonly task: PlanTask;
}

export interface PlacedPlan {
  readonly tasks: readonly PlacedTask[];
  readonly edges: readonly { readonly from: string; readonly to: string; readonly points: readonly Place[] }[];
  readonly way: Way;
  readonly width: number;
  readonly height: number;
}

/** A line through points that leaves and enters each of them along the way, as the `d` of an SVG path. */
export function flowing(points: readonly Place[], way: Way = "LR"): string {
  return points.reduce((line, { x, y }, i) => {
    const from = points[i - 1];
    if (from === undefined) return `M${x} ${y}`;
    if (way === "TB") return `${line}C${from.x} ${(from.y + y) / 2} ${x} ${(from.y + y) / 2} ${x} ${y}`;
    const middle = (from.x + x) / 2;
    return `${line}C${middle} ${from.y} ${middle} ${y} ${x} ${y}`;
  }, "");
}

export const TASK_WIDTH = 190;
export const TASK_HEIGHT = 62;
const MARGIN = 4;

/** Which way a plan runs: its layers from left to right, or from the top down. */
export type Way = "LR" | "TB";

/** Tasks in layers, each after what it needs; needs that name no task are left out. */
export function planPlaces(tasks: readonly PlanTask[], way: Way = "LR"): PlacedPlan {
  const graph = new dagre.graphlib.Graph();
  graph.setGraph({ rankdir: way, nodesep: 14, ranksep: 46, marginx: MARGIN, marginy: MARGIN });
  graph.setDefaultEdgeLabel(() => ({}));
  const known = new Set(tasks.map((t) => t.id));
  for (const task of tasks) graph.setNode(task.id, { width: TASK_WIDTH, height: TASK_HEIGHT });
  for (const task of tasks) {
    for (const need of new Set(task.needs)) if (known.has(need) && need !== task.id) graph.setEdge(need, task.id);
  }
  dagre.layout(graph);
  const [right, down] = way === "LR" ? [TASK_WIDTH / 2, 0] : [0, TASK_HEIGHT / 2];
  const side = (id: string, sign: 1 | -1): Place => ({ x: Number(graph.node(id).x) + sign * right, y: Number(graph.node(id).y) + sign * down });
  const lines = graph.edges().map((edge) => {
    const points = (graph.edge(edge) as { points?: Place[] }).points ?? [];
    return { from: edge.v, to: edge.w, points: [side(edge.v, 1), ...points.slice(1, -1), side(edge.w, -1)] };
  });
  const size = graph.graph();
  const bends = lines.flatMap((line) => line.points); // dagre's box holds tasks, and not every bend
  const [xs, ys] = [bends.map((p) => p.x), bends.map((p) => p.y)];
  const [before, above] = [Math.max(0, MARGIN - Math.min(...xs)), Math.max(0, MARGIN - Math.min(...ys))];
  const shifted = ({ x, y }: Place): Place => ({ x: x + before, y: y + above });
  return {
    tasks: tasks.map((task) => ({ task, ...shifted({ x: Number(graph.node(task.id).x), y: Number(graph.node(task.id).y) }) })),
    edges: lines.map((line) => ({ ...line, points: line.points.map(shifted) })),
    way,
    width: Math.max(Number(size.width ?? 0), MARGIN + Math.max(...xs)) + before,
    height: Math.max(Number(size.height ?? 0), MARGIN + Math.max(...ys)) + above,
  };
}
