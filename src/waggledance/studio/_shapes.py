"""What the studio's server sends: the structs behind its JSON, by the names in ``web/studio/src/api.ts``.

Ids and authors are lower-case hex. Times are milliseconds. Numbers that end in ``_ppm`` are parts per million.
"""

from __future__ import annotations

from typing import Any, Literal

import msgspec


class Forked(msgspec.Struct, frozen=True):
    """Which channel a replayed one began in, and how much was changed there."""

    channel: str
    edits: int


class ChannelLine(msgspec.Struct, frozen=True, kw_only=True):
    """One channel in a line."""

    name: str
    question: str
    protocol: str
    topology: str
    rule: str
    status: str
    answer: str | None
    messages: int
    asked_ms: int | None
    live: bool
    forked_from: Forked | None


class Channels(msgspec.Struct, frozen=True, kw_only=True):
    """All channels of the log, the newest first."""

    channels: tuple[ChannelLine, ...]
    total: int
    """How many there are; more than are listed when the list was cut."""
    log: str
    """The log's file."""
    broken: str | None
    newer: bool


class OpeningShown(msgspec.Struct, frozen=True, kw_only=True):
    """What was asked, and how it was arranged; empty where a channel has no opening."""

    question: str
    expects: str
    options: tuple[str, ...]
    protocol: str
    topology: str
    rule: str
    seed: int
    asker: str
    certify: str
    """The quorum that is to certify the decision, ``byzantine`` or ``crash``; empty where nobody is asked to."""
    needed: int
    """The weight that makes that quorum, as members' weights are; 0 where nobody is asked to certify."""


class MemberShown(msgspec.Struct, frozen=True):
    """Somebody who sits in the channel."""

    id: str
    name: str
    weight: int


