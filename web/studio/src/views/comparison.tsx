/** Two channels side by side, with what differs marked. */

import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import type { Trouble } from "../api";
import { amount } from "../burn";
import { type Difference, type Pair, paired, parting } from "../compare";
import { door, troubleOf } from "../door";
import { kindWord, shortened } from "../format";
import type { Channel, Message } from "../message";
import { channels, go } from "../state";
import { Story } from "../story";
import { rowsInView } from "../window";
import { Bars } from "./decision";
import { Answer, Empty, Troubled } from "./parts";

const ROW = 84;
const SIGNS: Readonly<Record<Difference, string>> = { same: "=", changed: "≠", left: "−", right: "+" };
const WORDS: Readonly<Record<Difference, string>> = { same: "the same", changed: "changed", left: "only left", right: "only right" };

export function Comparison({ left, right }: { readonly left: string; readonly right: string }) {
  const [both, setBoth] = useState<readonly [Story, Story] | null>(null);
  const [trouble, setTrouble] = useState<Trouble | null>(null);
  useEffect(() => {
    let wanted = true;
    setBoth(null);
    setTrouble(null);
    Promise.all([door.channel(left), door.channel(right)]).then(
      (found) => wanted && setBoth(stories(found)),
      (error: unknown) => wanted && setTrouble(troubleOf(error)),
    );
    return () => {
      wanted = false;
    };
  }, [left, right]);
  if (trouble !== null) return <Troubled trouble={trouble} />;
  if (both === null) return <p class="loading">Loading both…</p>;
  return <Side left={both[0]} right={both[1]} />;
}

/** The right story's answers look like the left one's: the same colour means the same answer. */
function stories([left, right]: readonly [Channel, Channel]): readonly [Story, Story] {
  const first = new Story(left);
  const second = new Story(right);
  const looks = new Map(first.answers);
  for (const key of second.answers.keys()) if (!looks.has(key)) looks.set(key, looks.size);
  Object.assign(second, { answers: looks });
  return [first, second];
}

function Side({ left, right }: { readonly left: Story; readonly right: Story }) {
  const pairs = useMemo(() => paired(left.messages, right.messages), [left, right]);
  const [only, setOnly] = useState(false);
  const shown = only ? pairs.filter((p) => p.difference !== "same") : pairs;
  const from = parting(pairs);
  const fork = channels.value?.find((c) => c.name === right.channel.name)?.forked_from;
  const ofLeft = fork?.channel === left.channel.name;
  return (
    <div class="comparison">
      <h1>Side by side</h1>
      <p dir="auto">{shortened(left.channel.opening.question, 200)}</p>
      <p class="soft">
        {from < 0 ? "Both say the same." : `${pairs.filter((p) => p.difference !== "same").length} of ${pairs.length} places differ; the first is the ${ordinal(from + 1)}.`}
        {fork != null && ` The right one is a replay with ${fork.edits === 1 ? "one change" : `${fork.edits} changes`}.`}
      </p>
      <div class="columns">
        <Result of={left} title={ofLeft ? "the original" : "left"} />
        <Result of={right} title={ofLeft ? "the replay" : "right"} />
      </div>
      <label class="radio">
        <input type="checkbox" checked={only} onChange={(event) => setOnly(event.currentTarget.checked)} /> Only what differs
      </label>
      {shown.length === 0 ? <Empty title="Nothing differs." children={<p>Every message has a twin that says the same.</p>} /> : <Pairs left={left} right={right} pairs={shown} />}
    </div>
  );
}

function ordinal(n: number): string {
  const end = n % 100 >= 11 && n % 100 <= 13 ? "th" : (["th", "st", "nd", "rd"][n % 10] ?? "th");
  return `${n}${end}`;
}

function Result({ of, title }: { readonly of: Story; readonly title: string }) {
  const { decision, name } = of.channel;
  const spent = of.spent(of.last);
  return (
    <section class="card" aria-label={`${title}: ${name}`}>
      <header>
        <h2>
          <a href={`#/c/${encodeURIComponent(name)}`}>{name}</a>
        </h2>
        <div class="aside soft">{title}</div>
      </header>
      <p class="verdict">
        <span class="verdict-answer">{decision?.answer ?? decision?.key ?? "No decision"}</span>
        {decision !== null && <span class={`badge ${decision.status}`}>{decision.status}</span>}
      </p>
      <Bars of={of} rows={of.standing(of.last)} />
      <p class="soft small">
        {spent.messages.toLocaleString("en")} messages, {amount("calls", spent.calls)} calls, {amount("tokens", spent.tokens)} tokens
      </p>
    </section>
  );
}

interface PairsProps {
  readonly left: Story;
  readonly right: Story;
  readonly pairs: readonly Pair[];
}

function Pairs({ left, right, pairs }: PairsProps) {
  const box = useRef<HTMLDivElement>(null);
  const [view, setView] = useState({ top: 0, height: 600 });
  const { first, end } = rowsInView(view.top, view.height, ROW, pairs.length);
  return (
    <div
      class="pairs"
      ref={box}
      tabIndex={0}
      role="group"
      aria-label="Messages side by side"
      onScroll={(event) => setView({ top: event.currentTarget.scrollTop, height: event.currentTarget.clientHeight })}
    >
      <ol style={{ height: `${pairs.length * ROW}px` }}>
        {pairs.slice(first, end).map((pair, i) => (
          <li key={first + i} class={`pair ${pair.difference}`} style={{ transform: `translateY(${(first + i) * ROW}px)` }}>
            <Half of={left} message={pair.left} />
            <span class="sign">
              <span aria-hidden="true">{SIGNS[pair.difference]}</span>
              <span class="unseen">{WORDS[pair.difference]}</span>
            </span>
            <Half of={right} message={pair.right} />
          </li>
        ))}
      </ol>
    </div>
  );
}

function Half({ of, message }: { readonly of: Story; readonly message: Message | null }) {
  if (message === null) return <span class="half absent">not said here</span>;
  return (
    <button type="button" class="half" onClick={() => go({ view: "channel", name: of.channel.name, message: message.id })}>
      <span class="row-head">
        <strong>{message.name}</strong>
        <span class="kind">
          {kindWord(message.kind)}
          {message.round !== null && message.kind.startsWith("proposal/") && ` · round ${message.round + 1}`}
        </span>
        {message.kind.startsWith("proposal/") && <Answer story={of} of={message.key} />}
      </span>
      <span class="half-said">{shortened(message.lapse || message.text || message.key || "—", 150)}</span>
    </button>
  );
}
