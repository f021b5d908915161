/** The budget burning down: what is left of every limit, or what was spent where there is no limit. */

import type { Limits } from "./api";
import type { Spent, Story } from "./story";

export type Measure = "tokens" | "calls" | "messages" | "seconds" | "usd_micro";

export const MEASURES: readonly Measure[] = ["tokens", "calls", "messages", "seconds", "usd_micro"];

export interface Burn {
  readonly measure: Measure;
  /** Null where there is none. */
  readonly limit: number | null;
  /** Per sampled position: percent of the limit that is left, or percent of the total that was spent. */
  readonly percent: readonly number[];
}

export interface Burning {
  /** The sampled positions, rising; the last one is the last message. */
  readonly positions: readonly number[];
  readonly burns: readonly Burn[];
}

/** What to draw, at no more than `samples` positions: limits where there are any, else tokens and calls spent. */
export function burning(story: Story, limits: Limits | null, samples = 300): Burning {
  const positions = sampled(story.messages.length, samples);
  const limited = MEASURES.filter((m) => limits !== null && limits[m] !== null);
  const shown: readonly Measure[] = limited.length > 0 ? limited : ["tokens", "calls"];
  const total = story.spent(story.last);
  const burns = shown.map((measure): Burn => {
    const limit = limits?.[measure] ?? null;
    const percent = positions.map((at) => part(story.spent(at)[measure], limit, total[measure]));
    return { measure, limit, percent };
  });
  return { positions, burns };
}

function part(spent: number, limit: number | null, total: number): number {
  if (limit === null) return total === 0 ? 0 : (100 * spent) / total;
  return limit === 0 ? 0 : Math.max(0, 100 - (100 * spent) / limit);
}

/** At most `samples` positions of `length`, equally far apart, the last one among them. */
export function sampled(length: number, samples: number): readonly number[] {
  if (length <= samples) return Array.from({ length }, (_, i) => i);
  if (samples <= 1) return [length - 1];
  return Array.from({ length: samples }, (_, i) => Math.round((i * (length - 1)) / (samples - 1)));
}

export const NAMES: Readonly<Record<Measure, string>> = {
  tokens: "tokens",
  calls: "calls",
  messages: "messages",
  seconds: "seconds",
  usd_micro: "dollars",
};

/** A quantity as people read it: `1,160`, `3.2` seconds, `$0.0123`. */
export function amount(measure: Measure, value: number): string {
  if (measure === "usd_micro") return `$${(value / 1e6).toFixed(value < 1e5 ? 4 : 2)}`;
  if (measure === "seconds") return value < 10 ? value.toFixed(1) : Math.round(value).toLocaleString("en");
  return value.toLocaleString("en");
}

export function spentOf(spent: Spent, measure: Measure): string {
  return amount(measure, spent[measure]);
}
