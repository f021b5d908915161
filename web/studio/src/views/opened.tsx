/** One message, open: what was said and why, what it cost, what it builds on and what was built on it. */

import type { ComponentChildren } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import type { Exchange, Hex, Reading, Trouble, WholeMessage } from "../api";
import { amount } from "../burn";
import { door, troubleOf } from "../door";
import { answerOf, turnsOf } from "../exchange";
import { counted, day, elapsed, kindWord, percent } from "../format";
import type { Message, Place } from "../message";
import { addEdit, openMessage, opened, pins, step, story, togglePin } from "../state";
import type { Story } from "../story";
import { Answer, ICONS, Icon, Troubled } from "./parts";

export function Opened() {
  const of = story.value;
  const id = opened.value;
  if (of === null || id === null) return null;
  const position = of.position.get(id);
  const message = position === undefined ? undefined : of.messages[position];
  return (
    <section class="opened" aria-label="Message">
      {message === undefined || position === undefined ? (
        <>
          <Head>Message</Head>
          <Troubled trouble={{ what: "This message is not in the channel.", why: `Nothing here has the id ${id.slice(0, 12)}….`, do: "Close it, or wait if the channel is still being written." }} />
        </>
      ) : (
        <Sheet key={id} of={of} message={message} position={position} />
      )}
    </section>
  );
}

interface SheetProps {
  readonly of: Story;
  readonly message: Message;
  readonly position: number;
}

function Sheet({ of, message, position }: SheetProps) {
  const [whole, trouble] = useWhole(of.channel.name, message.id);
  const shown = whole ?? message;
  return (
    <>
      <Head>
        {message.name} <span class="soft">{kindWord(message.kind)}</span>
      </Head>
      <p class="soft small">
        Message {position + 1} · {elapsed(of.clock[position] ?? 0)}
        {message.round !== null && <> · round {message.round + 1}</>} · {day(message.wall_ms)}
      </p>
      {message.kind.startsWith("proposal/") && (
        <p class="said-key">
          <Answer story={of} of={message.key} size={18} />
          {message.confidence_ppm !== null && <span class="soft">{percent(message.confidence_ppm)} sure</span>}
        </p>
      )}
      {message.lapse !== "" && <p class="lapse">{message.lapse}</p>}
      {shown.text !== "" && <blockquote class="said" dir="auto">{shown.text}</blockquote>}
      {whole === null && message.cut && <p class="soft small">Cut; the whole text is being fetched.</p>}
      <Actions of={of} message={message} text={shown.text} position={position} />
      {trouble !== null && <Troubled trouble={trouble} />}
      <Verdicts of={of} message={message} />
      <Links of={of} title="Builds on" positions={of.causes[position] ?? []} />
      <Links of={of} title="Built on by" positions={of.effects[position] ?? []} />
      <CostOf message={message} />
      {whole !== null && <Exchanges exchanges={whole.exchanges} />}
      {whole !== null && <Raw whole={whole} />}
    </>
  );
}

/** The heading takes the focus when a message is opened, so that it is read next. */
function Head({ children }: { readonly children: ComponentChildren }) {
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => heading.current?.focus({ preventScroll: true }), []);
  return (
    <header>
      <h2 ref={heading} tabIndex={-1}>
        {children}
      </h2>
      <button type="button" class="icon-button" aria-label="Close message" onClick={() => openMessage(null)}>
        <Icon d={ICONS.close} />
      </button>
    </header>
  );
}

function useWhole(channel: string, id: Hex): readonly [WholeMessage | null, Trouble | null] {
  const [found, setFound] = useState<{ whole: WholeMessage | null; trouble: Trouble | null }>({ whole: null, trouble: null });
  useEffect(() => {
    let wanted = true;
    door.message(channel, id).then(
      (whole) => wanted && setFound({ whole, trouble: null }),
      (error: unknown) => wanted && setFound({ whole: null, trouble: troubleOf(error) }),
    );
    return () => {
      wanted = false;
    };
  }, [channel, id]);
  return [found.whole, found.trouble];
}

