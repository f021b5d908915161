/** Search in what was said, in all channels. */

import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import type { Hit, Hits, Trouble } from "../api";
import { door, troubleOf } from "../door";
import { found, kindWord, shortened } from "../format";
import { channels, go, searchOpen } from "../state";
import { ICONS, Icon, Troubled } from "./parts";

const PAUSE_MS = 180;

export function Search() {
  const dialog = useRef<HTMLDialogElement>(null);
  useLayoutEffect(() => { // not an effect after the next paint: words typed at once would be lost
    const element = dialog.current;
    if (element === null) return;
    if (searchOpen.value && !element.open) element.showModal();
    if (!searchOpen.value && element.open) element.close();
  }, [searchOpen.value]);
  return (
    <dialog ref={dialog} class="search" aria-label="Search" onClose={() => (searchOpen.value = false)}>
      {searchOpen.value && <Form />}
    </dialog>
  );
}

function Form() {
  const [wanted, setWanted] = useState("");
  const [answer, trouble] = useHits(wanted);
  const hits = answer?.hits ?? null;
  const asked = new Map((channels.value ?? []).map((line) => [line.name, line.question]));
  const list = useRef<HTMLUListElement>(null);
  const field = useRef<HTMLInputElement>(null);
  const open = (hit: Hit): void => {
    searchOpen.value = false;
    go({ view: "channel", name: hit.channel, message: hit.id });
  };
  const pressed = (event: KeyboardEvent): void => {
    if (event.key === "Escape") {
      event.preventDefault(); // which would only empty the field
      searchOpen.value = false;
    }
    if (event.key !== "ArrowDown" && event.key !== "ArrowUp") return;
    const buttons = [...(list.current?.querySelectorAll("button") ?? [])];
    const now = buttons.findIndex((b) => b === document.activeElement);
    const next = now + (event.key === "ArrowDown" ? 1 : -1);
    event.preventDefault();
    if (next < 0) field.current?.focus();
    else buttons[Math.min(next, buttons.length - 1)]?.focus();
  };
  return (
    <div onKeyDown={pressed}>
      <div class="search-field">
        <Icon d={ICONS.search} />
        <input ref={field} type="search" aria-label="Search in all messages" placeholder="Search in all messages" value={wanted} onInput={(event) => setWanted(event.currentTarget.value)} />
        <button type="button" class="icon-button" aria-label="Close search" onClick={() => (searchOpen.value = false)}>
          <Icon d={ICONS.close} />
        </button>
      </div>
      {trouble !== null && <Troubled trouble={trouble} />}
      {wanted.trim() === "" && <p class="hint">Words of a message, an answer, a name.</p>}
      <p class="unseen" role="status">
        {hits === null ? "" : `${hits.length} found${answer?.more === true ? ", and there are more" : ""}`}
      </p>
      {hits?.length === 0 && wanted.trim() !== "" && <p class="hint">Nothing was said with “{shortened(wanted, 40)}”. Try fewer or other words.</p>}
      <ul ref={list} class="hits">
        {(hits ?? []).map((hit) => (
          <li key={`${hit.channel} ${hit.id}`}>
            <button type="button" onClick={() => open(hit)}>
              <span class="row-head">
                <strong>{hit.name}</strong>
                <span class="kind">
                  {kindWord(hit.kind)}
                  {hit.round !== null && ` · round ${hit.round + 1}`}
                </span>
                <span class="hit-in" title={hit.channel}>{shortened(asked.get(hit.channel) || hit.channel, 60)}</span>
              </span>
              <span class="row-said">
                {found(shortened(hit.snippet, 160), wanted.trim()).map((part, i) => (i % 2 === 1 ? <mark key={i}>{part}</mark> : part))}
              </span>
            </button>
          </li>
        ))}
      </ul>
      {answer?.more === true && <p class="hint">These are the newest. More words find older ones.</p>}
    </div>
  );
}

function useHits(wanted: string): readonly [Hits | null, Trouble | null] {
  const [state, setFound] = useState<{ hits: Hits | null; trouble: Trouble | null }>({ hits: null, trouble: null });
  useEffect(() => {
    const words = wanted.trim();
    if (words === "") {
      setFound({ hits: null, trouble: null });
      return;
    }
    const control = new AbortController();
    const timer = setTimeout(() => {
      door.search(words, control.signal).then(
        (hits) => setFound({ hits, trouble: null }),
        (error: unknown) => {
          if (!control.signal.aborted) setFound({ hits: null, trouble: troubleOf(error) });
        },
      );
    }, PAUSE_MS);
    return () => {
      clearTimeout(timer);
      control.abort();
    };
  }, [wanted]);
  return [state.hits, state.trouble];
}
