/** The whole page. */

import { useEffect, useRef } from "preact/hooks";
import { counted } from "../format";
import { speaking } from "../live";
import { arrived, at, channels, connected, go, helpOpen, intervening, line, listOpen, load, log, moment, opened, route, searchOpen, story, trouble } from "../state";
import type { Story } from "../story";
import { isDark, toggleTheme } from "../theme";
import { Budget } from "./budget";
import { ChannelList } from "./channels";
import { Conversation, isTurn } from "./conversation";
import { Comparison } from "./comparison";
import { Decision } from "./decision";
import { Help } from "./help";
import { Intervene } from "./intervene";
import { MeshHealth } from "./mesh";
import { Messages } from "./messages";
import { Opened } from "./opened";
import { Opinions } from "./opinions";
import { Empty, Folded, ICONS, Icon, Troubled } from "./parts";
import { Peers } from "./peers";
import { Plan } from "./plan";
import { Search } from "./search";
import { Timeline } from "./timeline";
import { Transport } from "./transport";

export function App() {
  const here = route.value;
  const panel = here.view === "channel" && story.value !== null && (opened.value !== null || intervening.value);
  return (
    <div class={panel ? "app with-panel" : "app"}>
      <Top />
      <ChannelList />
      <main id="main" tabIndex={-1}>
        {!connected.value && <Troubled trouble={{ what: "The studio does not answer.", why: "Its process has ended, or the way to it is cut.", do: "Start it again with `waggle studio`; this page goes on by itself." }} />}
        {here.view !== "compare" && story.value === null && <h1 class="unseen">waggledance studio</h1>}
        {here.view === "compare" ? <Comparison left={here.left} right={here.right} /> : <ChannelView />}
      </main>
      {panel && <Panel />}
      {here.view === "channel" && <Transport />}
      <Search />
      <Help />
    </div>
  );
}

function Top() {
  return (
    <header class="top">
      <button type="button" class="icon-button menu" aria-label="Channels" aria-expanded={listOpen.value} aria-controls="channels" onClick={() => (listOpen.value = !listOpen.value)}>
        <Icon d={ICONS.menu} />
      </button>
      <a class="brand" href="#/">
        <svg viewBox="0 0 32 32" width="24" height="24" aria-hidden="true">
          <path class="comb" d="M16 2.5 27.7 9.250v13.5L16 29.5 4.3 22.750V9.250z" />
          <path class="dance" d="M10.5 19.5c1.8-6 3.7-6 5.5-3.2s3.7 2.8 5.5-3.8" />
        </svg>
        <span>
          waggledance <span class="soft">studio</span>
        </span>
      </a>
      <button type="button" class="search-open" onClick={() => (searchOpen.value = true)}>
        <Icon d={ICONS.search} /> <span>Search</span> <kbd>/</kbd>
      </button>
      <button type="button" class="icon-button" aria-label={isDark() ? "Use light colours" : "Use dark colours"} onClick={toggleTheme}>
        <Icon d={ICONS.sun} />
      </button>
      <button type="button" class="icon-button" aria-label="Help: keys" onClick={() => (helpOpen.value = true)}>
        <Icon d={ICONS.help} />
      </button>
    </header>
  );
}

function ChannelView() {
  const here = route.value;
  const of = story.value;
  if (trouble.value !== null && connected.value) {
    return <Troubled trouble={trouble.value} {...(here.view === "channel" ? { again: () => void load(here.name) } : {})} />;
  }
  if (here.view !== "channel") return <Start />;
  if (of === null) return <p class="loading">Loading…</p>;
  return (
    <>
      <Question of={of} />
      <Speaking />
      <div class="cards">
        <Timeline />
        {of.channel.talk ? <Talk of={of} /> : <Asked />}
        <MeshHealth />
      </div>
    </>
  );
}

function Asked() {
  return (
    <>
      <Plan />
      <Opinions />
      <Decision />
      <Peers />
      <Messages />
      <Budget />
    </>
  );
}

/** Where nothing is to be decided: what people say to each other, or else plain messages, as in a lobby. */
function Talk({ of }: { readonly of: Story }) {
  if (!of.messages.some(isTurn)) return <Messages />;
  return (
    <>
      <Conversation />
      <Peers />
    </>
  );
}

