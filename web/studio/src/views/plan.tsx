/** A plan's tasks in layers, with the state that each had at the moment; moved and zoomed by mouse, finger and keyboard. */

import type { RefObject } from "preact";
import { useEffect, useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import type { PlanTask } from "../api";
import { shortened } from "../format";
import { type PlacedPlan, TASK_HEIGHT, TASK_WIDTH, flowing, planPlaces } from "../layout";
import { sign, stateAt } from "../plan";
import { story } from "../state";
import { shownAt } from "../turns";
import { fitting, kept, scaled } from "../zoom";
import { Card, Folded } from "./parts";

const STEP = 1.25;

export function Plan() {
  const of = story.value;
  const tasks = of?.channel.plan?.tasks ?? [];
  if (of === null || tasks.length === 0) return null;
  const wall = shownAt.plan.value >= of.last ? null : (of.messages[shownAt.plan.value]?.wall_ms ?? null);
  return <Drawn tasks={tasks} wall={wall} />;
}

interface DrawnProps {
  readonly tasks: readonly PlanTask[];
  readonly wall: number | null;
}

function Drawn({ tasks, wall }: DrawnProps) {
  const box = useRef<HTMLDivElement>(null);
  const width = useWidth(box);
  const placed = usePlaced(tasks, width);
  const fit = fitting(placed.width, width);
  const [own, zoom] = useZoom(box, fit);
  const [chosen, setChosen] = useState<string | null>(null);
  const scale = own ?? fit;
  const task = tasks.find((t) => t.id === chosen);
  const done = tasks.filter((t) => stateAt(t, wall) === "done").length;
  return (
    <Card
      title="Plan"
      name="plan"
      aside={
        <>
          <span class="soft">{`${done} of ${tasks.length} done`}</span>
          <div class="choice" role="group" aria-label="Size of the plan">
            <button type="button" aria-label="Zoom the plan out" onClick={() => zoom(1 / STEP)}>
              −
            </button>
            <button type="button" aria-label="Zoom the plan in" onClick={() => zoom(STEP)}>
              +
            </button>
            <button type="button" aria-label="Fit the plan" aria-pressed={own === null} onClick={() => zoom(null)}>
              fit
            </button>
          </div>
        </>
      }
    >
      <div
        class="plan"
        ref={box}
        tabIndex={0}
        role="group"
        aria-label="Tasks of the plan; plus and minus zoom, arrow keys move"
        onKeyDown={(event) => pressed(event, box.current, zoom)}
        onPointerDown={(event) => dragged(event, box.current)}
      >
        <div class="plan-size" style={{ width: `${placed.width * scale}px`, height: `${placed.height * scale}px` }}>
          <Tasks placed={placed} scale={scale} wall={wall} chosen={chosen} choose={(id) => setChosen(id === chosen ? null : id)} />
        </div>
      </div>
      {task !== undefined && <Chosen task={task} tasks={tasks} wall={wall} />}
    </Card>
  );
}

/** From left to right where that fits; else the way that is shown larger. */
function usePlaced(tasks: readonly PlanTask[], width: number): PlacedPlan {
  const across = useMemo(() => planPlaces(tasks), [tasks]);
  const wide = width > 0 && across.width > width;
  const down = useMemo(() => (wide ? planPlaces(tasks, "TB") : null), [tasks, wide]);
  return down !== null && down.width < across.width ? down : across;
}

interface TasksProps {
  readonly placed: PlacedPlan;
  readonly scale: number;
  readonly wall: number | null;
  readonly chosen: string | null;
  readonly choose: (id: string) => void;
}

function Tasks({ placed, scale, wall, chosen, choose }: TasksProps) {
  return (
    <div class="plan-page" style={{ width: `${placed.width}px`, height: `${placed.height}px`, transform: `scale(${scale})` }}>
      <svg width={placed.width} height={placed.height} aria-hidden="true">
        {placed.edges.map(({ from, to, points }) => (
          <path key={`${from} ${to}`} class={from === chosen || to === chosen ? "near" : undefined} d={flowing(points, placed.way)} />
        ))}
      </svg>
      <ol>
        {placed.tasks.map(({ task, x, y }) => {
          const state = stateAt(task, wall);
          return (
            <li key={task.id} style={{ left: `${x - TASK_WIDTH / 2}px`, top: `${y - TASK_HEIGHT / 2}px`, width: `${TASK_WIDTH}px`, height: `${TASK_HEIGHT}px` }}>
              <button type="button" class={`task state-${state}`} aria-expanded={task.id === chosen} title={task.goal} onClick={() => choose(task.id)}>
                <span class="task-goal">{shortened(task.goal, 56)}</span>
                <span class="task-state">
                  <span aria-hidden="true">{sign(state)}</span> {state}
                  {task.by !== null && state !== "waiting" && <> · {task.by}</>}
                </span>
              </button>
            </li>
          );
        })}
      </ol>
    </div>
  );
}

/** A task that was chosen, whole: its goal, what it waits for, and what came of it. */
function Chosen({ task, tasks, wall }: DrawnProps & { readonly task: PlanTask }) {
  const state = stateAt(task, wall);
  const needs = task.needs.flatMap((id) => tasks.find((t) => t.id === id)?.goal ?? []);
  return (
    <section class="task-open" aria-label="Task">
      <p>
        <strong dir="auto">
          <Folded text={task.goal} what="goal" />
        </strong>{" "}
        <span class="soft">
          {state}
          {task.by !== null && state !== "waiting" && <> · {task.by}</>}
        </span>
      </p>
      {needs.length > 0 && <p class="soft small">After {needs.map((goal) => `“${shortened(goal, 60)}”`).join(", ")}</p>}
      {task.result !== null && state === task.state && (
        <blockquote class="said" dir="auto">
          <Folded text={task.result} what="result" />
        </blockquote>
      )}
    </section>
  );
}

function useWidth(box: RefObject<HTMLDivElement | null>): number {
  const [width, setWidth] = useState(0);
  useLayoutEffect(() => {
    const element = box.current;
    if (element === null) return;
    setWidth(element.clientWidth);
    const sizes = new ResizeObserver(() => setWidth(element.clientWidth));
    sizes.observe(element);
    return () => sizes.disconnect();
  }, []);
  return width;
}

type Zoom = (by: number | null, x?: number, y?: number) => void;

/** A scale of someone's own, null where it fits; what stands at a place of the box, else in its middle, stays there. */
function useZoom(box: RefObject<HTMLDivElement | null>, fit: number): readonly [number | null, Zoom] {
  const [own, setOwn] = useState<number | null>(null);
  const to = useRef<readonly [number, number] | null>(null);
  const zoom: Zoom = (by, x, y) => {
    const element = box.current;
    const from = own ?? fit;
    const next = by === null ? fit : scaled(from, by);
    if (element !== null) {
      to.current = [
        kept(element.scrollLeft, x ?? element.clientWidth / 2, from, next),
        kept(element.scrollTop, y ?? element.clientHeight / 2, from, next),
      ];
    }
    setOwn(by === null ? null : next);
  };
  const latest = useRef(zoom);
  latest.current = zoom;
  useLayoutEffect(() => {
    if (to.current !== null) box.current?.scrollTo({ left: to.current[0], top: to.current[1], behavior: "instant" });
    to.current = null;
  }, [own]);
  useEffect(() => {
    const element = box.current;
    const turned = (event: WheelEvent): void => {
      if (!event.ctrlKey || element === null) return;
      event.preventDefault(); // else the browser zooms the page: only a listener that is not passive may say so
      const { left, top } = element.getBoundingClientRect();
      latest.current(event.deltaY < 0 ? STEP : 1 / STEP, event.clientX - left, event.clientY - top);
    };
    element?.addEventListener("wheel", turned, { passive: false });
    return () => element?.removeEventListener("wheel", turned);
  }, []);
  return [own, zoom];
}

const MOVE = 60;
const MOVES: Readonly<Record<string, readonly [number, number]>> = {
  ArrowLeft: [-MOVE, 0],
  ArrowRight: [MOVE, 0],
  ArrowUp: [0, -MOVE],
  ArrowDown: [0, MOVE],
};

/** Keys that the plan takes for itself while it has the focus; all others are the page's. */
function pressed(event: KeyboardEvent, box: HTMLDivElement | null, zoom: Zoom): void {
  if (event.altKey || event.ctrlKey || event.metaKey) return;
  const move = MOVES[event.key];
  if (move !== undefined) box?.scrollBy({ left: move[0], top: move[1], behavior: "instant" });
  else if (event.key === "+" || event.key === "=") zoom(STEP);
  else if (event.key === "-") zoom(1 / STEP);
  else if (event.key === "0") zoom(null);
  else return;
  event.preventDefault();
  event.stopPropagation();
}

/** A mouse that moved no further than this has pressed, and not drawn. */
const STILL = 4;

/** Let the mouse draw the plan along; a finger does so by itself. Where it was drawn to, nothing is pressed. */
function dragged(event: PointerEvent, box: HTMLDivElement | null): void {
  if (box === null || event.pointerType !== "mouse" || event.button !== 0) return;
  const [left, top, x, y] = [box.scrollLeft, box.scrollTop, event.clientX, event.clientY];
  const end = new AbortController();
  const { signal } = end;
  let drawn = false;
  const move = (to: PointerEvent): void => {
    drawn ||= Math.hypot(to.clientX - x, to.clientY - y) > STILL;
    if (drawn) box.scrollTo({ left: left - (to.clientX - x), top: top - (to.clientY - y), behavior: "instant" });
  };
  const up = (): void => {
    if (drawn) addEventListener("click", (click) => click.stopPropagation(), { capture: true, signal });
    setTimeout(() => end.abort()); // the click comes at once, or not at all
  };
  addEventListener("pointermove", move, { signal });
  addEventListener("pointerup", up, { signal });
  addEventListener("pointercancel", () => end.abort(), { signal });
}
