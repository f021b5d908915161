/** Draw a channel's timeline: a lane for each peer, a mark for each message, a curve for each cause. */

import { type Shape, corners, look } from "./answers";
import { type Story, before } from "./story";
import type { Palette } from "./theme";
import { type Span, toPixel } from "./window";

export interface Scene {
  readonly story: Story;
  /** Where each message stands along the axis, rising: its position, or its time. */
  readonly values: Float64Array;
  readonly span: Span;
  readonly at: number;
  /** Position of the message that is open. */
  readonly opened: number | null;
  readonly hovered: number | null;
  /** The lane that is looked at. */
  readonly chosen: number | null;
  readonly width: number;
  readonly height: number;
  readonly palette: Palette;
  /** Whether the moment is moving: curves take longest to draw, and only those of what the present was made from are. */
  readonly moving: boolean;
}

type Pen = CanvasRenderingContext2D | OffscreenCanvasRenderingContext2D;

export const GUTTER = 76;
/** With more messages in view than this, marks are ticks and only the present's causes are drawn. */
export const DENSE = 700;
/** More curves than this are a grey sheet, and slow. */
const CURVES = 900;

export function drawScene(ctx: CanvasRenderingContext2D, scene: Scene): void {
  const { width, height } = scene;
  const [first, end] = visible(scene);
  const dense = end - first > DENSE;
  if (dense) drawKept(ctx, scene, first, end);
  else drawGround(ctx, scene);
  ctx.save();
  ctx.beginPath();
  ctx.rect(GUTTER - 8, 0, width - GUTTER + 8, height);
  ctx.clip();
  if (!dense) {
    if (!scene.moving) drawCurves(ctx, scene, first, end);
    drawMarks(ctx, scene, first, end);
  }
  dimFuture(ctx, scene);
  drawPresent(ctx, scene);
  ctx.restore();
}

let kept: { readonly scene: Scene; readonly canvas: OffscreenCanvas } | null = null;

/** Lanes and ticks do not change while the whole channel is in view: they are drawn once, and copied. */
function drawKept(ctx: CanvasRenderingContext2D, scene: Scene, first: number, end: number): void {
  const ratio = ctx.getTransform().a;
  named = null;
  ctx.clearRect(0, 0, scene.width, scene.height);
  if (kept === null || !looksAlike(kept.scene, scene)) {
    const canvas = new OffscreenCanvas(Math.round(scene.width * ratio), Math.round(scene.height * ratio));
    const own = canvas.getContext("2d");
    if (own === null) return;
    own.scale(ratio, ratio);
    drawNames(own, scene);
    drawLanes(own, scene);
    drawTicks(own, scene, first, end);
    kept = { scene, canvas };
  }
  ctx.drawImage(kept.canvas, 0, 0, scene.width, scene.height);
}

/** The scene whose names stand in the gutter of a canvas: words take longer to draw than all marks. */
let named: { readonly scene: Scene; readonly ctx: Pen } | null = null;

/** Names stay while they would look the same; all that moves stands to the right of them. */
function drawGround(ctx: CanvasRenderingContext2D, scene: Scene): void {
  const { width, height } = scene;
  if (named?.ctx === ctx && namedAlike(named.scene, scene)) {
    ctx.clearRect(GUTTER - 8, 0, width - GUTTER + 8, height);
  } else {
    ctx.clearRect(0, 0, width, height);
    drawNames(ctx, scene);
    named = { scene, ctx };
  }
  drawLanes(ctx, scene);
}

/** Forget what stands on canvases: one was made anew, or another size. */
export function redrawNames(): void {
  named = null;
}

function namedAlike(a: Scene, b: Scene): boolean {
  return a.story === b.story && a.palette === b.palette && a.chosen === b.chosen && a.width === b.width && a.height === b.height;
}

function looksAlike(a: Scene, b: Scene): boolean {
  return namedAlike(a, b) && a.values === b.values && a.span.from === b.span.from && a.span.to === b.span.to;
}

/** Pixel of a message. */
export function place(scene: Scene, position: number): readonly [number, number] {
  const { story, values, span, width } = scene;
  const x = GUTTER + toPixel(values[position] ?? 0, span, width - GUTTER - 8);
  return [x, laneY(scene, story.laneOf[position] ?? 0)];
}

