/** The message DAG as a timeline: drag to travel, click a mark to open its message. */

import { computed, signal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { useCanvas } from "../canvas";
import { GUTTER, type Scene, drawScene, nearest, place, redrawNames } from "../drawing";
import { counted, elapsed, kindWord, shortened } from "../format";
import { at, chosen, openMessage, opened, step, story } from "../state";
import type { Story } from "../story";
import { palette } from "../theme";
import { scrubbing } from "../turns";
import { windowAround, zoomed } from "../window";
import { Card } from "./parts";

type Axis = "order" | "time";

const axis = signal<Axis>("order");
/** How many values wide the window is; null for as many as fit well. */
const width = signal<number | null>(null);
const hovered = signal<number | null>(null);
const COMFORT = 90;

const values = computed(() => (story.value === null ? new Float64Array() : valuesOf(story.value, axis.value)));

/** Messages stand by their position, or by their time stretched to as many values. */
function valuesOf(of: Story, by: Axis): Float64Array {
  if (by === "order") return Float64Array.from(of.messages, (_, i) => i);
  const whole = of.clock[of.last] ?? 0;
  return of.clock.map((t) => (whole === 0 ? 0 : (t / whole) * of.last));
}

function windowWidth(last: number): number {
  return width.value ?? Math.min(last + 1, COMFORT);
}

function sceneOf(of: Story, wide: number, high: number): Scene {
  const now = values.value[at.value] ?? 0;
  return {
    story: of,
    values: values.value,
    span: windowAround(now, windowWidth(of.last), of.last),
    at: at.value,
    opened: opened.value === null ? null : (of.position.get(opened.value) ?? null),
    hovered: hovered.value,
    chosen: chosen.value,
    width: wide,
    height: high,
    palette: palette.value,
    moving: scrubbing.value,
  };
}

export function Timeline() {
  const drag = useRef<{ x: number; at: number; moved: boolean } | null>(null);
  const scene = useRef<Scene | null>(null);
  const canvas = useCanvas((ctx, wide, high) => {
    const of = story.value;
    if (of === null) return;
    scene.current = sceneOf(of, wide, high);
    drawScene(ctx, scene.current);
  }, redrawNames);
  const of = story.value;
  useEffect(() => {
    width.value = null; // how far one channel was zoomed says nothing of another
    hovered.value = null;
  }, [of?.channel.name]);
  if (of === null) return null;
  const zoom = (factor: number): void => {
    width.value = zoomed(windowWidth(of.last), factor, of.last);
  };
  const found = (event: PointerEvent): number | null =>
    scene.current === null ? null : nearest(scene.current, event.offsetX, event.offsetY);

  const down = (event: PointerEvent): void => {
    (event.currentTarget as HTMLCanvasElement).setPointerCapture(event.pointerId);
    drag.current = { x: event.offsetX, at: at.value, moved: false };
  };
  const move = (event: PointerEvent): void => {
    const from = drag.current;
    if (from === null || scene.current === null) {
      hovered.value = found(event);
      return;
    }
    const { span, width: wide } = scene.current;
    const by = ((from.x - event.offsetX) * (span.to - span.from)) / (wide - GUTTER);
    if (!from.moved && Math.abs(from.x - event.offsetX) < 5) return;
    from.moved = true;
    step({ do: "to", at: travelled(from.at, by) });
  };
  const up = (event: PointerEvent): void => {
    const from = drag.current;
    drag.current = null;
    if (from === null || from.moved) return;
    const position = found(event);
    const message = position === null ? undefined : of.messages[position];
    if (message !== undefined) openMessage(message.id);
  };
  return (
    <Card
      title="Timeline"
      name="timeline"
      aside={
        <>
          <div class="choice" role="group" aria-label="Arrange by">
            {(["order", "time"] as const).map((by) => (
              <button type="button" key={by} aria-pressed={axis.value === by} onClick={() => (axis.value = by)}>
                {by === "order" ? "causes" : "time"}
              </button>
            ))}
          </div>
          <div class="choice" role="group" aria-label="Zoom">
            <button type="button" aria-label="Zoom out" onClick={() => zoom(2)}>
              −
            </button>
            <button type="button" aria-label="Zoom in" onClick={() => zoom(0.5)}>
              +
            </button>
            <button type="button" onClick={() => (width.value = of.last + 1)}>
              all
            </button>
          </div>
        </>
      }
    >
      <div class="canvas-box">
        <canvas
          ref={canvas}
          class={`timeline-canvas lanes-${Math.min(12, Math.max(3, of.lanes.length))}`}
          role="img"
          aria-label={`${counted(of.messages.length, "message")} of ${counted(of.lanes.length, "peer")}, a lane each. The list of messages says the same in words.`}
          onPointerDown={down}
          onPointerMove={move}
          onPointerUp={up}
          onPointerCancel={() => (drag.current = null)}
          onPointerLeave={() => (hovered.value = null)}
          onWheel={(event) => {
            if (!event.ctrlKey) return;
            event.preventDefault();
            zoom(event.deltaY > 0 ? 1.25 : 0.8);
          }}
        />
        <Tip of={of} scene={scene.current} />
      </div>
    </Card>
  );
}

/** Where a drag by `by` values ends: by time, on the message that was there then. */
function travelled(from: number, by: number): number {
  const of = story.value;
  if (of === null || axis.value === "order") return from + by;
  const whole = of.clock[of.last] ?? 0;
  return of.atTime((((values.value[from] ?? 0) + by) / Math.max(1, of.last)) * whole);
}

function Tip({ of, scene }: { readonly of: Story; readonly scene: Scene | null }) {
  const position = hovered.value;
  const message = position === null ? undefined : of.messages[position];
  if (position === null || message === undefined || scene === null) return null;
  const [x, y] = place(scene, position);
  return (
    <div class="tip" style={{ left: `${Math.min(Math.max(x, 130), scene.width - 130)}px`, top: `${y + 14}px` }} aria-hidden="true">
      <strong>{message.name}</strong> {kindWord(message.kind)}
      {message.key !== null && <> · {shortened(message.key, 24)}</>} <small>{elapsed(of.clock[position] ?? 0)}</small>
      <p>{shortened(message.lapse || message.text, 110)}</p>
    </div>
  );
}
