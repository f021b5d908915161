/** How opinion flowed: each answer's part of all weight, at equally distant moments. */

import { sampled } from "./burn";
import type { Story } from "./story";

export interface Part {
  /** Which answer, in the order of first appearance. */
  readonly answer: number;
  /** Its part of the weight of all members, 0 to 1; those who did not answer yet have the rest. */
  readonly part: number;
}

export type Stream = readonly (readonly Part[])[];

/** At most `columns` moments, the last message among them; parts in the order of the answers. */
export function stream(story: Story, columns: number): Stream {
  const whole = story.lanes.reduce((sum, lane) => sum + lane.weight, 0);
  return sampled(story.messages.length, columns).map((moment) =>
    story
      .standing(moment)
      .map(({ key, weight }) => ({ answer: story.answers.get(key) ?? 0, part: whole === 0 ? 0 : weight / whole }))
      .sort((a, b) => a.answer - b.answer),
  );
}
