/** Time travel: which message is now, whether it plays, and whether it stays with the newest. A pure state machine. */

export interface Moment {
  /** Position of the message that is now; -1 while there is none. */
  readonly at: number;
  readonly last: number;
  readonly playing: boolean;
  /** Whether the moment moves along when messages come. */
  readonly following: boolean;
  /** Messages per second while playing, as a factor of `pace`. */
  readonly speed: number;
}

export type Step =
  | { readonly do: "to"; readonly at: number }
  | { readonly do: "by"; readonly by: number }
  | { readonly do: "home" | "end" | "toggle" | "pause" }
  | { readonly do: "speed"; readonly speed: number }
  | { readonly do: "grew"; readonly last: number }
  | { readonly do: "tick"; readonly by: number };

export const SPEEDS: readonly number[] = [1, 4, 16];

export function begin(last: number): Moment {
  return { at: last, last, playing: false, following: true, speed: 1 };
}

export function travel(now: Moment, step: Step): Moment {
  switch (step.do) {
    case "to":
      return moved({ ...now, playing: false }, step.at);
    case "by":
      return moved({ ...now, playing: false }, now.at + step.by);
    case "home":
      return moved({ ...now, playing: false }, 0);
    case "end":
      return moved({ ...now, playing: false }, now.last);
    case "pause":
      return { ...now, playing: false };
    case "toggle":
      return now.playing ? { ...now, playing: false } : started(now);
    case "speed":
      return { ...now, speed: step.speed };
    case "grew":
      return now.following ? { ...now, last: step.last, at: step.last } : { ...now, last: step.last };
    case "tick": {
      const next = moved(now, now.at + step.by);
      return next.at >= next.last ? { ...next, playing: false } : next;
    }
  }
}

/** Messages per second at speed 1: slow enough to read a small channel, a minute at most for a large one. */
export function pace(messages: number): number {
  return Math.max(4, messages / 60);
}

function started(now: Moment): Moment {
  if (now.last < 1) return now;
  const at = now.at >= now.last ? 0 : now.at;
  return { ...now, at, playing: true, following: false };
}

function moved(now: Moment, to: number): Moment {
  const at = now.last < 0 ? -1 : Math.min(Math.max(Math.round(to), 0), now.last);
  return { ...now, at, following: at === now.last };
}
