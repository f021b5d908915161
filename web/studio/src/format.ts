/** How people read times, shares and kinds. */

export function percent(ppm: number): string {
  return `${Math.round(ppm / 10_000)} %`;
}

/** A weight in parts per million as votes, such as `2.67`. A quorum's is rounded up: what is needed is never told short. */
export function votes(ppm: number): string {
  return (Math.ceil(ppm / 10_000) / 100).toLocaleString("en", { maximumFractionDigits: 2 });
}

/** Milliseconds since the beginning as `0:04.2`, `12:30`, `1:02:03`. */
export function elapsed(milliseconds: number): string {
  const seconds = milliseconds / 1000;
  const [h, m, s] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60];
  const two = (value: number): string => String(Math.floor(value)).padStart(2, "0");
  if (h > 0) return `${h}:${two(m)}:${two(s)}`;
  return m >= 10 ? `${m}:${two(s)}` : `${m}:${two(s)}.${Math.floor((s % 1) * 10)}`;
}

/** The time of day where this page is shown, such as `10:23`. */
export function clock(wall_ms: number): string {
  return new Date(wall_ms).toLocaleTimeString("en-GB", { timeStyle: "short" });
}

export function day(wall_ms: number): string {
  return new Date(wall_ms).toLocaleString("en-GB", { dateStyle: "medium", timeStyle: "short" });
}

/** `proposal/1` as `answer`, and so on: what a message is in a word. */
export function kindWord(kind: string): string {
  const name = kind.split("/")[0] ?? kind;
  return WORDS[name] ?? name;
}

const WORDS: Readonly<Record<string, string>> = {
  opening: "question",
  proposal: "answer",
  judgement: "judgement",
  outcome: "decision",
  cut: "what counts",
  roster: "members",
  fork: "replay of another channel",
  "plan-edit": "plan",
  "plan-seal": "plan agreed",
  "plan-seal-backing": "backs what is agreed",
  "question-part": "more of the question",
  "agent-status": "what it is at",
  commitment: "sealed answer",
  reveal: "opens its seal",
  "task-outcome": "how a task went",
  seal: "closes its part",
  claim: "proposes to certify",
  prep: "worked it out alike",
  ack: "signs",
  say: "says",
  join: "asks to come in",
  capability: "what it can do",
  feedback: "how an answer was",
};

/** What a message says by being there, of kinds that have no words of their own. */
export function wordless(kind: string): string | null {
  return UNSAID[kind.split("/")[0] ?? kind] ?? null;
}

const UNSAID: Readonly<Record<string, string>> = {
  cut: "names the messages that the decision rests on",
  commitment: "has an answer, which nobody can read yet",
  reveal: "its answer can be read from here on",
};

export function shortened(text: string, characters: number): string {
  const line = text.replace(/\s+/g, " ").trim();
  return line.length > characters ? `${line.slice(0, characters - 1)}…` : line;
}

/** A text cut where some words stand in it, in whatever case: what is before, the words, what is between, and so on. */
export function found(text: string, words: string): readonly string[] {
  if (words === "") return [text];
  const parts: string[] = [];
  const [low, wanted] = [text.toLowerCase(), words.toLowerCase()];
  let from = 0;
  for (let at = low.indexOf(wanted); at >= 0 && low.length === text.length; at = low.indexOf(wanted, from)) {
    parts.push(text.slice(from, at), text.slice(at, at + wanted.length));
    from = at + wanted.length;
  }
  return [...parts, text.slice(from)];
}

export function counted(count: number, one: string, many = `${one}s`): string {
  return `${count.toLocaleString("en")} ${count === 1 ? one : many}`;
}
