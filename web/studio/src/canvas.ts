/** A canvas that is as sharp as the screen, and drawn at most once a frame. */

import { effect } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import type { RefObject } from "preact";

export type Draw = (ctx: CanvasRenderingContext2D, width: number, height: number) => void;

/**
 * Draw when a signal that `draw` reads changes, or the canvas's size; `draw` is handed CSS pixels. `cleared` is called
 * when nothing of what was drawn is left.
 */
export function useCanvas(draw: Draw, cleared: () => void = () => undefined): RefObject<HTMLCanvasElement | null> {
  const canvas = useRef<HTMLCanvasElement>(null);
  const latest = useRef(draw);
  latest.current = draw;
  useEffect(() => {
    const element = canvas.current;
    const ctx = element?.getContext("2d") ?? null;
    if (element === null || ctx === null) return;
    let frame = 0;
    let [width, height] = [0, 0];
    let stop = (): void => undefined;
    const paint = (): void => {
      frame = 0;
      stop();
      // reads signals while it draws: a change of any of them asks for the next frame
      let first = true;
      stop = effect(() => {
        if (!first) return ask();
        first = false;
        if (width > 0 && height > 0) latest.current(ctx, width, height);
      });
    };
    const ask = (): void => {
      if (frame === 0) frame = requestAnimationFrame(paint);
    };
    const sizes = new ResizeObserver(() => {
      const ratio = Math.min(devicePixelRatio, 2);
      [width, height] = [element.clientWidth, element.clientHeight];
      element.width = Math.round(width * ratio);
      element.height = Math.round(height * ratio);
      ctx.setTransform(ratio, 0, 0, ratio, 0, 0);
      cleared();
      ask();
    });
    sizes.observe(element);
    ask();
    return () => {
      sizes.disconnect();
      cancelAnimationFrame(frame);
      stop();
    };
  }, []);
  return canvas;
}
