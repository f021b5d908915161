"""Lines of JSON as rows, from bytes that come in pieces; a line that is no row is a row that has failed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from waggledance.tasks._row import Failure, Row
from waggledance.tasks._row_names import READING

MAX_ROW_BYTES = 1 << 20
SHOWN_CHARS = 500
_BOM = b"\xef\xbb\xbf"


def refused(number: int, reason: str, seen: str = "") -> Row:
    """Return the row that a line made which is none: it has failed, and holds the beginning of what was there."""
    return Row(f"line {number}", {"line": seen[:SHOWN_CHARS]}, failure=Failure(READING, reason, 0))


class RowLines:
    """Takes pieces of a file of JSON lines, and gives rows; holds one line at most.

    Args:
        max_bytes: a longer line is refused, and not held.
    """

    def __init__(self, max_bytes: int = MAX_ROW_BYTES) -> None:
        self._max_bytes = max_bytes
        self._held = b""
        self._too_long = False
        self._number = 0

    def feed(self, piece: bytes) -> Iterator[Row | Mapping[str, Any]]:
        """Yield the rows that a further piece completes."""
        *lines, rest = piece.split(b"\n")
        for line in lines:
            yield from self._whole(line)
        self._hold(rest)

    def end(self) -> Iterator[Row | Mapping[str, Any]]:
        """Yield the row of the last line, where it has no line end."""
        if self._held or self._too_long:
            yield from self._whole(b"")

    def _hold(self, part: bytes) -> None:
        if len(self._held) + len(part) > self._max_bytes:
            self._too_long, self._held = True, self._held or part[: 4 * SHOWN_CHARS]
        if not self._too_long:
            self._held += part

    def _whole(self, last: bytes) -> Iterator[Row | Mapping[str, Any]]:
        self._hold(last)
        line, too_long = self._held, self._too_long
        self._held, self._too_long = b"", False
        self._number += 1
        if self._number == 1:
            line = line.removeprefix(_BOM)
        if too_long:
            yield refused(self._number, f"it has more than {self._max_bytes:,} bytes", line.decode(errors="replace"))
        elif line.strip():
            yield _row(line, self._number)


def _row(line: bytes, number: int) -> Row | Mapping[str, Any]:
    try:
        fields = msgspec.json.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as why:
        return refused(number, f"it is no JSON: {why}", line.decode(errors="replace"))
    if not isinstance(fields, dict):
        return refused(number, 'it is no JSON object, as in {"question": …}', line.decode(errors="replace"))
    return fields  # pyright: ignore[reportUnknownVariableType] — JSON of whatever sort
