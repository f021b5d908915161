/** The messages up to the moment: only the rows in view exist. */

import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { counted, elapsed, kindWord, shortened, wordless } from "../format";
import type { Message } from "../message";
import { chosen, openMessage, opened, step, story } from "../state";
import { type Story, before } from "../story";
import { rowsInView } from "../window";
import { Answer, Card, Empty } from "./parts";
import { shownAt } from "../turns";

const ROW = 58;

export function Messages() {
  const of = story.value;
  if (of === null) return null;
  const lane = chosen.value;
  return (
    <Card
      title={lane === null ? "Messages" : `Messages of ${of.lanes[lane]?.name ?? "a peer"}`}
      name="messages"
      aside={
        lane !== null && (
          <button type="button" class="quiet" onClick={() => (chosen.value = null)}>
            Show everyone’s
          </button>
        )
      }
    >
      <List of={of} lane={lane} />
    </Card>
  );
}

function List({ of, lane }: { readonly of: Story; readonly lane: number | null }) {
  const box = useRef<HTMLDivElement>(null);
  const [view, setView] = useState({ top: 0, height: 420, count: -1 });
  const positions = positionsOf(of, lane);
  const count = (lane === null ? shownAt.messages.value : before(positions ?? [], shownAt.messages.value, (p) => p)) + 1;
  useEffect(() => {
    const element = box.current;
    if (element === null) return;
    const sizes = new ResizeObserver(() => setView((v) => ({ ...v, height: element.clientHeight })));
    sizes.observe(element);
    return () => sizes.disconnect();
  }, []);
  // the newest row is in view whenever there are others: known before it is scrolled to
  const top = view.count === count ? view.top : Math.max(0, count * ROW - view.height);
  useLayoutEffect(() => {
    if (box.current !== null) box.current.scrollTop = top;
  }, [count, view.height]);
  if (count === 0) return <Empty title="Nothing was said yet at this moment." children={<p>Go on with → or play.</p>} />;
  const { first, end } = rowsInView(Math.min(top, count * ROW), view.height, ROW, count);
  const rows = Array.from({ length: end - first }, (_, i) => first + i);
  return (
    <div
      class="rows"
      ref={box}
      tabIndex={0}
      role="group"
      aria-label="Messages up to this moment"
      onScroll={(event) => {
        const to = event.currentTarget.scrollTop;
        if (Math.abs(to - top) >= 1) setView({ ...view, top: to, count });
      }}
    >
      <ol style={{ height: `${count * ROW}px` }}>
        {rows.map((row) => {
          const position = positions === null ? row : (positions[row] ?? 0);
          const message = of.messages[position];
          return message === undefined ? null : <Row key={message.id} of={of} message={message} position={position} top={row * ROW} />;
        })}
      </ol>
    </div>
  );
}

/** Positions of one lane's messages; null for all. */
function positionsOf(of: Story, lane: number | null): readonly number[] | null {
  if (lane === null) return null;
  const found: number[] = [];
  of.laneOf.forEach((l, i) => {
    if (l === lane) found.push(i);
  });
  return found;
}

interface RowProps {
  readonly of: Story;
  readonly message: Message;
  readonly position: number;
  readonly top: number;
}

function Row({ of, message, position, top }: RowProps) {
  const said = message.lapse || message.text || inWords(of, message, of.causes[position]?.length ?? 0);
  const current = position === shownAt.messages.value ? "true" : undefined;
  return (
    <li style={{ top: `${top}px` }} aria-posinset={position + 1} aria-setsize={of.last + 1}>
      <button
        type="button"
        class="row"
        aria-current={current}
        aria-expanded={opened.value === message.id}
        onClick={() => {
          step({ do: "pause" });
          openMessage(message.id);
        }}
      >
        <span class="row-head">
          <strong>{message.name}</strong>
          <span class="kind">
            {kindWord(message.kind)}
            {message.round !== null && message.kind.startsWith("proposal/") && ` · round ${message.round + 1}`}
          </span>
          {message.kind.startsWith("proposal/") && <Answer story={of} of={message.key} />}
          <span class="row-time">{elapsed(of.clock[position] ?? 0)}</span>
        </span>
        <span class={message.lapse ? "row-said lapse" : "row-said"} dir="auto">{shortened(said, 160) || "—"}</span>
      </button>
    </li>
  );
}

/** What a message without words says: its verdicts, its answer, or how many messages it builds on. */
function inWords(of: Story, message: Message, causes: number): string {
  if (message.verdicts !== null) return `${counted(message.verdicts.length, "verdict")}. ${message.verdicts[0]?.reason ?? ""}`;
  if (message.kind.startsWith("outcome/") && message.key === null) return "no answer";
  return (message.key === null ? null : (of.meaning(message.key) ?? message.key)) ?? wordless(message.kind) ?? `builds on ${counted(causes, "message")}`;
}