function Start() {
  const found = channels.value;
  const { broken = null, newer = false } = log.value ?? {};
  if (broken !== null && found?.length === 0) return <Troubled trouble={{ what: "The log cannot be read.", why: broken, do: "Or show another one: waggle studio --log FILE" }} />;
  if (newer && found?.length === 0) return <Troubled trouble={{ what: "This log is of a newer version.", why: "Its file has a form that this version does not know.", do: "Upgrade waggledance, and start the studio again." }} />;
  if (found === null) return <p class="loading">Loading…</p>;
  return (
    <div class="start">
      <MeshHealth />
      {found.length === 0 ? (
        <Empty title="Nothing was asked yet.">
          <p>Ask a swarm something in a terminal; it shows here while it happens.</p>
          <code>waggle ask "A farmer has 17 sheep. All but 9 run away. How many are left?"</code>
        </Empty>
      ) : (
        <Empty title={`${counted(found.length, "channel")} in this log.`}>
          <p>Choose one to watch it, or go back in its time.</p>
          <p>
            <a class="button primary" href={`#/c/${encodeURIComponent(found[0]?.name ?? "")}`}>
              Open the newest
            </a>
          </p>
          <p class="on-phones">
            <button type="button" onClick={() => (listOpen.value = true)}>
              Show all channels
            </button>
          </p>
        </Empty>
      )}
    </div>
  );
}

function Question({ of }: { readonly of: Story }) {
  const { name, opening, live, newer, broken, coming, talk } = of.channel;
  const fork = line.value?.forked_from ?? null;
  useEffect(() => {
    document.title = `${opening.question.slice(0, 60) || name} – waggledance studio`;
  }, [name]);
  return (
    <header class="question">
      <h1 dir="auto">
        <Folded text={opening.question || name} what="question" />
      </h1>
      <div class="about">
        {live && <span class="badge live-badge">live</span>}
        <dl>
          {!talk && <Fact term="protocol" says={opening.protocol} />}
          <Fact term="rule" says={opening.rule} />
          {!talk && <Fact term="seed" says={String(opening.seed)} />}
          <Fact term="channel" says={name} />
        </dl>
        <span class="grow" />
        {fork !== null && (
          <button type="button" onClick={() => go({ view: "compare", left: fork.channel, right: name })}>
            Compare with the original
          </button>
        )}
        {!talk && (
          <button type="button" aria-pressed={intervening.value} onClick={() => (intervening.value = !intervening.value)}>
            Intervene
          </button>
        )}
      </div>
      {opening.options.length > 0 && (
        <ol class="options">
          {opening.options.map((option, i) => (
            <li key={i}>
              <strong>{String.fromCharCode(65 + i)}</strong> {option}
            </li>
          ))}
        </ol>
      )}
      {coming && (
        <p class="soft small" role="status">
          The first {of.last + 1} of {counted(of.channel.total, "message")} are shown; the others are coming, {arrived.value.toLocaleString("en")} are here.
        </p>
      )}
      {newer && <p class="notice">This log was written by a newer version: messages that this one does not know are shown without their contents.</p>}
      {broken !== null && <p class="notice bad">What is intact of this log is shown. {broken}</p>}
    </header>
  );
}

function Fact({ term, says }: { readonly term: string; readonly says: string }) {
  if (says === "") return null;
  return (
    <div>
      <dt>{term}</dt>
      <dd>{says}</dd>
    </div>
  );
}

/** Words as they are said; only at the present, for the past has no half-said words. */
function Speaking() {
  const said = [...speaking.value.values()];
  if (said.length === 0 || !moment.value.following || at.value < 0) return null;
  return (
    <section class="speaking" aria-label="Being said now">
      {said.slice(0, 6).map((words) => (
        <p key={words.name}>
          <strong>{words.name}</strong> {words.text.slice(-160)}
          <span class="caret" aria-hidden="true" />
        </p>
      ))}
      {said.length > 6 && <p class="soft">and {said.length - 6} more are speaking</p>}
    </section>
  );
}

function Panel() {
  const before = useRef(document.activeElement);
  useEffect(() => () => {
    if (before.current instanceof HTMLElement && before.current.isConnected) before.current.focus({ preventScroll: true });
  }, []);
  return (
    <aside class="panel" aria-label="Message and replay">
      <Intervene />
      <Opened />
    </aside>
  );
}
