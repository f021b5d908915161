/** What is to be different, and the replay of it. */

import { useState } from "preact/hooks";
import type { Trouble } from "../api";
import { described } from "../edits";
import { addEdit, at, edits, intervening, options, removeEdit, replay, story } from "../state";
import type { Story } from "../story";
import { ICONS, Icon, Troubled } from "./parts";

export function Intervene() {
  const of = story.value;
  if (of === null || !intervening.value) return null;
  return (
    <section class="intervene" aria-labelledby="intervene-title">
      <header>
        <h2 id="intervene-title">Intervene and replay</h2>
        <button type="button" class="icon-button" aria-label="Close intervene and replay" onClick={() => (intervening.value = false)}>
          <Icon d={ICONS.close} />
        </button>
      </header>
      <p class="soft small">What you change happens in a new channel. This one stays as it is.</p>
      <EditList of={of} />
      <Swaps of={of} />
      <Start of={of} />
    </section>
  );
}

function EditList({ of }: { readonly of: Story }) {
  if (edits.value.length === 0) {
    return <p class="hint">Open a message to edit or drop it, or swap something here.</p>;
  }
  const find = (id: string) => of.messages[of.position.get(id) ?? -1];
  return (
    <ul class="edits">
      {edits.value.map((edit) => {
        const words = described(edit, find);
        return (
          <li key={words}>
            <span>{words}</span>
            <button type="button" class="icon-button" aria-label={`Take back: ${words}`} onClick={() => removeEdit(edit)}>
              <Icon d={ICONS.close} />
            </button>
          </li>
        );
      })}
    </ul>
  );
}

function Swaps({ of }: { readonly of: Story }) {
  const members = of.channel.members;
  const [peer, setPeer] = useState("");
  const [model, setModel] = useState("");
  const { rules, models } = options.value;
  const chosen = members.some((m) => m.name === peer) ? peer : "";
  return (
    <div class="swaps">
      <label>
        Decide by another rule
        <select
          value=""
          onChange={(event) => {
            if (event.currentTarget.value !== "") addEdit({ do: "rule", rule: event.currentTarget.value });
            event.currentTarget.value = "";
          }}
        >
          <option value="">{of.channel.opening.rule || "as it was"}</option>
          {rules
            .filter((rule) => rule !== of.channel.opening.rule)
            .map((rule) => (
              <option key={rule}>{rule}</option>
            ))}
        </select>
      </label>
      <label>
        Peer
        <select value={chosen} onChange={(event) => setPeer(event.currentTarget.value)}>
          <option value="">choose one</option>
          {members.map((m) => (
            <option key={m.id}>{m.name}</option>
          ))}
        </select>
      </label>
      <label>
        Its model instead
        <input type="text" list="models" placeholder="embedded:…" value={model} onInput={(event) => setModel(event.currentTarget.value)} />
        <datalist id="models">
          {models.map((m) => (
            <option key={m} value={m} />
          ))}
        </datalist>
      </label>
      <div class="actions">
        <button type="button" disabled={chosen === "" || model.trim() === ""} onClick={() => addEdit({ do: "model", peer: chosen, model: model.trim() })}>
          Swap its model
        </button>
        <button type="button" disabled={chosen === ""} onClick={() => addEdit({ do: "peer", peer: chosen, off: true })}>
          Leave it out
        </button>
      </div>
    </div>
  );
}

function Start({ of }: { readonly of: Story }) {
  const [live, setLive] = useState<"never" | "needed">("needed");
  const [here, setHere] = useState(false);
  const [busy, setBusy] = useState(false);
  const [trouble, setTrouble] = useState<Trouble | null>(null);
  const run = async (event: Event): Promise<void> => {
    event.preventDefault();
    setBusy(true);
    setTrouble(await replay({ at: here ? (of.messages[at.value]?.id ?? null) : null, edits: edits.value, live }));
    setBusy(false);
  };
  return (
    <form onSubmit={(event) => void run(event)}>
      <fieldset>
        <legend>Where a recorded answer does not fit any more</legend>
        <label class="radio">
          <input type="radio" name="live" checked={live === "needed"} onChange={() => setLive("needed")} /> ask the models again
        </label>
        <label class="radio">
          <input type="radio" name="live" checked={live === "never"} onChange={() => setLive("never")} /> ask nobody, and stop there: nothing is spent
        </label>
      </fieldset>
      <label class="radio">
        <input type="checkbox" checked={here} onChange={(event) => setHere(event.currentTarget.checked)} /> From the moment shown (message {at.value + 1}), not from the
        first change
      </label>
      {trouble !== null && <Troubled trouble={trouble} />}
      <button type="submit" class="primary" disabled={busy || (edits.value.length === 0 && !here)}>
        {busy ? "Starting…" : "Replay"}
      </button>
    </form>
  );
}