function Actions({ of, message, text, position }: SheetProps & { readonly text: string }) {
  const [draft, setDraft] = useState<string | null>(null);
  const channel = of.channel.name;
  const pinned = pins.value.some((p) => p.channel === channel && p.id === message.id);
  const proposal = message.kind.startsWith("proposal/");
  const spoken = !of.channel.talk && (proposal || message.kind.startsWith("note/"));
  const droppable = !of.channel.talk && !message.kind.startsWith("opening/") && !message.kind.startsWith("outcome/");
  return (
    <>
      <div class="actions">
        <button type="button" onClick={() => step({ do: "to", at: position })}>
          Go to this moment
        </button>
        <button type="button" aria-pressed={pinned} onClick={() => void togglePin({ channel, id: message.id, note: `${message.name}, ${kindWord(message.kind)}` })}>
          <Icon d={ICONS.pin} />
          {pinned ? "Pinned" : "Pin"}
        </button>
        {spoken && (
          <button type="button" aria-expanded={draft !== null} onClick={() => setDraft(draft === null ? text : null)}>
            Edit…
          </button>
        )}
        {droppable && (
          <button type="button" onClick={() => addEdit({ do: "drop", id: message.id })}>
            Drop
          </button>
        )}
      </div>
      {draft !== null && <Rewrite channel={channel} message={message} draft={draft} keyed={proposal} done={() => setDraft(null)} />}
    </>
  );
}

interface RewriteProps {
  readonly channel: string;
  readonly message: Message;
  readonly draft: string;
  readonly keyed: boolean;
  readonly done: () => void;
}

function Rewrite({ channel, message, draft, keyed, done }: RewriteProps) {
  const [text, setText] = useState(draft);
  const [own, setOwn] = useState<string | null>(null);
  const [read, trouble] = useReading(channel, text, keyed, { key: message.key, lapse: message.lapse });
  const save = (event: Event): void => {
    event.preventDefault();
    const edit = { do: "replace", id: message.id, text } as const;
    addEdit(own !== null && own.trim() !== "" ? { ...edit, key: own.trim() } : edit);
    done();
  };
  return (
    <form class="rewrite" onSubmit={save}>
      <label>
        What {message.name} says instead
        <textarea rows={6} value={text} onInput={(event) => setText(event.currentTarget.value)} />
      </label>
      {keyed && (
        <label>
          The answer it counts as
          <input
            type="text"
            value={own ?? read?.key ?? ""}
            placeholder={read?.lapse ?? ""}
            aria-describedby="counts-as"
            onInput={(event) => setOwn(event.currentTarget.value === "" ? null : event.currentTarget.value)}
          />
        </label>
      )}
      {keyed && (
        <p class="soft small" id="counts-as" role="status">
          {own === null ? (read === null ? "Being read…" : read.key === null ? `Counts as none: ${read.lapse}.` : "As it is read from the words.") : "Yours, whatever the words say; empty it to have the words read again."}
        </p>
      )}
      {trouble !== null && <Troubled trouble={trouble} />}
      <div class="actions">
        <button type="submit" class="primary">
          Keep for the replay
        </button>
        <button type="button" onClick={done}>
          Cancel
        </button>
      </div>
    </form>
  );
}

/** So long after the last key was pressed the words are read. */
const READ_AFTER_MS = 150;

/** The answer that words count as, by the question's own way of reading them: the server reads them as they are typed. */
function useReading(channel: string, text: string, wanted: boolean, first: Reading): readonly [Reading | null, Trouble | null] {
  const [found, setFound] = useState<{ read: Reading | null; trouble: Trouble | null }>({ read: first, trouble: null });
  const known = useRef<string | null>(text);
  useEffect(() => {
    if (!wanted || known.current === text) return;
    let newest = true;
    setFound((before) => ({ ...before, trouble: null }));
    const timer = setTimeout(() => {
      door.reading(channel, text).then(
        (read) => {
          if (!newest) return;
          known.current = text;
          setFound({ read, trouble: null });
        },
        (error: unknown) => {
          if (!newest) return;
          known.current = null;
          setFound({ read: null, trouble: troubleOf(error) });
        },
      );
    }, READ_AFTER_MS);
    return () => {
      newest = false;
      clearTimeout(timer);
    };
  }, [channel, text, wanted]);
  return [found.read, found.trouble];
}

