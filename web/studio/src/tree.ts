/** Channels in the order in which they are listed: as the server has them, newest first, replays right under what they are replays of. */

import type { ChannelLine } from "./api";

export interface Branch {
  readonly line: ChannelLine;
  /** How many replays it is away from a channel that is none. */
  readonly depth: number;
}

export function ordered(lines: readonly ChannelLine[]): readonly Branch[] {
  const names = new Set(lines.map((l) => l.name));
  const forks = new Map<string, ChannelLine[]>();
  const roots: ChannelLine[] = [];
  for (const line of lines) {
    const from = line.forked_from?.channel;
    if (from === undefined || !names.has(from) || from === line.name) roots.push(line);
    else forks.set(from, [...(forks.get(from) ?? []), line]);
  }
  const listed: Branch[] = [];
  const seen = new Set<string>();
  const list = (line: ChannelLine, depth: number): void => {
    if (seen.has(line.name)) return;
    seen.add(line.name);
    listed.push({ line, depth });
    for (const fork of forks.get(line.name) ?? []) list(fork, depth + 1);
  };
  for (const root of roots) list(root, 0);
  for (const line of lines) list(line, 0); // replays that name each other in a circle
  return listed;
}
