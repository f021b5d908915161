/** All channels of the log, newest first, forks under what they come from; and what is pinned. */

import { useEffect, useRef, useState } from "preact/hooks";
import type { ChannelLine } from "../api";
import { counted, shortened } from "../format";
import { channels, go, listOpen, log, pins, route, togglePin } from "../state";
import { ordered } from "../tree";
import { Empty, ICONS, Icon } from "./parts";

const SHOWN = 150;

export function ChannelList() {
  const [wanted, setWanted] = useState("");
  const [all, setAll] = useState(false);
  const lines = channels.value;
  const words = wanted.trim().toLowerCase();
  const found = ordered(lines ?? []).filter(({ line }) => words === "" || `${line.question} ${line.name} ${line.answer ?? ""}`.toLowerCase().includes(words));
  return (
    <nav id="channels" class={listOpen.value ? "channels open" : "channels"} aria-label="Channels">
      {(lines?.length ?? 0) > 8 && (
        <label class="filter">
          <span class="unseen">Filter channels</span>
          <input type="search" placeholder="Filter channels" value={wanted} onInput={(event) => setWanted(event.currentTarget.value)} />
        </label>
      )}
      {lines === null && <p class="loading">Loading…</p>}
      {lines?.length === 0 && (
        <Empty title="Nothing was asked yet.">
          <p>Ask something; it shows here at once:</p>
          <code>waggle ask "What is 17 − 8?"</code>
        </Empty>
      )}
      <Pinned />
      {lines !== null && lines.length > 0 && found.length === 0 && <p class="hint">No channel matches “{wanted}”.</p>}
      <ul>
        {found.slice(0, all ? undefined : SHOWN).map(({ line, depth }) => (
          <Line key={line.name} line={line} depth={depth} />
        ))}
      </ul>
      {!all && found.length > SHOWN && (
        <button type="button" class="quiet" onClick={() => setAll(true)}>
          Show {found.length - SHOWN} more
        </button>
      )}
      {log.value !== null && <p class="log-file">{log.value.log}</p>}
    </nav>
  );
}

function Line({ line, depth }: { readonly line: ChannelLine; readonly depth: number }) {
  const here = route.value;
  const current = here.view === "channel" && here.name === line.name;
  const place = useRef<HTMLLIElement>(null);
  useEffect(() => {
    if (current) place.current?.scrollIntoView({ block: "nearest" });
  }, [current]);
  return (
    <li ref={place} class={depth > 0 ? "fork" : undefined}>
      <a href={`#/c/${encodeURIComponent(line.name)}`} aria-current={current ? "page" : undefined}>
        <span class="line-question">{shortened(line.question || line.name, 90)}</span>
        <span class="line-about">
          {line.live ? <span class="badge live-badge">live</span> : <span class={`state ${line.status}`}>{line.status === "talk" ? "conversation" : line.status}</span>}
          {line.answer !== null && <strong>{shortened(line.answer, 24)}</strong>}
          <span>{counted(line.messages, "message")}</span>
          {line.forked_from !== null && <span>replay, {counted(line.forked_from.edits, "change")}</span>}
        </span>
      </a>
    </li>
  );
}

function Pinned() {
  if (pins.value.length === 0) return null;
  return (
    <section aria-labelledby="pinned-title" class="pinned">
      <h2 id="pinned-title">Pinned</h2>
      <ul>
        {pins.value.map((pin) => (
          <li key={`${pin.channel} ${pin.id}`}>
            <button type="button" class="pin-open" onClick={() => go({ view: "channel", name: pin.channel, message: pin.id })}>
              <span>{shortened(pin.note || pin.id.slice(0, 10), 60)}</span>
              <small>{pin.channel}</small>
            </button>
            <button type="button" class="icon-button" aria-label={`Take the pin off: ${pin.note}`} onClick={() => void togglePin(pin)}>
              <Icon d={ICONS.close} />
            </button>
          </li>
        ))}
      </ul>
    </section>
  );
}
