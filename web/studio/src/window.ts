/** Which part of a channel the timeline shows, and where on the canvas a value lies. */

export interface Span {
  readonly from: number;
  readonly to: number;
}

/** Where the present stands in the window, as a part of its width: more past than future is seen. */
export const PRESENT = 0.7;

/**
 * The window of `width` values that shows `at`, inside 0 … `end`, with half a value's margin on both sides.
 *
 * A window wider than everything shows everything.
 */
export function windowAround(at: number, width: number, end: number): Span {
  if (width >= end + 1) return { from: -0.5, to: Math.max(end, 0) + 0.5 };
  const from = Math.min(Math.max(at - width * PRESENT, -0.5), end + 0.5 - width);
  return { from, to: from + width };
}

export function toPixel(value: number, span: Span, pixels: number): number {
  return ((value - span.from) / (span.to - span.from)) * pixels;
}

export function toValue(pixel: number, span: Span, pixels: number): number {
  return span.from + (pixel / pixels) * (span.to - span.from);
}

/** The next width when zooming by a factor: never fewer than 8 values, never more than all and a bit. */
export function zoomed(width: number, factor: number, end: number): number {
  return Math.min(Math.max(width * factor, 8), Math.max(end + 1, 8));
}

export interface Rows {
  readonly first: number;
  readonly end: number;
}

/** Which rows of a long list to draw: those in view and `spare` on both sides. */
export function rowsInView(scrolled: number, height: number, row: number, rows: number, spare = 6): Rows {
  const first = Math.max(0, Math.floor(scrolled / row) - spare);
  return { first: Math.min(first, rows), end: Math.min(rows, Math.ceil((scrolled + height) / row) + spare) };
}
