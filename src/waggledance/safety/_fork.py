"""Intervene in a recorded history and see what would have come of it, in a channel of its own.

    fork = await intervene(log, "q1-abc", [Unsay(id)])
    print(fork.decision, fork.calls_live, compare(log.read("q1-abc"), fork))

The new channel begins with a message that names the parent and what was changed; its authors are stand-ins
(`stand_in`), so nothing in it passes for the original. `decide_again` takes it like any other, and so does `intervene`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from waggledance._replay import decide_again
from waggledance.core import (
    UNSEEN,
    Budget,
    Channel,
    Cost,
    Decision,
    Exchange,
    ForkedFrom,
    Log,
    LoopClock,
    Message,
    MessageId,
    Outcome,
    Retold,
    Teller,
    UsageError,
    WaggleError,
    Witness,
    encode,
    fork_of,
    frame,
    local_peer_id,
    members_of,
    open_frame,
    stand_in,
)
from waggledance.safety._compare_histories import Change, Comparison, changes_between
from waggledance.safety._interventions import Interject, Intervention, Reword, Unsay, spelled_intervention
from waggledance.safety._recorded_history import History
from waggledance.safety._recorded_peer import Asked, Live
from waggledance.safety._replay_parts import Peers, Replayed, Told
from waggledance.safety._replay_run import replay

AnyMessage = Message[Any]

DEBUGGER = local_peer_id("debugger")
"""Who opens a fork: nobody who sat in any channel."""
MAX_NAME_CHARS = 120
UNSAID_BYTES = 48 * 1024
"""Of what was unsaid, in a fork's first message; beside it there is room for what was changed."""


class Fork(msgspec.Struct, frozen=True, kw_only=True):
    """A history that was run again with interventions."""

    channel: str
    """The new channel."""
    parent: str
    edits: tuple[Intervention, ...]
    decision: Decision
    """What comes out now, over the new channel's messages."""
    before: Decision | None
    """What came out then; None when the run did not come to its end."""
    messages: tuple[AnyMessage, ...]
    """The new channel's messages, causes first."""
    changed: tuple[Change, ...]
    """Where it differs from the parent, side by side, but for what the asker wrote."""
    asked: tuple[Asked, ...]
    """The live calls that were made, and why each was needed."""
    calls_recorded: int
    """How many calls were answered from the record."""
    spent: Cost
    """What the live calls cost."""
    exact: bool
    """Whether, told in the name of the original, it is the original byte for byte; a mesh's seals and certificates
    left out."""
    notes: tuple[str, ...] = ()
    """What a reader should know: an edit on which nothing rests, for one."""

    @property
    def calls_live(self) -> int:
        """How many calls were made anew."""
        return len(self.asked)

    @property
    def flipped(self) -> bool:
        """Whether another answer came out."""
        return Comparison(self.changed, self.before, self.decision).flipped


async def intervene(
    log: Log,
    channel: str,
    edits: Sequence[Intervention] = (),
    *,
    at: MessageId | None = None,
    live: Live = "needed",
    peers: Peers | None = None,
    seed: int | None = None,
    budget: Budget | None = None,
    into: str = "",
    witness: Witness = UNSEEN,
) -> Fork:
    """Run a channel's question again with interventions, into a new channel of the same log.

    Args:
        log: holds the channel; open for appending, the new channel is written to it as it goes.
        channel: the recorded channel, an original or a fork.
        edits: what is changed; with none it is a re-run, which gives the same decision.
        at: from which message on swapped models and taken-away peers are so, and with ``live="after"`` everybody is
            asked anew; None means from the beginning.
        live: ``"needed"`` asks peers anew where what they were asked has changed; ``"never"`` asks nobody; ``"after"``
            also asks all anew after `at`, whether it has changed or not: the control that shows luck.
        peers: gives the live peer of a name, and with a model's name the peer with that model.
        seed: draws other numbers in live calls than the run's own; None draws the same.
        budget: what the run may cost; of a run that had one, give the same, as no record says it.
        into: the new channel's name; see `fork_name`.
        witness: is told what live peers ask of their models, and their words.

    Raises:
        UnknownName: there is no such channel, peer, rule or protocol.
        UsageError: the channel or an intervention cannot be run again; says why.
        MissingRecord: a live call would be needed, and none may be made; names the first.
    """
    name = into or fork_name(log, channel)
    if name in log:
        raise UsageError(f"there is a channel {name!r} in the log: give the fork another name, or none")

    def keep(message: AnyMessage) -> None:
        log.append(message, encode(message))

    fork = await rerun(
        read_history(log, channel), edits, at=at, live=live, peers=peers, seed=seed, budget=budget, into=name,
        told=None if live == "never" else keep, witness=witness, exchanges=log.exchanges(channel),
    )  # fmt: skip
    if live == "never":  # one that cannot be answered from the record leaves nothing behind
        for message in fork.messages:
            keep(message)
    await log.flush()
    return fork


