/** The scrubber: how opinion flowed through the channel in one strip, and the keys of a tape recorder. */

import { useEffect, useRef } from "preact/hooks";
import { look } from "../answers";
import { useCanvas } from "../canvas";
import { counted, elapsed, kindWord } from "../format";
import { SPEEDS, pace } from "../moment";
import { at, moment, pins, step, story } from "../state";
import type { Story } from "../story";
import { stream } from "../stream";
import { type Palette, palette } from "../theme";
import { scrubbing } from "../turns";
import { ICONS, Icon } from "./parts";

/** The strip's end pieces, in pixels: half of the range's thumb. */
const MARGIN = 8;

export function Transport() {
  const of = story.value;
  const now = moment.value;
  usePlaying(now.playing, now.speed, of);
  if (of === null || of.last < 0) return null;
  const message = of.messages[now.at];
  const said = message === undefined ? "" : `${message.name}, ${kindWord(message.kind)}`;
  return (
    <section class="transport" aria-label="Time travel">
      <div class="keys">
        <button type="button" aria-label="First message" onClick={() => step({ do: "home" })}>
          <Icon d={ICONS.first} />
        </button>
        <button type="button" aria-label="One message back" onClick={() => step({ do: "by", by: -1 })}>
          <Icon d={ICONS.back} />
        </button>
        <button type="button" class="play" aria-label={now.playing ? "Pause" : "Play"} onClick={() => step({ do: "toggle" })}>
          <Icon d={now.playing ? ICONS.pause : ICONS.play} />
        </button>
        <button type="button" aria-label="One message on" onClick={() => step({ do: "by", by: 1 })}>
          <Icon d={ICONS.on} />
        </button>
        <button type="button" aria-label="Last message" onClick={() => step({ do: "end" })}>
          <Icon d={ICONS.last} />
        </button>
      </div>
      <Strip of={of} said={said} />
      <div class="where">
        <output class="count" aria-label="Message shown">
          {(now.at + 1).toLocaleString("en")} <span>of {(of.last + 1).toLocaleString("en")}</span>
        </output>
        <span class="clock">{elapsed(of.clock[now.at] ?? 0)}</span>
        {of.channel.live && (
          <button type="button" class="live" aria-pressed={now.following} onClick={() => step({ do: "end" })}>
            live
          </button>
        )}
        <select
          aria-label="Speed of playing"
          value={String(now.speed)}
          onChange={(event) => step({ do: "speed", speed: Number(event.currentTarget.value) })}
        >
          {SPEEDS.map((speed) => (
            <option key={speed} value={String(speed)}>
              {speed}×
            </option>
          ))}
        </select>
      </div>
    </section>
  );
}

function Strip({ of, said }: { readonly of: Story; readonly said: string }) {
  const canvas = useCanvas((ctx, width, height) => {
    const shown = story.value;
    if (shown !== null) drawStrip(ctx, shown, width, height);
  });
  const words = useRef("");
  if (!scrubbing.value) words.current = `Message ${at.value + 1} of ${counted(of.last + 1, "message")}: ${said}`;
  return (
    <div class="strip">
      <canvas ref={canvas} aria-hidden="true" />
      <input
        type="range"
        aria-label="Moment"
        aria-valuetext={words.current}
        min={0}
        max={of.last}
        step={1}
        value={at.value}
        onInput={(event) => step({ do: "to", at: Number(event.currentTarget.value) })}
      />
    </div>
  );
}

function drawStrip(ctx: CanvasRenderingContext2D, of: Story, width: number, height: number): void {
  const colours = palette.value;
  const inner = Math.max(1, width - 2 * MARGIN);
  const along = (position: number): number => MARGIN + (of.last <= 0 ? 1 : position / of.last) * inner;
  const now = along(at.value);
  const ratio = ctx.getTransform().a;
  if (kept?.of !== of || kept.colours !== colours || kept.width !== width) {
    const canvas = new OffscreenCanvas(Math.ceil(width * ratio), Math.ceil(height * ratio));
    const own = canvas.getContext("2d");
    if (own === null) return;
    own.scale(ratio, ratio);
    drawStream(own, of, inner, height, colours);
    kept = { of, colours, width, canvas };
  }
  ctx.clearRect(0, 0, width, height);
  ctx.drawImage(kept.canvas, 0, 0, kept.canvas.width / ratio, kept.canvas.height / ratio);
  ctx.globalAlpha = 0.68;
  ctx.fillStyle = colours.card;
  ctx.fillRect(now, 0, width - now, height);
  ctx.globalAlpha = 1;
  ctx.fillStyle = colours.honey;
  for (const pin of pins.value) {
    const position = pin.channel === of.channel.name ? of.position.get(pin.id) : undefined;
    if (position !== undefined) ctx.fillRect(along(position) - 2, 0, 4, 6);
  }
}

let kept: { readonly of: Story; readonly colours: Palette; readonly width: number; readonly canvas: OffscreenCanvas } | null = null;

/** Every column of the strip: the parts of the answers, from the bottom up; who had not answered is left grey. */
function drawStream(ctx: OffscreenCanvasRenderingContext2D, of: Story, inner: number, height: number, colours: Palette): void {
  const columns = stream(of, Math.min(of.last + 1, Math.max(1, Math.floor(inner / 4))));
  const wide = inner / columns.length;
  const [top, tall] = [8, height - 16];
  columns.forEach((column, i) => {
    const x = MARGIN + i * wide;
    ctx.fillStyle = colours.line;
    ctx.fillRect(x, top, Math.max(1, wide - 1), tall);
    let y = top + tall;
    for (const { answer, part } of column) {
      y -= part * tall;
      ctx.fillStyle = colours.answers[look(answer).colour] ?? colours.soft;
      ctx.fillRect(x, y, Math.max(1, wide - 1), part * tall);
    }
  });
}

/** Go on by what the pace and the time that went by make, once a frame. */
function usePlaying(playing: boolean, speed: number, of: Story | null): void {
  useEffect(() => {
    if (!playing || of === null) return;
    let frame = 0;
    let before = performance.now();
    let owed = 0;
    const tick = (time: number): void => {
      owed += ((time - before) / 1000) * pace(of.messages.length) * speed;
      before = time;
      const whole = Math.floor(owed);
      owed -= whole;
      if (whole > 0) step({ do: "tick", by: whole });
      frame = requestAnimationFrame(tick);
    };
    frame = requestAnimationFrame(tick);
    return () => cancelAnimationFrame(frame);
  }, [playing, speed, of]);
}
