"""A record: one thing worth remembering, named by the hash of its content.

A record is not a message. What others may know of it travels in a `Recorded`, and a record whose scope is private
cannot be put into one, nor read out of one: it has no way onto a channel.

The id is of the content alone, without an author: two peers who learnt the same have the same record, and a store
counts both. So an id tells whoever can guess the content that it was guessed right; see `shared` for what that means
for links.

Source: the fields are those that the memories of Learning to Share (arXiv:2602.05965), DAMCS (arXiv:2502.05453) and
AgentNet (arXiv:2504.00587) need together.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from typing import ClassVar, NewType

import msgspec
from blake3 import blake3

from waggledance.core import (
    NO_COST,
    Body,
    Cost,
    Message,
    MessageId,
    PeerId,
    Seat,
    UsageError,
    encode_canonical,
    well_formed,
)

RecordId = NewType("RecordId", bytes)
"""BLAKE3 of a record's content, 32 bytes."""

PRIVATE = "private"
"""The scope that never leaves the process."""
TEAM = "team"
"""The scope of everybody who sits in a channel that it is said in."""

MAX_KEY_CHARS = 200
MAX_TEXT_CHARS = 8_000
MAX_LINKS = 64
MAX_SOURCES = 64
CHARS_A_TOKEN = 4
"""A rule of thumb for English; what a view counts with, so that it needs no tokenizer."""

_DOMAIN = b"waggle/record/1\0"
_SHORT_NAME = re.compile(r"(?=.{1,32}\Z)[a-z][a-z0-9]*(?:-[a-z0-9]+)*")
_SCOPE = re.compile(r"[^\x00-\x1f\x7f]{1,128}")


