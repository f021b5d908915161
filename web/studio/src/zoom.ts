/** How large a drawing is shown in a box that scrolls. */

/** Smaller than this, words cannot be read: a drawing that does not fit then is scrolled. */
export const READABLE = 0.7;
const LEAST = 0.2;
const MOST = 2;

/** The scale at which a drawing fits the width of its box: never larger than it is, nor too small to read. */
export function fitting(drawing: number, box: number): number {
  if (drawing <= 0 || box <= 0) return 1;
  return Math.min(1, Math.max(READABLE, box / drawing));
}

export function scaled(scale: number, by: number): number {
  return Math.min(MOST, Math.max(LEAST, scale * by));
}

/** Where a box is to be scrolled to, so that what stands at `at` pixels from its edge stays there when the scale changes. */
export function kept(scroll: number, at: number, from: number, to: number): number {
  return ((scroll + at) * to) / from - at;
}
