"""What a memory is: records that are put in, found again, and followed from one to another."""

from __future__ import annotations

from typing import Protocol

from waggledance.core import MessageId, PeerId
from waggledance.memory._kept import ANY, Found, Kept, Mode, Where
from waggledance.memory._record import Record, RecordId


class Memory(Protocol):
    """What one peer remembers. `RecordStore` is one; whatever else has these is one too."""

    def put(self, record: Record, author: PeerId | None = None, message: MessageId | None = None) -> RecordId:
        """Keep a record, and who said it in which message."""
        ...

    def get(self, id: RecordId) -> Kept | None:
        """Return a record, or None."""
        ...

    def search(self, query: str, k: int = 5, where: Where = ANY, mode: Mode = "hybrid") -> tuple[Found, ...]:
        """Return the `k` records that fit best, best first; the query is data."""
        ...

    def neighbours(self, id: RecordId, relation: str | None = None, *, back: bool = False) -> tuple[Kept, ...]:
        """Return the records that one links to, or that link to it."""
        ...

    def view(self, budget: int, where: Where = ANY) -> tuple[Kept, ...]:
        """Return what matters most within a budget of tokens."""
        ...