class Record(msgspec.Struct, frozen=True, kw_only=True, gc=False, forbid_unknown_fields=True):
    """One thing worth remembering.

    Raises:
        UsageError: a field is empty, too long, not in Unicode form NFC, or names something twice.
    """

    sort: str
    """What it is: lower-case words joined by hyphens, such as ``"finding"``, ``"goal"``, ``"exemplar"``."""
    key: str
    """What it is found by, on one line: 1 to 200 characters."""
    text: str = ""
    """What it says: at most 8,000 characters; more is kept as a blob."""
    blob: bytes = b""
    """The hash of a larger content kept elsewhere, 32 bytes; empty without one."""
    links: tuple[tuple[str, RecordId], ...] = ()
    """Relations to other records, such as ``("serves", goal.id)``: at most 64."""
    scope: str = PRIVATE
    """Who may see it: ``"private"``, ``"team"``, or the name of the one channel that it is for."""
    sources: tuple[MessageId, ...] = ()
    """The messages that it was made from: at most 64."""
    cost: Cost = NO_COST
    """What it cost to come by, which is what whoever reuses it saves."""

    def __post_init__(self) -> None:
        _check_words(self)
        if len(self.blob) not in (0, 32):
            raise UsageError(f"a record's blob is named by a hash of 32 bytes, got {len(self.blob)}")
        if len(self.links) > MAX_LINKS or len(set(self.links)) < len(self.links):
            raise UsageError(f"a record has at most {MAX_LINKS} links, none twice; got {len(self.links)}")
        for relation, target in self.links:
            if _SHORT_NAME.fullmatch(relation) is None or len(target) != 32:
                raise UsageError(f"a link is a short lower-case name and an id of 32 bytes, got {relation!r:.60}")
        if len(self.sources) > MAX_SOURCES or len(set(self.sources)) < len(self.sources):
            raise UsageError(f"a record has at most {MAX_SOURCES} sources, none twice; got {len(self.sources)}")
        if any(len(source) != 32 for source in self.sources):
            raise UsageError("a record's source is a message's id, 32 bytes")

    @property
    def id(self) -> RecordId:
        """The hash of all fields: the same content has the same id everywhere."""
        return RecordId(blake3(_DOMAIN + encode_canonical(self)).digest())

    @property
    def tokens(self) -> int:
        """About how many tokens its text has: a quarter of its characters."""
        return -(-len(self.text) // CHARS_A_TOKEN)

    @property
    def words(self) -> str:
        """What it is searched by: key and text."""
        return f"{self.key}\n{self.text}" if self.text else self.key

    @classmethod
    def of(
        cls,
        sort: str,
        key: str,
        text: str = "",
        *,
        links: Iterable[tuple[str, RecordId]] = (),
        scope: str = PRIVATE,
        sources: Iterable[MessageId] = (),
        cost: Cost = NO_COST,
    ) -> Record:
        """Make a record from loose words: on one line or cut where they must be, in form NFC; links and sources sorted.

        >>> Record.of("finding", "two\\nlines", "text").key
        'two lines'
        """
        key = " ".join(well_formed(key).split())[:MAX_KEY_CHARS].rstrip()
        return cls(
            sort=sort,
            key=key,
            text=well_formed(text)[:MAX_TEXT_CHARS],
            links=tuple(sorted(set(links)))[:MAX_LINKS],
            scope=scope,
            sources=tuple(sorted(set(sources)))[:MAX_SOURCES],
            cost=cost,
        )


class Recorded(Body, frozen=True, gc=False):
    """A record that others may know.

    Raises:
        UsageError: the record is private. Off the wire that is a `PeerFault`.
    """

    kind: ClassVar[str] = "record/1"
    record: Record

    def __post_init__(self) -> None:
        if self.record.scope == PRIVATE:
            raise UsageError(
                f"the record {self.record.key[:60]!r} is private and stays in this process; "
                "say who may see it with shared(record, 'team') first"
            )


def shared(record: Record, scope: str, known: Collection[RecordId] = ()) -> Record:
    """Return the record for a wider scope; another record, since the scope is part of what is hashed.

    Links are kept only to records in `known`, those that readers have anyway: an id is a hash of content, and content
    that few words make can be guessed from it.

    Raises:
        UsageError: the scope is private or not a channel's name.
    """
    if scope == PRIVATE:
        raise UsageError("a record is shared with somebody: give 'team' or a channel's name")
    links = tuple(link for link in record.links if link[1] in known)
    return msgspec.structs.replace(record, scope=scope, links=links)


def may_see(record: Record, author: PeerId, reader: PeerId, channels: Collection[str]) -> bool:
    """Say whether a peer may see a record: a pure function of its scope, of whose it is, and of who asks from where.

    Args:
        record: the record.
        author: whose it is.
        reader: who asks.
        channels: the channels that the reader sits in.
    """
    if reader == author:
        return True
    if record.scope == PRIVATE:
        return False
    return bool(channels) if record.scope == TEAM else record.scope in channels


async def publish(seat: Seat, record: Record) -> Message[Recorded]:
    """Say a record in a seat's channel.

    Raises:
        UsageError: the record is private, or is for another channel.
    """
    body = Recorded(record=record)
    if record.scope not in (TEAM, seat.channel):
        raise UsageError(
            f"the record {record.key[:60]!r} is for the channel {record.scope!r}, not for {seat.channel!r}"
        )
    return await seat.publish(body)


def _check_words(record: Record) -> None:
    """Refuse words that are missing, too long or not well-formed."""
    if _SHORT_NAME.fullmatch(record.sort) is None:
        raise UsageError(
            "a record's sort is named by lower-case words joined by hyphens, at most 32 characters, "
            f"such as 'finding'; got {record.sort!r:.80}"
        )
    if not record.key.strip() or len(record.key) > MAX_KEY_CHARS or len(record.key.splitlines()) > 1:
        raise UsageError(
            f"a record's key is one line of 1 to {MAX_KEY_CHARS} characters, got {record.key!r:.80}; "
            "Record.of(...) makes it fit"
        )
    if len(record.text) > MAX_TEXT_CHARS:
        raise UsageError(f"a record's text has at most {MAX_TEXT_CHARS:,} characters, got {len(record.text):,}")
    if _SCOPE.fullmatch(record.scope) is None:
        raise UsageError(f"a scope is 'private', 'team' or a channel's name, got {record.scope!r:.80}")
    for text in (record.key, record.text, record.scope):
        if not text.isascii() and text != well_formed(text):
            raise UsageError("a record's words must be well-formed Unicode in form NFC; use Record.of(...)")
