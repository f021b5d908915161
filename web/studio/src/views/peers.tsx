/** The peers and who hears whom: a graph whose nodes are buttons, coloured by what each peer thinks now. */

import { useMemo } from "preact/hooks";
import { useCanvas } from "../canvas";
import { CIRCLE, type Edge, peerPlaces } from "../layout";
import { speaking } from "../live";
import { chosen, story } from "../state";
import { type Story, before } from "../story";
import { palette } from "../theme";
import { choose } from "./opinions";
import { Card, Glyph } from "./parts";
import { shownAt } from "../turns";

const PAD = 44;

export function Peers() {
  const of = story.value;
  if (of === null) return null;
  const lane = chosen.value;
  const name = lane === null ? null : (of.lanes[lane]?.name ?? null);
  return (
    <Card
      title="Who hears whom"
      name="peers"
      aside={
        name === null ? (
          <span class="soft">{of.channel.opening.topology || "everyone"}</span>
        ) : (
          <button type="button" class="quiet" onClick={() => (chosen.value = null)}>
            Only {name} – show all
          </button>
        )
      }
    >
      <Graph of={of} />
    </Card>
  );
}

/** Places depend on who sits in the channel and, of many, on who heard whom: so they move only when that grows. */
function usePlaces(of: Story) {
  return useMemo(() => {
    const outside = of.lanes.flatMap((lane, i) => (lane.weight === 0 ? [i] : []));
    const edges = planned(of);
    return peerPlaces(of.lanes.length, edges.length > 0 ? edges : of.heard, outside);
  }, [of.lanes.length, of.heard.length]);
}

/** Who would hear whom by the topology; nothing where everybody hears everybody, or that cannot be told. */
function planned(of: Story): readonly Edge[] {
  const lane = new Map(of.lanes.map((l, i) => [l.id, i]));
  return Object.entries(of.channel.hearing?.of ?? {}).flatMap(([listener, heard]) => {
    const to = lane.get(listener);
    return heard.flatMap((id) => {
      const from = lane.get(id);
      return from === undefined || to === undefined ? [] : { from, to };
    });
  });
}

function Graph({ of }: { readonly of: Story }) {
  const places = usePlaces(of);
  const canvas = useCanvas((ctx, width, height) => {
    ctx.clearRect(0, 0, width, height);
    const shown = story.value;
    if (shown === null) return;
    const spot = (lane: number): readonly [number, number] => {
      const { x, y } = places[lane] ?? { x: 0.5, y: 0.5 };
      return [PAD + x * (width - 2 * PAD), PAD + y * (height - 2 * PAD)];
    };
    drawHearing(ctx, shown, spot);
    drawEdges(ctx, shown, spot);
  });
  const few = of.lanes.length <= CIRCLE;
  return (
    <div class={few ? "graph" : "graph many"}>
      <canvas ref={canvas} aria-hidden="true" />
      <ul aria-label="Peers">
        {of.lanes.map((lane, i) => (
          <Node key={lane.id} of={of} lane={i} x={places[i]?.x ?? 0.5} y={places[i]?.y ?? 0.5} />
        ))}
      </ul>
    </div>
  );
}

interface NodeProps {
  readonly of: Story;
  readonly lane: number;
  readonly x: number;
  readonly y: number;
}

