"""A thread: a channel in which its members only talk, until most of them agree to close it with a summary.

What a thread is by now is a pure function of its channel's messages: an `Opening` names it and its members, a `Say` is
a turn, a `Close` asks to end it or agrees with somebody who asked. It is closed when more than half of the members
stand behind one request, each by its latest word. Nothing is taken back: the record stays, views show the summary.

Source: threads, mentions and closing with a summary are those of Ren, Forder, Zang et al. 2025, "Anemoi",
arXiv:2508.17068. There one process holds all of it, and closing drops the messages on one agent's word.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, ClassVar

import msgspec

from waggledance.consensus import quorum
from waggledance.core import (
    THREAD,
    UNIT,
    Body,
    Channel,
    Member,
    Message,
    MessageId,
    Opening,
    PeerId,
    Question,
    Say,
    UsageError,
    opening_of,
    well_formed,
)

MAX_MEMBERS = 64
MAX_TURNS = 1_000
"""Of one thread, by all its members together: who criticises each other for ever comes to an end."""
MAX_TITLE_CHARS = 200
MAX_SUMMARY_CHARS = 4_000


class Close(Body, frozen=True, gc=False):
    """A member's word on ending a thread: a summary to end it with, or agreement with another's.

    Raises:
        UsageError: neither or both are given, or the summary is too long or not well-formed.
    """

    kind: ClassVar[str] = "close/1"
    summary: str = ""
    agrees: MessageId | None = None
    """The `Close` whose summary should stand."""

    def __post_init__(self) -> None:
        if bool(self.summary.strip()) == (self.agrees is not None):
            raise UsageError("to close a thread give a summary, or agree with a summary that another member gave")
        if len(self.summary) > MAX_SUMMARY_CHARS:
            raise UsageError(f"a summary has at most {MAX_SUMMARY_CHARS:,} characters, got {len(self.summary):,}")
        if well_formed(self.summary) != self.summary:
            raise UsageError("a summary must be well-formed Unicode in form NFC; use well_formed(...)")


class Closing(msgspec.Struct, frozen=True):
    """A request to close that stands, and who is behind it."""

    asked: Message[Close]
    behind: tuple[PeerId, ...]
    """Sorted; who asked is among them."""


class Thread(msgspec.Struct, frozen=True):
    """What a channel's messages make of a thread."""

    channel: str
    title: str
    opening: Message[Opening]
    members: tuple[Member, ...]
    """Sorted by id."""
    said: tuple[Message[Say], ...]
    """Causes before effects, ties by id."""
    closing_words: tuple[Message[Close], ...]
    """All that was said about closing, in the same order."""
    closing: tuple[Closing, ...]
    """Requests to close, most backed first, ties by id."""
    needed: int
    """How many members close it."""
    closed: Message[Close] | None
    """The request that most stand behind; None while the thread is open."""
    heads: tuple[MessageId, ...]
    """The messages that no other builds on, sorted."""

    def name(self, peer: PeerId) -> str:
        """Return a member's name; the beginning of its key for anybody else."""
        return next((member.name for member in self.members if member.id == peer), peer.hex()[:8])


def opening_for(title: str, members: Iterable[Member]) -> Opening:
    """Return the message that opens a thread.

    Raises:
        UsageError: the title is empty or too long, or there are no members or more than 64.
    """
    title, listed = well_formed(title), tuple(sorted(members, key=lambda member: member.id))
    if not title.strip():
        raise UsageError("a thread needs a title that says what it is about; got an empty one")
    if len(title) > MAX_TITLE_CHARS:
        raise UsageError(f"a thread's title has at most {MAX_TITLE_CHARS} characters, got {len(title):,}")
    if not 1 <= len(listed) <= MAX_MEMBERS:
        raise UsageError(f"a thread has 1 to {MAX_MEMBERS} members, got {len(listed)}")
    alike = tuple(Member(member.id, member.name, UNIT) for member in listed)
    return Opening(question=Question(text=title, expects="free"), members=alike, protocol=THREAD)


def thread_of(messages: Sequence[Message[Any]], forked: frozenset[PeerId] = frozenset()) -> Thread | None:
    """Return the thread that a channel's messages make; None where no thread was opened there.

    Args:
        messages: the channel's, in any order.
        forked: who contradicted itself there; what they say counts no more.
    """
    opening = opening_of(messages)
    if opening is None or opening.body.protocol != THREAD or not opening.body.members:
        return None
    members = {member.id: member for member in opening.body.members}
    counted = [m for m in messages if m.author in members and m.author not in forked]
    counted.sort(key=lambda m: (m.lamport, m.id))
    needed = quorum([Member(id, "", 1) for id in members], "crash").needed
    words = tuple(m for m in counted if isinstance(m.body, Close))
    closing = _closing(words)
    closed = next((c.asked for c in closing if len(c.behind) >= needed), None)
    built_on = {id for m in messages for id in (*m.parents, m.previous)}
    return Thread(
        channel=opening.channel,
        title=opening.body.question.text,
        opening=opening,
        members=tuple(sorted(members.values(), key=lambda member: member.id)),
        said=tuple(m for m in counted if isinstance(m.body, Say)),
        closing_words=words,
        closing=closing,
        needed=needed,
        closed=closed,
        heads=tuple(sorted(m.id for m in messages if m.id not in built_on)),
    )


class Folds:
    """Threads by channel, folded again only when a channel has grown: a set that only grows and has one size is one."""

    def __init__(self) -> None:
        self._folded: dict[str, tuple[int, frozenset[PeerId], Thread]] = {}

    def of(self, copy: Channel) -> Thread:
        """Return the thread of a channel that holds one."""
        size, forked, thread = self._folded.get(copy.name, (-1, copy.forked, None))
        if thread is None or (size, forked) != (len(copy), copy.forked):
            thread = thread_of(copy.messages(), copy.forked)
            assert thread is not None, "whoever asks has looked whether it holds one"
            self._folded[copy.name] = (len(copy), copy.forked, thread)
        return thread


def _closing(words: Sequence[Message[Close]]) -> tuple[Closing, ...]:
    """Return the requests to close that somebody stands behind by its latest word."""
    asked = {m.id: m for m in words if m.body.agrees is None}
    latest = {m.author: m for m in sorted(words, key=lambda m: m.sequence)}
    behind: dict[MessageId, set[PeerId]] = {}
    for author, word in latest.items():
        stands_behind = word.id if word.body.agrees is None else word.body.agrees
        if stands_behind in asked:
            behind.setdefault(stands_behind, set()).add(author)
    made = [Closing(asked[id], tuple(sorted(peers))) for id, peers in behind.items()]
    return tuple(sorted(made, key=lambda c: (-len(c.behind), c.asked.id)))
