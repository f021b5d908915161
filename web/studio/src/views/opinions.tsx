/** Every peer's opinion by round: its answer, how sure it was, and whether it had changed its mind. */

import { useEffect, useRef, useState } from "preact/hooks";
import { percent } from "../format";
import { chosen, openMessage, story } from "../state";
import type { Opinion, Story } from "../story";
import { rowsInView } from "../window";
import { Answer, Card, Empty } from "./parts";
import { shownAt } from "../turns";

const ROW = 44;
/** Columns are at least so wide; where they do not fit, the table scrolls in its card. */
const NAME = 76;
const WIDEST_NAME = 150;
const CELL = 54;
/** More rounds than this do not fit: the latest up to the moment are shown. */
const ROUNDS = 8;

export function Opinions() {
  const of = story.value;
  if (of === null) return null;
  const rounds = roundsShown(of, shownAt.opinions.value);
  const hidden = rounds.length === 0 ? 0 : of.rounds.indexOf(rounds[0] ?? 0);
  const aside = hidden > 0 ? <span class="soft">{hidden} earlier rounds before these</span> : undefined;
  return (
    <Card title="Opinions, round by round" name="opinions" aside={aside}>
      {of.rounds.length === 0 ? (
        <Empty title="Nobody gave an answer." children={<p>This channel holds no answers yet; plans show in their own card.</p>} />
      ) : (
        <Matrix of={of} rounds={rounds} />
      )}
    </Card>
  );
}

/** The rounds in view at a moment: the last few that had begun, and the first ones when none had. */
export function roundsShown(of: Story, moment: number): readonly number[] {
  let begun = 0;
  for (let i = Math.min(moment, of.last); i >= 0; i -= 1) {
    const m = of.messages[i];
    if (m?.kind.startsWith("proposal/") !== true) continue;
    begun = of.rounds.indexOf(m.round ?? 0) + 1;
    break;
  }
  const end = Math.max(begun, Math.min(ROUNDS, of.rounds.length));
  return of.rounds.slice(Math.max(0, end - ROUNDS), end);
}

function Matrix({ of, rounds }: { readonly of: Story; readonly rounds: readonly number[] }) {
  const box = useRef<HTMLDivElement>(null);
  const [view, setView] = useState({ top: 0, height: 400 });
  const lanes = of.lanes.flatMap((lane, i) => (lane.weight > 0 || (of.opinions[i]?.length ?? 0) > 0 ? [i] : []));
  const longest = Math.max(0, ...lanes.map((lane) => of.lanes[lane]?.name.length ?? 0));
  const name = Math.min(WIDEST_NAME, Math.max(NAME, longest * 9 + 16));
  const { first, end } = rowsInView(view.top, view.height, ROW, lanes.length);
  useEffect(() => {
    if (box.current !== null) setView((v) => ({ ...v, height: box.current?.clientHeight ?? 400 }));
  }, []);
  return (
    <div
      class="matrix"
      ref={box}
      tabIndex={0}
      role="group"
      aria-label="Opinions by peer and round"
      onScroll={(event) => setView({ top: event.currentTarget.scrollTop, height: event.currentTarget.clientHeight })}
    >
      <table style={{ minWidth: `${name + rounds.length * CELL}px` }}>
        <thead>
          <tr>
            <th scope="col" style={{ width: `${name}px` }}>
              peer
            </th>
            {rounds.map((round) => (
              <th scope="col" key={round}>
                {round + 1}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {first > 0 && <tr class="spacer" aria-hidden="true" style={{ height: `${first * ROW}px` }} />}
          {lanes.slice(first, end).map((lane) => (
            <tr key={lane} class={chosen.value === lane ? "chosen" : undefined}>
              <th scope="row">
                <button type="button" class="peer-name" title={of.lanes[lane]?.name} aria-pressed={chosen.value === lane} onClick={() => choose(lane)}>
                  {of.lanes[lane]?.name}
                </button>
              </th>
              {rounds.map((round, column) => (
                <Cell key={column} of={of} lane={lane} round={round} />
              ))}
            </tr>
          ))}
          {end < lanes.length && <tr class="spacer" aria-hidden="true" style={{ height: `${(lanes.length - end) * ROW}px` }} />}
        </tbody>
      </table>
    </div>
  );
}

export function choose(lane: number): void {
  chosen.value = chosen.value === lane ? null : lane;
}

function Cell({ of, lane, round }: { readonly of: Story; readonly lane: number; readonly round: number }) {
  const opinion = of.cell(lane, round, shownAt.opinions.value);
  if (opinion === null) return <td class="blank" />;
  const earlier = of.opinion(lane, opinion.position - 1);
  const changed = earlier !== null && earlier.key !== opinion.key;
  const message = of.messages[opinion.position];
  const sure = opinion.confidence;
  return (
    <td>
      <button
        type="button"
        class={changed ? "cell changed" : "cell"}
        aria-label={spoken(of, lane, opinion, changed)}
        onClick={() => message !== undefined && openMessage(message.id)}
      >
        <Answer story={of} of={opinion.key} size={13} />
        {sure !== null && <span class="sure" style={{ width: `${sure / 10_000}%` }} />}
      </button>
    </td>
  );
}

function spoken(of: Story, lane: number, opinion: Opinion, changed: boolean): string {
  const name = of.lanes[lane]?.name ?? "";
  const sure = opinion.confidence === null ? "" : `, ${percent(opinion.confidence)} sure`;
  return `${name}, round ${opinion.round + 1}: ${opinion.key ?? "no answer"}${sure}${changed ? ", changed" : ""}`;
}