function Node({ of, lane, x, y }: NodeProps) {
  const peer = of.lanes[lane];
  if (peer === undefined) return null;
  const opinion = of.opinion(lane, shownAt.peers.value);
  const answer = opinion?.key == null ? undefined : of.answers.get(opinion.key);
  const thinks = opinion === null ? "said nothing yet" : `thinks ${opinion.key ?? "nothing"}`;
  const heard = (of.heardBy[lane] ?? []).filter((h) => (h.at[0] ?? Infinity) <= shownAt.peers.value).map((h) => of.lanes[h.from]?.name);
  const speaks = speaking.value.has(peer.name) && shownAt.peers.value === of.last;
  const now = of.laneOf[shownAt.peers.value] === lane;
  return (
    <li style={{ left: `calc(${PAD}px + ${x} * (100% - ${2 * PAD}px))`, top: `calc(${PAD}px + ${y} * (100% - ${2 * PAD}px))` }}>
      <button
        type="button"
        class={`node ${now ? "now" : ""} ${speaks ? "speaks" : ""} ${peer.weight === 0 ? "asker" : ""}`}
        aria-pressed={chosen.value === lane}
        aria-label={`${peer.name}: ${peer.weight === 0 ? "asks" : thinks}; heard ${heard.length === 0 ? "nobody" : listed(heard)}`}
        title={`${peer.name}: ${peer.weight === 0 ? "asks" : thinks}`}
        onClick={() => choose(lane)}
      >
        {answer === undefined ? <span class="dot" /> : <Glyph index={answer} size={18} />}
      </button>
      <span class="node-name" aria-hidden="true">
        {peer.name}
      </span>
    </li>
  );
}

function listed(names: readonly (string | undefined)[]): string {
  return names.length <= 12 ? names.join(", ") : `${names.length} others`;
}

type Spot = (lane: number) => readonly [number, number];

/** Who would hear whom by the topology: the faint ground on which it is seen who did. */
function drawHearing(ctx: CanvasRenderingContext2D, of: Story, spot: Spot): void {
  ctx.strokeStyle = palette.value.line;
  ctx.lineWidth = 1;
  ctx.beginPath();
  for (const edge of planned(of)) arc(ctx, edge, spot);
  ctx.stroke();
}

function drawEdges(ctx: CanvasRenderingContext2D, of: Story, spot: Spot): void {
  const { soft, honey } = palette.value;
  const now = shownAt.peers.value;
  const only = chosen.value;
  const there = of.heard.filter((h) => (h.at[0] ?? Infinity) <= now && (only === null || h.to === only || h.from === only));
  ctx.lineWidth = 1;
  ctx.strokeStyle = soft;
  ctx.globalAlpha = Math.max(0.1, Math.min(0.5, 18 / Math.sqrt(there.length + 1) / 6));
  ctx.beginPath();
  for (const edge of there) arc(ctx, edge, spot);
  ctx.stroke();
  ctx.globalAlpha = 1;
  if (only !== null || there.length <= 120) for (const edge of there) arrow(ctx, edge, spot, soft);
  const fresh = there.filter((h) => h.at[before(h.at, now, (p) => p)] === now);
  ctx.lineWidth = 2;
  ctx.strokeStyle = honey;
  ctx.beginPath();
  for (const edge of fresh) arc(ctx, edge, spot);
  ctx.stroke();
  for (const edge of fresh) arrow(ctx, edge, spot, honey);
}

/** From who spoke to who heard it, bent a little, so that both directions are seen. */
function bend({ from, to }: Edge, spot: Spot): readonly [number, number, number, number, number, number] {
  const [x0, y0] = spot(from);
  const [x1, y1] = spot(to);
  return [x0, y0, (x0 + x1) / 2 - (y1 - y0) * 0.12, (y0 + y1) / 2 + (x1 - x0) * 0.12, x1, y1];
}

function arc(ctx: CanvasRenderingContext2D, edge: Edge, spot: Spot): void {
  const [x0, y0, mx, my, x1, y1] = bend(edge, spot);
  ctx.moveTo(x0, y0);
  ctx.quadraticCurveTo(mx, my, x1, y1);
}

function arrow(ctx: CanvasRenderingContext2D, edge: Edge, spot: Spot, colour: string): void {
  const [, , mx, my, x1, y1] = bend(edge, spot);
  const length = Math.hypot(x1 - mx, y1 - my) || 1;
  const [dx, dy] = [(x1 - mx) / length, (y1 - my) / length];
  const [tx, ty] = [x1 - dx * 19, y1 - dy * 19];
  ctx.fillStyle = colour;
  ctx.beginPath();
  ctx.moveTo(tx, ty);
  ctx.lineTo(tx - dx * 7 - dy * 3.5, ty - dy * 7 + dx * 3.5);
  ctx.lineTo(tx - dx * 7 + dy * 3.5, ty - dy * 7 - dx * 3.5);
  ctx.fill();
}