/** First position in view, and the one after the last. */
export function visible(scene: Scene): readonly [number, number] {
  const { values, span } = scene;
  return [before(values, span.from - 1e-9, (v) => v) + 1, before(values, span.to, (v) => v) + 1];
}

/** The message nearest to a pixel, at most 14 pixels away. */
export function nearest(scene: Scene, x: number, y: number): number | null {
  const [first, end] = visible(scene);
  let found: number | null = null;
  let best = 14 * 14;
  for (let i = first; i < end; i += 1) {
    const [mx, my] = place(scene, i);
    const distance = (mx - x) ** 2 + (my - y) ** 2;
    if (distance <= best) [found, best] = [i, distance];
  }
  return found;
}

export function mark(ctx: CanvasRenderingContext2D, shape: Shape, x: number, y: number, size: number): void {
  const found = corners(shape);
  ctx.beginPath();
  if (found === null) ctx.arc(x, y, size, 0, Math.PI * 2);
  else {
    found.forEach(([cx, cy], i) => (i === 0 ? ctx.moveTo(x + cx * size, y + cy * size) : ctx.lineTo(x + cx * size, y + cy * size)));
    ctx.closePath();
  }
}

/** Room above the first lane and below the last, for the ring around the present. */
const EDGE = 6;

function laneHeight({ story, height }: Scene): number {
  return (height - 2 * EDGE) / Math.max(1, story.lanes.length);
}

function laneY(scene: Scene, lane: number): number {
  return EDGE + (lane + 0.5) * laneHeight(scene);
}

function markSize(scene: Scene): number {
  return Math.max(2, Math.min(6, laneHeight(scene) / 3.4));
}

/** Of lanes that are narrower than this not each has its name beside it. */
const NAME_HEIGHT = 12;

function drawNames(ctx: Pen, scene: Scene): void {
  const { story, palette, chosen } = scene;
  ctx.font = "12px system-ui, sans-serif";
  ctx.textBaseline = "middle";
  const every = Math.ceil(NAME_HEIGHT / laneHeight(scene));
  story.lanes.forEach((lane, i) => {
    if (i % every !== 0 && i !== chosen) return;
    if (chosen !== null && i !== chosen && Math.abs(i - chosen) < every) return;
    ctx.fillStyle = i === chosen ? palette.honey : palette.soft;
    ctx.fillText(fitting(ctx, lane.name, GUTTER - 16), 2, laneY(scene, i));
  });
}

function drawLanes(ctx: Pen, scene: Scene): void {
  const { story, width, palette, chosen } = scene;
  const line = (lane: number): void => ctx.fillRect(GUTTER - 8, Math.round(laneY(scene, lane)), width, 1);
  ctx.fillStyle = palette.line;
  if (laneHeight(scene) >= 4) story.lanes.forEach((_, i) => line(i));
  ctx.fillStyle = palette.fill;
  if (chosen !== null) line(chosen);
}

function fitting(ctx: Pen, text: string, width: number): string {
  if (ctx.measureText(text).width <= width) return text;
  let cut = text.slice(0, 14);
  while (cut.length > 1 && ctx.measureText(`${cut}…`).width > width) cut = cut.slice(0, -1);
  return `${cut}…`;
}

function colourOf(scene: Scene, position: number): string {
  const { story, palette } = scene;
  const message = story.messages[position];
  const answer = message?.key == null ? undefined : story.answers.get(message.key);
  if (answer === undefined || !message?.kind.startsWith("proposal/")) return palette.soft;
  return palette.answers[look(answer).colour] ?? palette.soft;
}

function drawTicks(ctx: Pen, scene: Scene, first: number, end: number): void {
  const tall = Math.max(1, laneHeight(scene) * 0.62);
  const wide = Math.max(1, Math.min(3, (scene.width - GUTTER) / (end - first)));
  const byColour = new Map<string, number[]>();
  for (let i = first; i < end; i += 1) {
    const colour = colourOf(scene, i);
    const group = byColour.get(colour);
    if (group === undefined) byColour.set(colour, [i]);
    else group.push(i);
  }
  for (const [colour, positions] of byColour) {
    ctx.fillStyle = colour;
    for (const i of positions) {
      const [x, y] = place(scene, i);
      ctx.fillRect(x - wide / 2, y - tall / 2, wide, tall);
    }
  }
}

