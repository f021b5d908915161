/** What a plan's tasks were at a moment. */

import type { PlanTask } from "./api";

/** A task's state when a clock showed `wall_ms`; its last state when `wall_ms` is null: the end. */
export function stateAt(task: PlanTask, wall_ms: number | null): string {
  if (wall_ms === null) return task.state;
  if (task.ended_ms !== null && task.ended_ms <= wall_ms) return task.state;
  if (task.began_ms !== null && task.began_ms <= wall_ms) return task.ended_ms === null ? task.state : "running";
  return task.began_ms === null && task.ended_ms === null ? task.state : "waiting";
}

/** A sign for a state, so that it is told without its colour. */
export function sign(state: string): string {
  return SIGNS[state] ?? "○";
}

const SIGNS: Readonly<Record<string, string>> = {
  done: "✓",
  failed: "✕",
  running: "▸",
  claimed: "▸",
  review: "◉",
  ready: "◇",
  skipped: "◼",
};
