/** What was decided, by whom and against whom; before that, how the answers stand. */

import type { Decision as Decided } from "../api";
import { amount } from "../burn";
import { counted, percent, shortened } from "../format";
import { arrived, line, pins, story, togglePin } from "../state";
import type { Standing, Story } from "../story";
import { Certificate, Certified } from "./certificate";
import { Answer, Card, Empty, Folded, Glyph, ICONS, Icon } from "./parts";
import { shownAt } from "../turns";

export function Decision() {
  const of = story.value;
  if (of === null) return null;
  const decision = of.decided(shownAt.decision.value) ? of.channel.decision : null;
  return (
    <Card title="Decision" name="decision" aside={decision !== null && <PinResult of={of} />}>
      {decision !== null ? <Made of={of} decision={decision} /> : of.channel.coming ? <Coming of={of} /> : <NotYet of={of} />}
    </Card>
  );
}

/** While messages are still coming: what the asker wrote down, where the list of channels knows it. */
function Coming({ of }: { readonly of: Story }) {
  const { status = "unfinished", answer = null } = line.value ?? {};
  return (
    <>
      {status !== "unfinished" && (
        <p class="verdict">
          <span class="verdict-answer">{answer ?? "No answer"}</span>
          <span class={`badge ${status}`}>{status}</span>
        </p>
      )}
      <p class="soft small" role="status">
        {status === "unfinished" ? "" : "As the asker wrote it down. "}
        It is decided again when all messages are here: {arrived.value.toLocaleString("en")} of {counted(of.channel.total, "message")} so far.
      </p>
    </>
  );
}

function NotYet({ of }: { readonly of: Story }) {
  const standing = of.standing(shownAt.decision.value);
  const ends = of.channel.live || shownAt.decision.value < of.last;
  if (standing.length === 0) {
    return <Empty title="No answers yet at this moment." children={<p>{ends ? "They show here as they come." : "The run ended without any."}</p>} />;
  }
  return (
    <>
      <p class="verdict pending">{ends ? "Not decided yet. So it stands:" : "It ended without a decision. So it stood:"}</p>
      <Bars of={of} rows={standing} />
      <Certificate of={of} />
    </>
  );
}

function Made({ of, decision }: { readonly of: Story; readonly decision: Decided }) {
  const [calls, read, written, usd] = decision.cost;
  const lanes = new Map(of.lanes.map((lane, i) => [lane.id, i]));
  const rows = decision.support.map(
    (s): Standing => ({ key: s.key, weight: s.share_ppm, lanes: s.peers.flatMap((id) => lanes.get(id) ?? []) }),
  );
  return (
    <>
      <p class="verdict">
        <span class="verdict-answer" dir="auto">
          <Folded text={decision.answer ?? decision.key ?? "No answer"} what="answer" />
        </span>
        <span class={`badge ${decision.status}`}>{decision.status}</span>
        <Certified of={of} />
        {decision.confidence_ppm !== null && <span class="soft">{percent(decision.confidence_ppm)} confident</span>}
      </p>
      <Bars of={of} rows={rows} />
      <Certificate of={of} />
      {decision.text !== "" && decision.text !== decision.answer && (
        <details class="dissent">
          <summary>In its author’s words</summary>
          <blockquote class="said" dir="auto">{decision.text}</blockquote>
        </details>
      )}
      <Said of={of} those={decision.dissent.filter((d) => d.key !== null)} as="dissent" />
      <Said of={of} those={decision.dissent.filter((d) => d.key === null)} as="peer without an answer" many="peers without an answer" open={decision.key === null} />
      {decision.notes.map((note) => (
        <p class="note" key={note}>
          {note}
        </p>
      ))}
      {decision.used.length > 0 && <p class="soft small">
        {counted(calls, "call")}, {amount("tokens", read + written)} tokens
        {usd > 0 && <>, {amount("usd_micro", usd)}</>}, {amount("seconds", decision.seconds)} s; rests on{" "}
        {counted(decision.used.length, "message")}
        {decision.silent.length > 0 && <>; silent: {decision.silent.join(", ")}</>}
      </p>}
    </>
  );
}

interface SaidProps {
  readonly of: Story;
  readonly those: Decided["dissent"];
  readonly as: string;
  readonly many?: string;
  readonly open?: boolean;
}

/** Who was not of this opinion, and why. */
function Said({ of, those, as, many, open = false }: SaidProps) {
  if (those.length === 0) return null;
  return (
    <details class="dissent" open={open}>
      <summary>{counted(those.length, as, many)}</summary>
      <ul>
        {those.map((d, i) => (
          <li key={`${d.name}${i}`}>
            <strong>{d.name}</strong> {d.key !== null && <Answer story={of} of={d.key} />}
            <p>{shortened(d.text, 280)}</p>
          </li>
        ))}
      </ul>
    </details>
  );
}

/** Answers with a bar each, as long as their part of all weight. */
export function Bars({ of, rows }: { readonly of: Story; readonly rows: readonly Standing[] }) {
  const whole = rows.reduce((sum, row) => sum + row.weight, 0);
  return (
    <ul class="bars">
      {rows.slice(0, 12).map((row) => {
        const part = whole === 0 ? 0 : (100 * row.weight) / whole;
        const names = row.lanes.map((lane) => of.lanes[lane]?.name ?? "").sort(new Intl.Collator("en", { numeric: true }).compare).join(", ");
        const index = of.answers.get(row.key) ?? 8;
        return (
          <li key={row.key}>
            <span class="bar-head">
              <Glyph index={index} />
              <span class="bar-key">
                {row.key} {of.meaning(row.key) !== null && <span class="soft">{of.meaning(row.key)}</span>}
              </span>
              <span class="bar-part">{Math.round(part)} %</span>
            </span>
            <span class="bar">
              <span class={`bar-fill b${Math.min(index, 8)}`} style={{ width: `${part}%` }} />
            </span>
            <span class="soft small bar-names">
              {row.lanes.length > 0 ? `${row.lanes.length}: ` : ""}
              {shortened(names, 90)}
            </span>
          </li>
        );
      })}
      {rows.length > 12 && <li class="soft small">and {rows.length - 12} more answers</li>}
    </ul>
  );
}

function PinResult({ of }: { readonly of: Story }) {
  const message = of.messages[of.outcome ?? of.last];
  if (message === undefined) return null;
  const channel = of.channel.name;
  const pinned = pins.value.some((p) => p.channel === channel && p.id === message.id);
  const note = `Result: ${shortened(of.channel.decision?.answer ?? "none", 60)}`;
  return (
    <button type="button" class="quiet" aria-pressed={pinned} onClick={() => void togglePin({ channel, id: message.id, note })}>
      <Icon d={ICONS.pin} /> {pinned ? "Pinned" : "Pin"}
    </button>
  );
}