/** What each message was made from, where it says so; else all that it builds on. */
function drawCurves(ctx: CanvasRenderingContext2D, scene: Scene, first: number, end: number): void {
  const { story } = scene;
  ctx.strokeStyle = scene.palette.soft;
  ctx.globalAlpha = 0.28;
  ctx.lineWidth = 1;
  ctx.beginPath();
  let drawn = 0;
  for (let i = end - 1; i >= first && drawn < CURVES; i -= 1) {
    const made = story.madeFrom(i);
    drawn += made.length;
    for (const cause of made) curve(ctx, scene, cause, i);
  }
  ctx.stroke();
  ctx.globalAlpha = 1;
}

function curve(ctx: CanvasRenderingContext2D, scene: Scene, from: number, to: number): void {
  const [x0, y0] = place(scene, from);
  const [x1, y1] = place(scene, to);
  const bend = Math.max(8, (x1 - x0) * 0.45);
  ctx.moveTo(x0, y0);
  ctx.bezierCurveTo(x0 + bend, y0, x1 - bend, y1, x1, y1);
}

function drawMarks(ctx: CanvasRenderingContext2D, scene: Scene, first: number, end: number): void {
  const size = markSize(scene);
  for (let i = first; i < end; i += 1) drawMark(ctx, scene, i, size);
}

function drawMark(ctx: CanvasRenderingContext2D, scene: Scene, position: number, size: number): void {
  const { story, palette } = scene;
  const message = story.messages[position];
  if (message === undefined) return;
  const [x, y] = place(scene, position);
  const answer = message.key === null ? undefined : story.answers.get(message.key);
  if (message.kind.startsWith("proposal/") && answer !== undefined) {
    mark(ctx, look(answer).shape, x, y, size);
    ctx.fillStyle = colourOf(scene, position);
    ctx.fill();
    return;
  }
  const ends = message.kind.startsWith("opening/") || message.kind.startsWith("outcome/");
  mark(ctx, ends ? "pentagon" : "circle", x, y, ends ? size * 1.15 : size * 0.7);
  ctx.fillStyle = ends ? palette.fill : palette.card;
  ctx.fill();
  ctx.strokeStyle = ends ? palette.honey : palette.soft;
  ctx.lineWidth = 1.5;
  ctx.stroke();
}

function dimFuture(ctx: CanvasRenderingContext2D, scene: Scene): void {
  const { values, at, width, height, palette } = scene;
  if (at >= values.length - 1) return;
  const [now] = place(scene, at);
  const [next] = place(scene, at + 1);
  const x = (now + next) / 2;
  if (x >= width) return;
  ctx.globalAlpha = 0.74;
  ctx.fillStyle = palette.card;
  ctx.fillRect(Math.max(x, GUTTER - 8), 0, width - x, height);
  ctx.globalAlpha = 1;
}

function drawPresent(ctx: CanvasRenderingContext2D, scene: Scene): void {
  const { at, palette, height, opened, hovered } = scene;
  if (at < 0) return;
  const [x] = place(scene, at);
  ctx.strokeStyle = palette.fill;
  ctx.lineWidth = 2;
  ctx.beginPath();
  ctx.moveTo(x, 0);
  ctx.lineTo(x, height);
  ctx.stroke();
  for (const position of new Set([at, opened ?? at, hovered ?? at])) drawLineage(ctx, scene, position);
}

function drawLineage(ctx: CanvasRenderingContext2D, scene: Scene, position: number): void {
  const { story, palette, at } = scene;
  ctx.strokeStyle = palette.honey;
  ctx.lineWidth = 1.6;
  ctx.beginPath();
  const causes = scene.moving ? story.madeFrom(position) : (story.causes[position] ?? []);
  for (const cause of causes) curve(ctx, scene, cause, position);
  ctx.stroke();
  if (!scene.moving) {
    ctx.setLineDash([3, 3]);
    ctx.beginPath();
    for (const effect of (story.effects[position] ?? []).slice(0, 64)) if (effect <= at) curve(ctx, scene, position, effect);
    ctx.stroke();
    ctx.setLineDash([]);
  }
  const size = markSize(scene);
  drawMark(ctx, scene, position, size * 1.25);
  const [x, y] = place(scene, position);
  ctx.strokeStyle = palette.honey;
  ctx.lineWidth = 2;
  ctx.beginPath();
  ctx.arc(x, y, size * 1.25 + 4, 0, Math.PI * 2);
  ctx.stroke();
}