def read_history(log: Log, channel: str) -> tuple[AnyMessage, ...]:
    """Return a channel's messages, once all kinds that ours has are known."""
    from waggledance.tasks import register_protocols

    register_protocols()
    return log.read(channel)


def fork_name(log: Log, channel: str) -> str:
    """Return a name for the next fork of a channel that no channel of the log has: ``q1-abc~1``, ``q1-abc~2``, …"""
    stem, number = channel[:MAX_NAME_CHARS], 1
    while f"{stem}~{number}" in log:
        number += 1
    return f"{stem}~{number}"


async def rerun(
    messages: Iterable[AnyMessage],
    edits: Sequence[Intervention] = (),
    *,
    at: MessageId | None = None,
    live: Live = "needed",
    peers: Peers | None = None,
    seed: int | None = None,
    budget: Budget | None = None,
    into: str = "",
    told: Told | None = None,
    witness: Witness = UNSEEN,
    exchanges: Iterable[Exchange] = (),
) -> Fork:
    """Do the same as `intervene` with messages at hand, keeping nothing but what it returns.

    Args as of `intervene`, and what a log adds: `told` is called with every message of the fork, `exchanges` are what
    peers asked of their models then.
    """
    source = _Source(tuple(messages))
    name = into or f"{source.name[:MAX_NAME_CHARS]}~1"
    first = source.first(name, edits, at)
    teller = Teller(name, name, (), first)
    for member in source.history.members:
        teller.peers[member.id] = stand_in(name, member.id)
    kept: list[AnyMessage] = []

    def keep(message: AnyMessage) -> None:
        kept.append(message)
        if told is not None:
            told(message)

    def tell(message: AnyMessage) -> None:
        if not kept:
            keep(first)
        if isinstance(message.body, Outcome):
            ended.append(message)
        else:
            keep(teller.tell(message)[0])

    ended: list[AnyMessage] = []
    played = await replay(
        source.history, [source.of_origin(edit) for edit in edits], at=None if at is None else source.retold(at),
        live=live, peers=peers, seed=seed, budget=budget, told=tell, witness=_in_fork(witness, name),
        exchanges=source.exchanges(exchanges),
    )  # fmt: skip
    decision = teller.decision(played.decision)
    for message in ended:
        keep(teller.tell(message, msgspec.structs.replace(message.body, decision=decision.id))[0])
    in_order = tuple(sorted(kept, key=lambda m: (m.lamport, m.id)))
    return source.fork(name, tuple(edits), played, decision, in_order, teller)


def _in_fork(witness: Witness, fork: str) -> Witness:
    """Return who is told of a seat's exchanges and words as of those of its stand-in in a fork."""
    exchange, words = witness.exchange, witness.words
    return Witness(
        exchange=exchange
        and (lambda e: exchange(msgspec.structs.replace(e, channel=fork, author=stand_in(fork, e.author)))),
        words=words and (lambda w: words(msgspec.structs.replace(w, peer=stand_in(fork, w.peer)))),
    )


