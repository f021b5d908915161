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
    Cost,
    Decision,
    Exchange,
    Log,
    Message,
    MessageId,
    Outcome,
    Teller,
    UsageError,
    WaggleError,
    Witness,
    encode,
    stand_in,
)
from waggledance.safety._compare_histories import Change, Comparison, changes_between
from waggledance.safety._fork_source import Source
from waggledance.safety._interventions import Interject, Intervention, Reword, Unsay, told_intervention
from waggledance.safety._recorded_peer import Asked, Live
from waggledance.safety._replay_parts import Peers, Replayed, Told
from waggledance.safety._replay_run import replay

AnyMessage = Message[Any]

MAX_NAME_CHARS = 120


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

    def __str__(self) -> str:
        edits = [told_intervention(edit) for edit in self.edits] or ["nothing is changed"]
        lines = [
            f"{self.channel}, a fork of {self.parent}: {'; '.join(edits)}",
            str(Comparison(self.changed, self.before, self.decision)),
            f"{self.calls_live} calls made anew, {self.calls_recorded} answered from the record",
        ]
        return "\n".join([*lines, *(f"note: {note}" for note in self.notes)])


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
        budget: what the run may cost; what its opening says when None.
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
    source = Source(tuple(messages))
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
    return _made(source, name, tuple(edits), played, decision, in_order, teller)


def _in_fork(witness: Witness, fork: str) -> Witness:
    """Return who is told of a seat's exchanges and words as of those of its stand-in in a fork."""
    exchange, words = witness.exchange, witness.words
    return Witness(
        exchange=exchange
        and (lambda e: exchange(msgspec.structs.replace(e, channel=fork, author=stand_in(fork, e.author)))),
        words=words and (lambda w: words(msgspec.structs.replace(w, peer=stand_in(fork, w.peer)))),
    )


def _made(
    source: Source,
    name: str,
    edits: tuple[Intervention, ...],
    played: Replayed,
    decision: Decision,
    messages: tuple[AnyMessage, ...],
    teller: Teller,
) -> Fork:
    names: dict[bytes, str] = {m.id: m.name for m in source.history.members}
    in_log = {source.retold(m.id): m for m in source.messages}
    in_fork = {m.id: m for m in messages}
    pairs = changes_between(source.history.messages, played.messages, names)
    changed = tuple(
        Change(c.peer, c.kind, c.round, c.was and in_log[c.was.id], c.now and in_fork[teller.ids[c.now.id]])
        for c, _ in pairs
    )
    return Fork(
        channel=name,
        parent=source.name,
        edits=edits,
        decision=decision,
        before=_decided(source.messages),
        messages=messages,
        changed=changed,
        asked=tuple(played.counts.live),
        calls_recorded=played.counts.recorded,
        spent=played.counts.spent,
        exact=source.is_told_by(played),
        notes=_notes(edits, changed, played),
    )


def compare(original: Iterable[AnyMessage], fork: Fork | Iterable[AnyMessage]) -> Comparison:
    """Return what differs between a channel and a fork of it: what was said by whom and when, and the two decisions.

    Raises:
        UsageError: the two are not histories of one question.
    """
    parent = Source(tuple(original))
    messages = fork.messages if isinstance(fork, Fork) else tuple(fork)
    other = Source(messages)
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


def _notes(edits: tuple[Intervention, ...], changed: tuple[Change, ...], played: Replayed) -> tuple[str, ...]:
    named = {edit.after if isinstance(edit, Interject) else edit.id
             for edit in edits if isinstance(edit, Reword | Unsay | Interject)}  # fmt: skip
    if named and not played.counts.live and all(c.was is not None and c.was.id in named for c in changed):
        return ("nothing else was said for it: nobody built on what was changed",)
    return ()
