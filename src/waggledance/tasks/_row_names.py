"""What rows are called: their own ``id``, or their place and content; no name stands for two."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeGuard

import msgspec
from blake3 import blake3

from waggledance.core import UsageError
from waggledance.tasks._row import Failure, Row

READING = "rows"
"""The step at which a row failed that never got to a step."""
MAX_ID_CHARS = 1_000


class RowNames:
    """Turns what comes in into rows with names of their own.

    A row whose ``id`` was seen before, or is neither text nor a whole number, gets a name by its place and a failure.
    """

    def __init__(self) -> None:
        self._seen: set[str] = set()
        self._count = 0

    def row(self, item: Row | Mapping[str, Any]) -> Row:
        """Return the next row; it may have failed already.

        Raises:
            UsageError: it is neither a row nor a mapping.
        """
        at = self._count
        self._count += 1
        row = item if isinstance(item, Row) else self._named(item, at)
        row.at = at
        if row.id in self._seen:
            row.failure = row.failure or Failure(READING, f"an earlier row has the id {row.id!r}", 0)
            row.id = f"{row.id}, row {at + 1}"
        self._seen.add(row.id)
        return row

    def _named(self, data: object, at: int) -> Row:
        if not _is_mapping(data):
            raise UsageError(f"row {at + 1} is a {type(data).__name__}; give mappings of fields, or Row")
        called = data.get("id")
        match called:
            case str() if 0 < len(called) <= MAX_ID_CHARS:
                return Row(called, data)
            case int() if not isinstance(called, bool):
                return Row(str(called), data)
            case None:
                return Row(name_of(data, at), data)
            case _:
                reason = f"its id is no text of 1 to {MAX_ID_CHARS:,} characters and no whole number"
                return Row(f"row {at + 1}", data, failure=Failure(READING, reason, 0))


def name_of(data: Mapping[str, Any], at: int) -> str:
    """Return the name of a row without an id: its place, from 1, and a mark of its content.

    >>> name_of({"question": "2+2?"}, 0)
    '1-d5d6215834c0'
    """
    content = msgspec.json.encode(data, enc_hook=repr, order="deterministic")
    return f"{at + 1}-{blake3(content).hexdigest(length=6)}"


def _is_mapping(item: object) -> TypeGuard[Mapping[str, Any]]:
    return isinstance(item, Mapping)
