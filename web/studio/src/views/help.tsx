/** The keys. */

import { useEffect, useRef } from "preact/hooks";
import { helpOpen } from "../state";
import { ICONS, Icon } from "./parts";

export const KEYS: readonly (readonly [string, string])[] = [
  ["← →", "one message back, one on (with Shift ten)"],
  ["Home End", "first and last message"],
  ["Space", "play and pause"],
  ["O", "open the message of this moment"],
  ["I", "intervene and replay"],
  ["/", "search"],
  ["T", "dark or light"],
  ["Esc", "close what is open"],
  ["?", "these keys"],
];

export function Help() {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    const element = dialog.current;
    if (element === null) return;
    if (helpOpen.value && !element.open) element.showModal();
    if (!helpOpen.value && element.open) element.close();
  }, [helpOpen.value]);
  return (
    <dialog ref={dialog} class="help" aria-labelledby="help-title" onClose={() => (helpOpen.value = false)}>
      <header>
        <h2 id="help-title">Keys</h2>
        <button type="button" class="icon-button" aria-label="Close help" onClick={() => (helpOpen.value = false)}>
          <Icon d={ICONS.close} />
        </button>
      </header>
      <dl>
        {KEYS.map(([keys, does]) => (
          <div key={keys}>
            <dt>
              {keys.split(" ").map((key) => (
                <kbd key={key}>{key}</kbd>
              ))}
            </dt>
            <dd>{does}</dd>
          </div>
        ))}
      </dl>
      <p class="soft small">
        Each answer has a colour and a shape. A bar under an answer says how sure the peer was; a corner mark, that it changed its mind. On the timeline a
        pentagon is the question or the decision, and a ring is what is neither of them nor an answer. Honey lines lead to what a message was made from, dashed ones to what
        was made from it. Drag the timeline to travel; Ctrl with the wheel zooms.
      </p>
    </dialog>
  );
}
