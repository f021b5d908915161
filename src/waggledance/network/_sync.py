"""Repair: how two copies of a channel tell each other what is missing, and come to the same set.

    have   the digest of my set and the tips of every author's messages; equal digests stop here
    give   what you lack of what I have, parents first, at most 1 MiB of frames a batch
    want   messages I miss, by id: those that a parked message builds on

One exchange is push and pull: ``have →``, ``← give, have``, ``give →``. Tips carry the hash besides the number: with
numbers only, an author who wrote two messages with one number is never found out; with hashes everybody has the proof
within a few exchanges. All functions are pure: they read a copy and change nothing.

Source: the project's network specification, §2 (log and anti-entropy). Where it has one head an author we list every
tip, so that all branches of an author who equivocated are repaired as well; where it asks for ranges, ``have`` already
says enough for the other side to give them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import msgspec

from waggledance.core import Channel, Message, MessageId, PeerId, frame

MAX_BATCH_BYTES = 1024 * 1024

AnyMessage = Message[Any]


class Tip(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """An author's newest message: nobody has seen a later one that follows it."""

    author: PeerId
    sequence: int
    id: MessageId


class Have(msgspec.Struct, frozen=True, tag="have", array_like=True):
    """What a copy holds."""

    ch: str
    d: bytes
    """The set's digest, 32 bytes: see `Channel.digest`."""
    heads: tuple[Tip, ...]
    """Sorted by author, number, id. One an author; of an author who equivocated, one a branch."""


class Want(msgspec.Struct, frozen=True, tag="want", array_like=True):
    """Ids of messages that are missed, sorted."""

    ch: str
    ids: tuple[MessageId, ...]


class Give(msgspec.Struct, frozen=True, tag="give", array_like=True):
    """Frames, causes before effects, at most 1 MiB together (or one frame)."""

    ch: str
    frames: tuple[bytes, ...]


def have(channel: Channel) -> Have:
    """Return what a copy holds."""
    forked = channel.forked
    tips = [Tip(author, m.sequence, m.id) for author, m in channel.heads().items() if author not in forked]
    for author in sorted(forked):
        said = _by(channel, author)
        followed = {m.previous for m in said}
        tips += [Tip(author, m.sequence, m.id) for m in said if m.id not in followed]
    return Have(channel.name, channel.digest(), tuple(sorted(tips, key=lambda t: (t.author, t.sequence, t.id))))


def missing(channel: Channel, theirs: Have) -> list[AnyMessage]:
    """Return what this copy has and the other lacks, causes before effects.

    A tip of theirs that is unknown here says one of two things. If its number is beyond ours, they are ahead, and they
    will give. If not, they hold another branch: they get all that this author said, which is the proof.
    """
    if theirs.d == channel.digest():
        return []
    forked = channel.forked
    level = {tip.id for tip in theirs.heads}
    apart = {author: head for author, head in channel.heads().items() if head.id not in level or author in forked}
    tips: dict[PeerId, list[Tip]] = {author: [] for author in apart}
    for tip in theirs.heads:
        if tip.author in tips:
            tips[tip.author].append(tip)
    lacking: list[AnyMessage] = []
    for author, head in apart.items():
        known = tips[author]
        if author in forked or len(known) > 1:
            lacking += _unseen(_by(channel, author), known)
        elif not known:
            lacking += _back_to(channel, head, None)
        elif known[0].id in channel:
            lacking += _back_to(channel, head, known[0].id)
        elif known[0].sequence <= head.sequence:
            lacking += _back_to(channel, head, None)
    return sorted(lacking, key=lambda m: (m.lamport, m.id))


def wanted(channel: Channel, want: Want) -> list[AnyMessage]:
    """Return those of the wanted messages that are here, causes before effects."""
    found = [message for message in map(channel.get, want.ids) if message is not None]
    return sorted(found, key=lambda m: (m.lamport, m.id))


def give(channel: str, messages: Iterable[AnyMessage], frame_of: Callable[[AnyMessage], bytes] = frame) -> list[Give]:
    """Return messages as batches of frames, in their order.

    Args:
        channel: its name.
        messages: what to give, causes before effects.
        frame_of: how a message becomes its frame, for those who kept it.
    """
    batches: list[Give] = []
    batch: list[bytes] = []
    size = 0
    for message in messages:
        framed = frame_of(message)
        if batch and size + len(framed) > MAX_BATCH_BYTES:
            batches.append(Give(channel, tuple(batch)))
            batch, size = [], 0
        batch.append(framed)
        size += len(framed)
    if batch:
        batches.append(Give(channel, tuple(batch)))
    return batches


def _by(channel: Channel, author: PeerId) -> list[AnyMessage]:
    return [message for message in channel.messages() if message.author == author]


def _back_to(channel: Channel, head: AnyMessage, id: MessageId | None) -> list[AnyMessage]:
    """Return an author's messages from `head` back to the one with this id, without it; all of them when None."""
    run: list[AnyMessage] = []
    at: AnyMessage | None = head
    while at is not None and at.id != id:
        run.append(at)
        at = None if at.previous is None else channel.get(at.previous)
    return run


def _unseen(said: list[AnyMessage], tips: list[Tip]) -> list[AnyMessage]:
    """Return those of an author's messages that are neither a tip nor behind one."""
    by_id = {message.id: message for message in said}
    seen: set[MessageId] = set()
    for tip in tips:
        at = by_id.get(tip.id)
        while at is not None and at.id not in seen:
            seen.add(at.id)
            at = None if at.previous is None else by_id.get(at.previous)
    return [message for message in said if message.id not in seen]
