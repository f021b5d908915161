/** What was asked of a model or tool and what came back, out of the JSON that an exchange keeps. */

import type { Exchange, Json } from "./api";

export interface Turn {
  readonly role: string;
  readonly text: string;
}

/** The turns of a model's request; of anything else one turn with all of it. */
export function turnsOf(exchange: Exchange): readonly Turn[] {
  const asked = parsed(exchange.asked);
  const turns = field(asked, "turns");
  if (exchange.kind === "model" && Array.isArray(turns)) {
    return turns.map((turn: Json) => ({ role: words(field(turn, "role")), text: words(field(turn, "text")) }));
  }
  return [{ role: exchange.kind === "tool" ? "arguments" : "asked", text: pretty(asked, exchange.asked) }];
}

/** The text of a model's completion with the calls it asks for; of a tool its result. */
export function answerOf(exchange: Exchange): string {
  const answered = parsed(exchange.answered);
  const text = field(answered, "text");
  if (exchange.kind !== "model" || typeof text !== "string") return pretty(answered, exchange.answered);
  const calls = field(answered, "calls");
  const wished = Array.isArray(calls)
    ? calls.map((call: Json) => `→ ${words(field(call, "name"))}(${words(field(call, "arguments"))})`)
    : [];
  return [text, ...wished].filter((part) => part !== "").join("\n");
}

function parsed(text: string): Json {
  try {
    return JSON.parse(text) as Json;
  } catch {
    return text;
  }
}

function field(value: Json, name: string): Json {
  if (value === null || typeof value !== "object" || Array.isArray(value)) return null;
  return (value as { readonly [name: string]: Json })[name] ?? null;
}

function words(value: Json): string {
  return typeof value === "string" ? value : value === null ? "" : JSON.stringify(value);
}

function pretty(value: Json, text: string): string {
  return typeof value === "object" && value !== null ? JSON.stringify(value, null, 2) : text;
}
