/** The scrubber: every message of the channel in one strip, and the keys of a tape recorder. */

import { useEffect } from "preact/hooks";
import { useCanvas } from "../canvas";
import { counted, elapsed, kindWord } from "../format";
import { SPEEDS, pace } from "../moment";
import { at, moment, pins, step, story } from "../state";
import type { Story } from "../story";
import { palette } from "../theme";
import { density } from "../window";
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
  return (
    <div class="strip">
      <canvas ref={canvas} aria-hidden="true" />
      <input
        type="range"
        aria-label="Moment"
        aria-valuetext={`Message ${at.value + 1} of ${counted(of.last + 1, "message")}: ${said}`}
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
  const heights = bars(of, Math.max(1, Math.floor(inner / 4)));
  const most = heights.reduce((a, b) => Math.max(a, b), 1);
  const now = MARGIN + (of.last <= 0 ? 1 : at.value / of.last) * inner;
  ctx.clearRect(0, 0, width, height);
  const wide = inner / heights.length;
  heights.forEach((count, i) => {
    const tall = count === 0 ? 2 : 4 + (count / most) * (height - 12);
    const x = MARGIN + i * wide;
    ctx.fillStyle = x <= now ? colours.fill : colours.line;
    ctx.fillRect(x, (height - tall) / 2, Math.max(1, wide - 1.5), tall);
  });
  for (const pin of pins.value) {
    const position = pin.channel === of.channel.name ? of.position.get(pin.id) : undefined;
    if (position === undefined) continue;
    ctx.fillStyle = colours.honey;
    ctx.fillRect(MARGIN + (of.last <= 0 ? 1 : position / of.last) * inner - 1.5, 0, 3, 5);
  }
}

let kept: { of: Story; columns: number; counts: Uint32Array } | null = null;

/** Messages by time would all stand at the start of a fast run: the strip counts what was spent per message instead. */
function bars(of: Story, columns: number): Uint32Array {
  if (kept?.of === of && kept.columns === columns) return kept.counts;
  const weights = of.messages.flatMap((m, i) => (m.kind.startsWith("proposal/") || m.kind.startsWith("judgement/") ? [i] : []));
  const counts = density(weights, Math.min(columns, of.last + 1), of.last);
  kept = { of, columns, counts };
  return counts;
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
