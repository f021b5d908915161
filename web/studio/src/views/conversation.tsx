/** A conversation of people and swarms: every turn up to the moment, whole, with who said it and when. */

import { useLayoutEffect, useRef, useState } from "preact/hooks";
import { clock, counted, kindWord } from "../format";
import type { Message } from "../message";
import { openMessage, opened, story } from "../state";
import { shownAt } from "../turns";
import { Card, Empty } from "./parts";

/** So many are shown at first, the newest. */
const SHOWN = 200;

export function Conversation() {
  const of = story.value;
  const box = useRef<HTMLOListElement>(null);
  const [all, setAll] = useState(false);
  const now = shownAt.messages.value;
  useLayoutEffect(() => {
    if (box.current !== null) box.current.scrollTop = box.current.scrollHeight;
  }, [now, of]);
  if (of === null) return null;
  const said = of.messages.slice(1, now + 1); // the first opens the room
  const from = all ? 0 : Math.max(0, said.length - SHOWN);
  return (
    <Card title="Conversation" name="conversation" aside={<span class="soft">{counted(said.filter(isTurn).length, "turn")}</span>}>
      {from > 0 && (
        <button type="button" class="quiet" onClick={() => setAll(true)}>
          Show {from} earlier
        </button>
      )}
      {said.length === 0 ? (
        <Empty title="Nothing was said yet at this moment." children={<p>Go on with → or play.</p>} />
      ) : (
        <ol class="conversation" ref={box} tabIndex={0} aria-label="Turns up to this moment">
          {said.slice(from).map((message) => (
            <li key={message.id}>{isTurn(message) ? <Turn message={message} /> : <Aside message={message} />}</li>
          ))}
        </ol>
      )}
    </Card>
  );
}

export function isTurn(message: Message): boolean {
  return message.kind.startsWith("say/");
}

function Turn({ message }: { readonly message: Message }) {
  return (
    <div class={message.decided_in === "" ? "turn-said" : "turn-said of-swarm"}>
      <p class="turn-head">
        <button type="button" class="link" aria-expanded={opened.value === message.id} onClick={() => openMessage(message.id)}>
          <strong>{message.name}</strong> <span class="soft">{clock(message.wall_ms)}</span>
        </button>
        {message.decided_in !== "" && (
          <a class="small" href={`#/c/${encodeURIComponent(message.decided_in)}`}>
            how it came to that
          </a>
        )}
      </p>
      <p class="turn-text" dir="auto">
        {message.text}
        {message.cut && "…"}
      </p>
    </div>
  );
}

/** What is no turn: who came in, and the like. */
function Aside({ message }: { readonly message: Message }) {
  const words = message.kind.startsWith("roster/") ? `${message.text} came in` : `${message.name}: ${kindWord(message.kind)} ${message.text}`;
  return <p class="turn-aside soft small">{words}</p>;
}
