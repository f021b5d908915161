/** The way to the server: typed answers, and troubles that say what, why and what to do. */

import type { ChannelPage, Channels, Hits, Mesh, Options, Pin, Pins, Reading, Refused, Replaying, ReplayOrder, ToRead, Trouble, WholeMessage } from "./api";
import { type Channel, type Message, unpacked } from "./message";

export class Failed extends Error {
  readonly trouble: Trouble;
  /** The HTTP status; 0 where the server was not reached. */
  readonly status: number;

  constructor(trouble: Trouble, status: number) {
    super(`${trouble.what} ${trouble.why}`);
    this.trouble = trouble;
    this.status = status;
  }
}

export function troubleOf(error: unknown): Trouble {
  if (error instanceof Failed) return error.trouble;
  const why = error instanceof Error ? error.message : String(error);
  return { what: "The page stumbled.", why, do: "Load it again; if it stays so, please report it." };
}

const path = (...parts: readonly string[]): string => `api/${parts.map(encodeURIComponent).join("/")}`;

export const livePath = (channel: string, after: number): string => `${path("channels", channel, "live")}?after=${after}`;

export const door = {
  channels: () => get<Channels>(path("channels")),
  channel: (name: string) => channelPages(name, { begun: () => undefined, came: () => undefined }, LONG_TEXTS),
  message: (channel: string, id: string) => get<WholeMessage>(path("messages", channel, id)),
  options: () => get<Options>(path("options")),
  mesh: () => get<Mesh>(path("mesh")),
  pins: () => get<Pins>(path("pins")),
  search: (q: string, signal: AbortSignal) => get<Hits>(`api/search?${new URLSearchParams({ q }).toString()}`, signal),
  pin: (pin: Pin) => send<Pins>("POST", path("pins"), pin),
  unpin: ({ channel, id }: Pin) => send<Pins>("DELETE", `api/pins?${new URLSearchParams({ channel, id }).toString()}`),
  replay: (channel: string, order: ReplayOrder) => send<Replaying>("POST", path("channels", channel, "replay"), order),
  reading: (channel: string, text: string) => send<Reading>("POST", path("channels", channel, "reading"), { text }),
};

/** A first page is shown at once; the others are as large as can be read without the page standing still. */
const FIRST = 300;
const OTHERS = 2500;
/** Pages of no more messages than this have texts of up to 2,000 characters: what is compared has to be long. */
const LONG_TEXTS = 2000;

export interface Arriving {
  /** Called with the first page, where there are more. */
  begun(channel: Channel): void;
  /** Called with how many messages are here, page by page. */
  came(messages: number): void;
}

/** A channel with all its pages. */
export async function channelPages(name: string, arriving: Arriving, others = OTHERS): Promise<Channel> {
  const from = path("channels", name);
  const messages: Message[] = [];
  for (let next: number | null = 0; ; ) {
    const page: ChannelPage = await get<ChannelPage>(`${from}?from=${next}&limit=${next === 0 ? FIRST : others}`);
    for (const message of unpacked(messages, page.messages)) messages.push(message);
    const channel = { ...page, messages, coming: page.next !== null };
    arriving.came(messages.length);
    if (page.next === null) return channel;
    if (next === 0) arriving.begun({ ...channel, messages: [...messages] });
    next = page.next;
  }
}

/** A channel that was begun a moment ago may not be in the log yet: look for it for up to three seconds. */
export async function channelSoon(name: string, arriving: Arriving, tries = 10): Promise<Channel> {
  try {
    return await channelPages(name, arriving);
  } catch (error) {
    if (!(error instanceof Failed) || error.status !== 404 || tries <= 1) throw error;
    await new Promise((resume) => setTimeout(resume, 300));
    return channelSoon(name, arriving, tries - 1);
  }
}

const get = <T>(from: string, signal?: AbortSignal): Promise<T> => ask<T>(from, signal === undefined ? {} : { signal });

function send<T>(method: "POST" | "DELETE", to: string, body?: Pin | ReplayOrder | ToRead): Promise<T> {
  if (body === undefined) return ask<T>(to, { method });
  return ask<T>(to, { method, body: JSON.stringify(body), headers: { "content-type": "application/json" } });
}

async function ask<T>(from: string, how: RequestInit): Promise<T> {
  let answer: Response;
  try {
    answer = await fetch(from, { ...how, credentials: "same-origin" });
  } catch (error) {
    if (error instanceof DOMException && error.name === "AbortError") throw error;
    throw new Failed(
      { what: "The studio does not answer.", why: "Its process has ended, or the way to it is cut.", do: "Start `waggle studio` again; this page goes on by itself." },
      0,
    );
  }
  const text = await answer.text();
  if (answer.ok) return JSON.parse(text) as T;
  throw new Failed(refusal(text) ?? { what: `The studio said ${answer.status}.`, why: text.slice(0, 300) || "It gave no reason.", do: "Load the page again." }, answer.status);
}

function refusal(text: string): Trouble | null {
  try {
    const found = JSON.parse(text) as Partial<Refused>;
    return found.error ?? null;
  } catch {
    return null;
  }
}
