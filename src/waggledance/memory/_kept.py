"""What a memory gives back: records with those who said them, and how well they fit."""

from __future__ import annotations

from typing import Literal

import msgspec

from waggledance.core import MessageId, PeerId, UsageError
from waggledance.memory._record import Record, RecordId

Mode = Literal["words", "meaning", "hybrid"]
"""By exact words, by nearness of meaning, or by both together."""


class Kept(msgspec.Struct, frozen=True, kw_only=True):
    """A record as a memory holds it: a claim, with those who make it."""

    record: Record
    authors: tuple[PeerId, ...] = ()
    """Who said it, sorted; nobody where it is the owner's own."""
    messages: tuple[MessageId, ...] = ()
    """The messages in which it was said, sorted."""

    @property
    def id(self) -> RecordId:
        return self.record.id


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """A record that a search found."""

    kept: Kept
    score: int
    """What it was ordered by: parts per billion of rank fusion; higher is better."""
    likeness_ppm: int | None
    """The cosine of its words and the query, -1,000,000 to 1,000,000; None where meaning was not looked at."""


class Where(msgspec.Struct, frozen=True, kw_only=True):
    """Which records count. An empty field asks for nothing.

    Raises:
        UsageError: one text instead of a sequence of them.
    """

    sorts: tuple[str, ...] = ()
    """Of one of these sorts."""
    scopes: tuple[str, ...] = ()
    """Of one of these scopes."""
    authors: tuple[PeerId, ...] = ()
    """Said by one of these peers."""

    def __post_init__(self) -> None:
        if isinstance(self.sorts, str) or isinstance(self.scopes, str) or isinstance(self.authors, bytes):
            raise UsageError("a field of Where is a sequence: write sorts=('goal',)")

    def sql(self) -> tuple[str, tuple[object, ...]]:
        """Return a condition over ``records AS r``, and the values of its parameters."""
        parts: list[str] = ["1"]
        values: list[object] = []
        for column, wanted in (("r.sort", self.sorts), ("r.scope", self.scopes)):
            if wanted:
                parts.append(f"{column} IN ({_marks(len(wanted))})")
                values += wanted
        if self.authors:
            parts.append(f"r.id IN (SELECT id FROM authors WHERE author IN ({_marks(len(self.authors))}))")  # noqa: S608
            values += self.authors
        return " AND ".join(parts), tuple(values)

    @property
    def everything(self) -> bool:
        """Whether every record counts."""
        return not (self.sorts or self.scopes or self.authors)


ANY = Where()


def _marks(count: int) -> str:
    return ", ".join("?" * count)