class CostShown(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """What something cost: sent as a list of five numbers, because most messages have one."""

    calls: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    usd_micro: int = 0
    milliseconds: int = 0


FREE = CostShown()

Back = int | str
"""Another message: how many places before this one it stands, or its id where the channel does not hold it."""


class VerdictShown(msgspec.Struct, frozen=True, gc=False):
    """One judgement of proposals."""

    subjects: tuple[Back, ...]
    scores: tuple[int, ...]
    reason: str


class Author(msgspec.Struct, frozen=True, gc=False):
    """Who wrote a message."""

    id: str
    name: str


class Msg(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """A message as it is sent: what is empty is left out, and other messages are named by where they stand."""

    id: str
    n: int
    """Its place in the channel, from 0."""
    author: Author | int
    """Who wrote it; after an author's first message, the place of that."""
    kind: str
    round: int | None = None
    wall_ms: int
    parents: tuple[Back, ...] = ()
    refs: tuple[Back, ...] = ()
    key: str | None = None
    text: str = ""
    cut: bool = False
    confidence_ppm: int | None = None
    lapse: str = ""
    cost: CostShown = FREE
    verdicts: tuple[VerdictShown, ...] | None = None
    signs: str | None = None
    """Of a vote to certify: the beginning of the decision's hash."""
    decided_in: str = ""
    """Of a swarm's turn in a conversation: the channel in which it came to these words."""


class ExchangeShown(msgspec.Struct, frozen=True, kw_only=True):
    """One call of a model or a tool that went into a message."""

    skill: str
    round: int
    kind: Literal["model", "tool"]
    of: str
    asked: str
    answered: str
    failure: str
    milliseconds: int


class WholeMessage(msgspec.Struct, frozen=True, kw_only=True):
    """What a message holds besides what stands in its channel: its whole text, and what went into it."""

    id: str
    kind: str
    text: str
    body: Any
    exchanges: tuple[ExchangeShown, ...]
    raw_bytes: int
    signed: bool


class LimitsShown(msgspec.Struct, frozen=True, kw_only=True):
    """What a run may cost at most."""

    tokens: int | None
    calls: int | None
    messages: int | None
    seconds: float | None
    usd_micro: int | None


class BudgetShown(msgspec.Struct, frozen=True):
    """Limits, where they are known; what was spent stands in the messages."""

    limits: LimitsShown | None


class Support(msgspec.Struct, frozen=True):
    """One answer and who stands behind it."""

    key: str
    weight_ppm: int
    share_ppm: int
    peers: tuple[str, ...]


class DissentShown(msgspec.Struct, frozen=True):
    """A peer that ended with another answer, or with none."""

    name: str
    key: str | None
    text: str


class DecisionShown(msgspec.Struct, frozen=True, kw_only=True):
    """What was decided."""

    status: str
    key: str | None
    answer: str | None
    text: str
    """The winning answer in its author's words."""
    confidence_ppm: int | None
    support: tuple[Support, ...]
    dissent: tuple[DissentShown, ...]
    notes: tuple[str, ...]
    silent: tuple[str, ...]
    cost: CostShown
    seconds: float
    used: tuple[Back, ...]
    """The messages that it rests on: their places, from 0."""


class PlanTask(msgspec.Struct, frozen=True, kw_only=True):
    """A task and where it stands."""

    id: str
    goal: str
    kind: str
    state: str
    by: str | None
    needs: tuple[str, ...]
    """Ids of the tasks that it waits for."""
    parent: str | None
    result: str | None
    began_ms: int | None
    ended_ms: int | None


class PlanShown(msgspec.Struct, frozen=True):
    """A plan's tasks."""

    tasks: tuple[PlanTask, ...]


class Hearing(msgspec.Struct, frozen=True, kw_only=True):
    """Who hears whom by the topology, before anybody has spoken."""

    everyone: bool
    """Whether everybody hears everybody: `of` is then empty."""
    of: dict[str, tuple[str, ...]]
    """By listener, whom it hears."""


class ChannelShown(msgspec.Struct, frozen=True, kw_only=True):
    """A channel: all of it, or a page of its messages."""

    name: str
    swarm: str
    version: str
    talk: bool
    """Whether people and peers only talk here, as in a room or a swarm's lobby: nothing is to be decided."""
    opening: OpeningShown
    members: tuple[MemberShown, ...]
    messages: tuple[Msg, ...]
    total: int
    """How many messages the channel has."""
    next: int | None
    """The `n` that the next page begins with; null on the last."""
    hearing: Hearing | None
    decision: DecisionShown | None
    """Worked out of all messages: of a long channel it comes with the last page."""
    budget: BudgetShown
    plan: PlanShown | None
    """Likewise."""
    live: bool
    newer: bool
    broken: str | None


class Hit(msgspec.Struct, frozen=True):
    """A message that a search has found."""

    channel: str
    id: str
    name: str
    kind: str
    round: int | None
    """Of an answer."""
    snippet: str


class Hits(msgspec.Struct, frozen=True):
    """What a search has found."""

    hits: tuple[Hit, ...]
    more: bool
    """Whether it stopped before the end: at its limit of hits or of time."""


class MeshMember(msgspec.Struct, frozen=True):
    """A member of a swarm as one peer sees it."""

    name: str
    weight: int
    state: str
    """``alive``, ``suspect``, ``dead`` or ``left``."""
    rtt_ms: float | None


class MeshSwarm(msgspec.Struct, frozen=True, kw_only=True):
    """How one peer of this machine sees its swarm."""

    name: str
    peer: str
    runs: bool
    age_ms: int | None
    members: tuple[MeshMember, ...]
    refused: dict[str, int]
    channels: int
    alarms: tuple[str, ...]


class MeshShown(msgspec.Struct, frozen=True):
    """The swarms that peers of this machine belong to."""

    swarms: tuple[MeshSwarm, ...]


class Options(msgspec.Struct, frozen=True):
    """What a replay can be given."""

    rules: tuple[str, ...]
    models: tuple[str, ...]


class ToRead(msgspec.Struct, frozen=True):
    """Words that somebody could say in a channel."""

    text: str


class Reading(msgspec.Struct, frozen=True):
    """The answer that words count as."""

    key: str | None
    lapse: str
    """Why they count as none."""


class WordsShown(msgspec.Struct, frozen=True):
    """Words being said."""

    name: str
    number: int
    text: str


class Pin(msgspec.Struct, frozen=True):
    """A message that somebody wants to find again, and why."""

    channel: str
    id: str
    note: str = ""


class Pins(msgspec.Struct, frozen=True):
    """All pins of a log."""

    pins: tuple[Pin, ...]


class Begun(msgspec.Struct, frozen=True):
    """The channel that a replay is writing."""

    channel: str


class Trouble(msgspec.Struct, frozen=True, rename={"do_": "do"}):
    """What happened, why, and what to do about it."""

    what: str
    why: str
    do_: str


class Refused(msgspec.Struct, frozen=True):
    """The body of every answer that is no success."""

    error: Trouble