function Verdicts({ of, message }: { readonly of: Story; readonly message: Message }) {
  if (message.verdicts === null || message.verdicts.length === 0) return null;
  const about = (place: Place): Message | undefined => (typeof place === "number" ? of.messages[place] : undefined);
  const name = (place: Place): string => {
    const judged = about(place);
    return judged === undefined ? String(place).slice(0, 8) : `${judged.name}${judged.key === null ? "" : ` (${judged.key})`}`;
  };
  return (
    <section>
      <h3>Verdicts</h3>
      <ul class="verdicts">
        {message.verdicts.map((verdict, i) => (
          <li key={i}>
            {verdict.subjects.map((place, j) => (
              <button type="button" class="link" key={place} onClick={() => openMessage(about(place)?.id ?? String(place))}>
                {name(place)} {percent(verdict.scores[j] ?? 0)}
              </button>
            ))}
            {verdict.reason !== "" && <p>{verdict.reason}</p>}
          </li>
        ))}
      </ul>
    </section>
  );
}

const SHOWN = 24;

function Links({ of, title, positions }: { readonly of: Story; readonly title: string; readonly positions: readonly number[] }) {
  const [all, setAll] = useState(false);
  if (positions.length === 0) return null;
  return (
    <section>
      <h3>
        {title} <span class="soft">{positions.length}</span>
      </h3>
      <ul class="links">
        {positions.slice(0, all ? undefined : SHOWN).map((position) => {
          const m = of.messages[position];
          return m === undefined ? null : (
            <li key={position}>
              <button type="button" class="link" onClick={() => openMessage(m.id)}>
                <span>{m.name}</span> {m.kind.startsWith("proposal/") ? <Answer story={of} of={m.key} size={12} /> : kindWord(m.kind)}
              </button>
            </li>
          );
        })}
        {!all && positions.length > SHOWN && (
          <li>
            <button type="button" class="link" onClick={() => setAll(true)}>
              and {positions.length - SHOWN} more
            </button>
          </li>
        )}
      </ul>
    </section>
  );
}

function CostOf({ message }: { readonly message: Message }) {
  const [calls, read, written, usd, milliseconds] = message.cost;
  if (calls === 0 && read + written === 0) return null;
  return (
    <section>
      <h3>Cost</h3>
      <p class="small">
        {counted(calls, "call")}, {amount("tokens", read)} tokens read, {amount("tokens", written)} written
        {usd > 0 && <>, {amount("usd_micro", usd)}</>}
        {milliseconds > 0 && <>, {amount("seconds", milliseconds / 1000)} s</>}
      </p>
    </section>
  );
}

function Exchanges({ exchanges }: { readonly exchanges: readonly Exchange[] }) {
  if (exchanges.length === 0) {
    return (
      <section>
        <h3>Prompt and reply</h3>
        <p class="soft small">None are kept with this message: it was said without a model, or on another machine.</p>
      </section>
    );
  }
  return (
    <section>
      <h3>Prompt and reply</h3>
      {exchanges.map((exchange, i) => (
        <details key={i} class="exchange" open={i === 0}>
          <summary>
            {exchange.kind === "tool" ? "tool " : ""}
            {exchange.of} <span class="soft">{exchange.skill}</span> <span class="soft">{exchange.milliseconds} ms</span>
          </summary>
          {turnsOf(exchange).map((turn, j) => (
            <div class={`turn ${turn.role}`} key={j}>
              <span class="role">{turn.role}</span>
              <p>{turn.text}</p>
            </div>
          ))}
          <div class="turn reply">
            <span class="role">{exchange.failure === "" ? "reply" : "failed"}</span>
            <p>{exchange.failure === "" ? answerOf(exchange) : exchange.failure}</p>
          </div>
        </details>
      ))}
    </section>
  );
}

function Raw({ whole }: { readonly whole: WholeMessage }) {
  return (
    <details class="raw">
      <summary>
        Body <span class="soft">{amount("messages", whole.raw_bytes)} bytes, {whole.signed ? "signed" : "not signed"}</span>
      </summary>
      <pre tabIndex={0}>{JSON.stringify({ id: whole.id, kind: whole.kind, body: whole.body }, null, 2)}</pre>
    </details>
  );
}
