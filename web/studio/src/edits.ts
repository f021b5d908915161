/** What is to be different in a replay: at most one edit of each thing, in words that people read. */

import type { Edit } from "./api";
import type { Message } from "./message";

/** Edits with one more; it takes the place of an earlier one of the same thing. */
export function withEdit(edits: readonly Edit[], edit: Edit): readonly Edit[] {
  return [...edits.filter((e) => subject(e) !== subject(edit)), edit];
}

export function withoutEdit(edits: readonly Edit[], edit: Edit): readonly Edit[] {
  return edits.filter((e) => subject(e) !== subject(edit));
}

/** What an edit is of: a message (edited or dropped), the rule, or a peer (its model, or whether it is there). */
export function subject(edit: Edit): string {
  switch (edit.do) {
    case "replace":
    case "drop":
      return `message ${edit.id}`;
    case "rule":
      return "rule";
    case "model":
    case "peer":
      return `peer ${edit.peer}`;
  }
}

/** An edit in words: `Drop ben's message 12`. Messages that are not here are named by their id's beginning. */
export function described(edit: Edit, find: (id: string) => Message | undefined): string {
  switch (edit.do) {
    case "replace":
      return `Let ${spoken(find(edit.id), edit.id)} say “${short(edit.text)}”`;
    case "drop":
      return `Drop ${spoken(find(edit.id), edit.id)}`;
    case "rule":
      return `Decide by ${edit.rule}`;
    case "model":
      return `Let ${edit.peer} think with ${edit.model}`;
    case "peer":
      return `Without ${edit.peer}`;
  }
}

function spoken(message: Message | undefined, id: string): string {
  return message === undefined ? `message ${id.slice(0, 8)}` : `${message.name}’s message ${message.n + 1}`;
}

function short(text: string): string {
  const line = text.replace(/\s+/g, " ").trim();
  return line.length > 60 ? `${line.slice(0, 59)}…` : line;
}
