/** What the page knows and shows, as signals; and what changes it. */

import { batch, computed, signal } from "@preact/signals";
import type { Channels, Edit, MeshSwarm, Options, Pin, ReplayOrder, Trouble } from "./api";
import { Failed, channelSoon, door, troubleOf } from "./door";
import { withEdit, withoutEdit } from "./edits";
import { type Following, follow, speaking } from "./live";
import { type Moment, type Step, begin, travel } from "./moment";
import { type Route, hashOf, routeOf } from "./route";
import { Story } from "./story";

export const route = signal<Route>(routeOf(location.hash));
export const log = signal<Channels | null>(null);
export const channels = computed(() => log.value?.channels ?? null);
export const trouble = signal<Trouble | null>(null);
export const story = signal<Story | null>(null);
/** How many messages of the channel are here, while others are coming. */
export const arrived = signal(0);
export const moment = signal<Moment>(begin(-1));
export const connected = signal(true);
export const pins = signal<readonly Pin[]>([]);
export const options = signal<Options>({ rules: [], models: [] });
export const swarms = signal<readonly MeshSwarm[]>([]);
/** The lane of the peer that is looked at; null for all. */
export const chosen = signal<number | null>(null);
export const edits = signal<readonly Edit[]>([]);
export const intervening = signal(false);
export const listOpen = signal(false);
export const helpOpen = signal(false);
export const searchOpen = signal(false);

export const at = computed(() => moment.value.at);
export const opened = computed(() => (route.value.view === "channel" ? route.value.message : null));
export const line = computed(() => channels.value?.find((c) => c.name === story.value?.channel.name) ?? null);

let following: Following | null = null;
let loading = "";

export function go(to: Route): void {
  const hash = hashOf(to);
  if (location.hash !== hash) location.hash = hash;
  else route.value = to;
}

export function openMessage(id: string | null): void {
  const here = route.value;
  if (here.view === "channel") go({ ...here, message: id });
}

export function step(by: Step): void {
  moment.value = travel(moment.value, by);
}

export function addEdit(edit: Edit): void {
  edits.value = withEdit(edits.value, edit);
  intervening.value = true;
}

export function removeEdit(edit: Edit): void {
  edits.value = withoutEdit(edits.value, edit);
}

/** Load what the address names, when it changed. */
export async function arrive(): Promise<void> {
  const here = routeOf(location.hash);
  route.value = here;
  listOpen.value = false;
  if (here.view !== "channel") {
    loading = "";
    leave();
    story.value = null;
    return;
  }
  if (here.name === loading) return;
  await load(here.name);
}

export async function load(name: string): Promise<void> {
  leave();
  loading = name;
  story.value = null;
  trouble.value = null;
  try {
    const wanted = (): boolean => loading === name;
    const channel = await channelSoon(name, {
      begun: (first) => wanted() && show(new Story(first)),
      came: (messages) => wanted() && (arrived.value = messages),
    });
    if (loading !== name) return;
    show(new Story(channel));
    if (channel.live) following = follow(name, () => story.value, show, finished);
  } catch (error) {
    if (loading === name) trouble.value = troubleOf(error);
  }
}

function leave(): void {
  following?.stop();
  following = null;
  speaking.value = new Map();
  edits.value = [];
  intervening.value = false;
  chosen.value = null;
  moment.value = begin(-1);
}

function show(next: Story): void {
  const first = story.value === null;
  batch(() => {
    story.value = next;
    if (first) moment.value = begin(next.last);
    else step({ do: "grew", last: next.last });
  });
  if (first) {
    const wanted = opened.value === null ? undefined : next.position.get(opened.value);
    if (wanted !== undefined && !next.channel.live) step({ do: "to", at: wanted });
  }
}

async function finished(): Promise<void> {
  following = null;
  speaking.value = new Map();
  const name = loading;
  try {
    const channel = await door.channel(name);
    if (loading === name) show(new Story({ ...channel, live: false }));
    await refresh();
  } catch (error) {
    trouble.value = troubleOf(error);
  }
}

/** Look for new channels. A log that cannot be reached is said once and looked for again. */
export async function refresh(): Promise<void> {
  try {
    const found = await door.channels();
    if (JSON.stringify(found) !== JSON.stringify(log.value)) log.value = found;
    if (!connected.value) {
      connected.value = true;
      trouble.value = null;
    }
  } catch (error) {
    if (error instanceof Failed && error.status === 0) connected.value = false;
    trouble.value = troubleOf(error);
  }
}

export async function refreshMesh(): Promise<void> {
  try {
    swarms.value = (await door.mesh()).swarms;
  } catch {
    swarms.value = []; // refresh() says when the server is gone
  }
}

export async function start(): Promise<void> {
  const soon = Promise.all([refresh(), arrive()]);
  const quietly = [door.pins().then((p) => (pins.value = p.pins)), door.options().then((o) => (options.value = o))];
  await soon;
  await Promise.allSettled([...quietly, refreshMesh()]);
}

export async function togglePin(pin: Pin): Promise<void> {
  const there = pins.value.some((p) => p.channel === pin.channel && p.id === pin.id);
  try {
    pins.value = (await (there ? door.unpin(pin) : door.pin(pin))).pins;
  } catch (error) {
    trouble.value = troubleOf(error);
  }
}

/** Replay with the edits and follow what comes of it; return why it did not begin. */
export async function replay(order: ReplayOrder): Promise<Trouble | null> {
  const from = story.value?.channel.name;
  if (from === undefined) return null;
  try {
    const { channel } = await door.replay(from, order);
    go({ view: "channel", name: channel, message: null });
    await refresh();
    return null;
  } catch (error) {
    return troubleOf(error);
  }
}
