/** A plan's tasks in layers, with the state that each had at the moment. */

import { useMemo } from "preact/hooks";
import { shortened } from "../format";
import { TASK_HEIGHT, TASK_WIDTH, flowing, planPlaces } from "../layout";
import { sign, stateAt } from "../plan";
import { story } from "../state";
import { Card } from "./parts";
import { shownAt } from "../turns";

export function Plan() {
  const of = story.value;
  const tasks = of?.channel.plan?.tasks ?? [];
  const placed = useMemo(() => planPlaces(tasks), [tasks]);
  if (of === null || tasks.length === 0) return null;
  const wall = shownAt.plan.value >= of.last ? null : (of.messages[shownAt.plan.value]?.wall_ms ?? null);
  const done = tasks.filter((t) => stateAt(t, wall) === "done").length;
  return (
    <Card title="Plan" name="plan" aside={<span class="soft">{`${done} of ${tasks.length} done`}</span>}>
      <div class="plan" tabIndex={0} role="group" aria-label="Tasks of the plan">
        <div class="plan-page" style={{ width: `${placed.width}px`, height: `${placed.height}px` }}>
          <svg width={placed.width} height={placed.height} aria-hidden="true">
            {placed.edges.map(({ from, to, points }) => (
              <path key={`${from} ${to}`} d={flowing(points)} />
            ))}
          </svg>
          <ol>
            {placed.tasks.map(({ task, x, y }) => {
              const state = stateAt(task, wall);
              return (
                <li
                  key={task.id}
                  class={`task state-${state}`}
                  style={{ left: `${x - TASK_WIDTH / 2}px`, top: `${y - TASK_HEIGHT / 2}px`, width: `${TASK_WIDTH}px`, height: `${TASK_HEIGHT}px` }}
                  title={task.result ?? task.goal}
                >
                  <span class="task-goal">{shortened(task.goal, 56)}</span>
                  <span class="task-state">
                    <span aria-hidden="true">{sign(state)}</span> {state}
                    {task.by !== null && state !== "waiting" && <> · {task.by}</>}
                  </span>
                </li>
              );
            })}
          </ol>
        </div>
      </div>
    </Card>
  );
}