class _Source:
    """The channel that is run again, as it stands in the log and in the name of its origin."""

    def __init__(self, messages: tuple[AnyMessage, ...]) -> None:
        if not messages:
            raise UsageError("there is nothing to run again: the channel has no messages")
        self.messages, self.name = messages, messages[0].channel
        fork = fork_of(messages)
        self.back = None if fork is None else Retold(fork, messages)
        self.unsaid = () if fork is None else fork.body.unsaid
        inside = messages if self.back is None else self.back.messages
        self.history = History(inside, map(open_frame, self.unsaid), edited=fork is not None)

    def retold(self, id: MessageId) -> MessageId:
        return id if self.back is None else self.back.id(id)

    def exchanges(self, exchanges: Iterable[Exchange]) -> list[Exchange]:
        """Return what peers asked of their models, with authors as they are called in the name of the origin."""
        back = self.back
        return [e if back is None else msgspec.structs.replace(e, author=back.peer(e.author)) for e in exchanges]

    def of_origin(self, edit: Intervention) -> Intervention:
        """Return an intervention that names messages as they are called in the name of the origin."""
        match edit:
            case Reword() | Unsay():
                return msgspec.structs.replace(edit, id=self.retold(edit.id))
            case Interject():
                return msgspec.structs.replace(edit, after=self.retold(edit.after))
            case _:
                return edit

    def first(self, name: str, edits: Sequence[Intervention], at: MessageId | None) -> Message[ForkedFrom]:
        """Return the message that a fork begins with."""
        body = ForkedFrom(
            parent=self.name,
            origin=self.history.opening.channel,
            edits=tuple(spelled_intervention(edit) for edit in edits),
            at=at,
            unsaid=self._unsaid_with(edits),
        )
        sheet = Channel(self.history.opening.swarm, name)
        return sheet.publish(DEBUGGER, body, [], LoopClock().wall_ms())

    def _unsaid_with(self, edits: Sequence[Intervention]) -> tuple[bytes, ...]:
        """Return what nobody hears in a fork with these changes, as many as its first message has room for."""
        by_id = self.history.by_id
        ids = [self.retold(edit.id) for edit in edits if isinstance(edit, Unsay)]
        room, kept = UNSAID_BYTES, list[bytes]()
        for raw in (*self.unsaid, *(frame(by_id[id]) for id in ids if id in by_id)):
            room -= len(raw)
            if room >= 0:
                kept.append(raw)
        return tuple(kept)

    def _is(self, played: Replayed) -> bool:
        """Say whether a replay gave the channel's own messages; a fork's outcome names its decision in its own way."""
        outcome = self.history.outcome
        was, now = ({m.id for m in messages if not isinstance(m.body, Outcome)}
                    for messages in (self.history.messages, played.messages))  # fmt: skip
        decision = played.decision if self.back is None else self.back.in_fork(played.decision)
        return was == now and (outcome is None or outcome.body.decision == decision.id)

    def fork(
        self,
        name: str,
        edits: tuple[Intervention, ...],
        played: Replayed,
        decision: Decision,
        messages: tuple[AnyMessage, ...],
        teller: Teller,
    ) -> Fork:
        names: dict[bytes, str] = {m.id: m.name for m in self.history.members}
        in_log = {self.retold(m.id): m for m in self.messages}
        in_fork = {m.id: m for m in messages}
        pairs = changes_between(self.history.messages, played.messages, names)
        changed = tuple(
            Change(c.peer, c.kind, c.round, c.was and in_log[c.was.id], c.now and in_fork[teller.ids[c.now.id]])
            for c, _ in pairs
        )
        return Fork(
            channel=name,
            parent=self.name,
            edits=edits,
            decision=decision,
            before=_decided(self.messages),
            messages=messages,
            changed=changed,
            asked=tuple(played.counts.live),
            calls_recorded=played.counts.recorded,
            spent=played.counts.spent,
            exact=self._is(played),
            notes=_notes(self.messages, edits, changed, played),
        )


def compare(original: Iterable[AnyMessage], fork: Fork | Iterable[AnyMessage]) -> Comparison:
    """Return what differs between a channel and a fork of it: what was said by whom and when, and the two decisions.

    Raises:
        UsageError: the two are not histories of one question.
    """
    parent = _Source(tuple(original))
    messages = fork.messages if isinstance(fork, Fork) else tuple(fork)
    other = _Source(messages)
    if parent.history.opening.channel != other.history.opening.channel:
        raise UsageError(f"{parent.name!r} and {other.name!r} do not come from one question: nothing to compare")
    names: dict[bytes, str] = {m.id: m.name for m in parent.history.members}
    originals = ({s.retold(m.id): m for m in s.messages} for s in (parent, other))
    was, now = originals
    changes = tuple(
        Change(c.peer, c.kind, c.round, c.was and was[c.was.id], c.now and now[c.now.id])
        for c, _ in changes_between(parent.history.messages, other.history.messages, names)
    )
    return Comparison(
        changes, _decided(parent.messages), fork.decision if isinstance(fork, Fork) else decide_again(messages)
    )


def _decided(messages: tuple[AnyMessage, ...]) -> Decision | None:
    """Return what a channel decided, if it came to its end and can be decided again."""
    if not any(isinstance(m.body, Outcome) for m in messages):
        return None
    try:
        return decide_again(messages)
    except WaggleError:
        return None


def _notes(
    messages: tuple[AnyMessage, ...], edits: tuple[Intervention, ...], changed: tuple[Change, ...], played: Replayed
) -> tuple[str, ...]:
    named = {edit.after if isinstance(edit, Interject) else edit.id
             for edit in edits if isinstance(edit, Reword | Unsay | Interject)}  # fmt: skip
    notes: list[str] = []
    if named and not played.counts.live and all(c.was is not None and c.was.id in named for c in changed):
        notes.append("nothing else was said for it: nobody built on what was changed")
    if named and not members_of(messages):
        notes.append("nobody sat there")
    return tuple(notes)
