/** The budget burning down, or what was spent where there is no limit. */

import { effect } from "@preact/signals";
import { useEffect, useMemo, useRef } from "preact/hooks";
import type uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import { type Burning, NAMES, amount, burning, spentOf } from "../burn";
import { story } from "../state";
import type { Story } from "../story";
import { type Palette, palette } from "../theme";
import { shownAt } from "../turns";
import { Card } from "./parts";

const HEIGHT = 170;
/** Comes beside the page, and may be missing: where a browser names no language, as "C" is none, it cannot be loaded. */
const drawing = import("uplot").then((found) => found.default, () => null);
const COLOURS: readonly number[] = [0, 1, 2, 3, 4];
const DASHES: readonly (readonly number[])[] = [[], [6, 4], [2, 3], [8, 3, 2, 3], [1, 4]];

export function Budget() {
  const of = story.value;
  if (of === null) return null;
  const limits = of.channel.budget.limits;
  const burns = useMemo(() => burning(of, limits), [of, limits]);
  if (limits === null && !of.channel.live && nothingSpent(of)) return null;
  const limited = burns.burns.some((b) => b.limit !== null);
  return (
    <Card title="Budget" name="budget" aside={<span class="soft">{limited ? "percent left" : "no limits set: percent of all that was spent"}</span>}>
      <Chart of={of} burns={burns} />
      <Spent of={of} burns={burns} />
    </Card>
  );
}

/** Whether no message says that it cost anything: then there is no budget to see. */
function nothingSpent(of: Story): boolean {
  const { calls, tokens, usd_micro } = of.spent(of.last);
  return calls + tokens + usd_micro === 0;
}

function Chart({ of, burns }: { readonly of: Story; readonly burns: Burning }) {
  const box = useRef<HTMLDivElement>(null);
  const line = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const element = box.current;
    if (element === null) return;
    let Plot: typeof uPlot | null = null;
    let plot: uPlot | null = null;
    const follow = (): void => {
      const now = shownAt.budget.value;
      if (plot === null || line.current === null) return;
      const x = plot.valToPos(now + 1, "x") + plot.bbox.left / devicePixelRatio; // reads no layout
      line.current.style.transform = `translateX(${Math.round(x)}px)`;
    };
    const draw = (): void => {
      plot?.destroy();
      if (Plot === null) return;
      plot = new Plot(settings(of, burns, palette.value, element.clientWidth), [burns.positions.map((p) => p + 1), ...burns.burns.map((b) => [...b.percent])], element);
    };
    let stop = (): void => undefined;
    let there = true;
    void drawing.then((found) => {
      if (!there) return;
      Plot = found;
      stop = effect(draw);
      follow();
    });
    const stopFollowing = effect(() => {
      palette.value;
      follow();
    });
    const sizes = new ResizeObserver(() => {
      plot?.setSize({ width: element.clientWidth, height: HEIGHT });
      follow();
    });
    sizes.observe(element);
    return () => {
      there = false;
      sizes.disconnect();
      stop();
      stopFollowing();
      plot?.destroy();
    };
  }, [of, burns]);
  return (
    <div class="chart">
      <div ref={box} role="img" aria-label="The budget over the messages; the figures below say where it stands now." />
      <div ref={line} class="chart-now" aria-hidden="true" />
    </div>
  );
}

function settings(of: Story, { burns }: Burning, colours: Palette, width: number): uPlot.Options {
  const axis = { stroke: colours.soft, font: "12px system-ui, sans-serif", grid: { stroke: colours.line, width: 1 }, ticks: { show: false } };
  return {
    width: Math.max(120, width),
    height: HEIGHT,
    legend: { show: false },
    cursor: { show: false },
    scales: { x: { time: false, range: [1, Math.max(2, of.last + 1)] }, y: { range: [0, 104] } },
    axes: [
      { ...axis, grid: { show: false }, size: 28, values: (_, at) => at.map((v) => (Number.isInteger(v) ? v.toLocaleString("en") : "")) },
      { ...axis, size: 40, splits: [0, 25, 50, 75, 100], values: (_, at) => at.map((v) => `${v}`) },
    ],
    series: [
      {},
      ...burns.map((b, i): uPlot.Series => ({
        label: NAMES[b.measure],
        stroke: colours.answers[COLOURS[i] ?? 0] ?? colours.ink,
        width: 2,
        dash: [...(DASHES[i] ?? [])],
        points: { show: false },
      })),
    ],
  };
}

function Spent({ of, burns }: { readonly of: Story; readonly burns: Burning }) {
  const spent = of.spent(shownAt.budget.value);
  return (
    <ul class="spent">
      {burns.burns.map(({ measure, limit }, i) => (
        <li key={measure}>
          <svg width="22" height="8" aria-hidden="true">
            <line class={`s${COLOURS[i] ?? 0}`} x1="0" y1="4" x2="22" y2="4" stroke-dasharray={(DASHES[i] ?? []).join(" ")} />
          </svg>
          <span>{NAMES[measure]}</span>
          <strong>{spentOf(spent, measure)}</strong>
          {limit !== null && <span class="soft">of {amount(measure, limit)}</span>}
        </li>
      ))}
    </ul>
  );
}
