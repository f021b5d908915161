"""Read what a program prints, and keep only its beginning and end: a gigabyte printed costs us kilobytes."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable

_CHUNK = 1 << 16


class Kept:
    """The first quarter and the last three of so many bytes.

    >>> kept = Kept(8)
    >>> for part in (b"ab", b"cdef", b"ghijkl"):
    ...     kept.add(part)
    >>> kept.text()
    'ab\\n[4 bytes left out]\\nghijkl'
    """

    def __init__(self, bytes_kept: int) -> None:
        self._head_room, self._tail_room = bytes_kept // 4, bytes_kept - bytes_kept // 4
        self._head, self._tail, self._tail_bytes = b"", deque[bytes](), 0
        self.total = 0

    def add(self, part: bytes) -> None:
        """Take the next bytes."""
        self.total += len(part)
        room = self._head_room - len(self._head)
        if room:
            self._head += part[:room]
            part = part[room:]
        self._tail.append(part)
        self._tail_bytes += len(part)
        while self._tail and self._tail_bytes - len(self._tail[0]) >= self._tail_room:
            self._tail_bytes -= len(self._tail.popleft())

    def text(self) -> str:
        """Return what was kept as text; bytes that are no UTF-8 become question marks."""
        tail = b"".join(self._tail)[-self._tail_room :]
        left_out = self.total - len(self._head) - len(tail)
        gap = f"\n[{left_out:,} bytes left out]\n" if left_out else ""
        return self._head.decode(errors="replace") + gap + tail.decode(errors="replace")


async def drain(stream: asyncio.StreamReader, kept: Kept, printed: Callable[[int], None]) -> None:
    """Read a stream to its end; tell of every part's bytes as they come."""
    while part := await stream.read(_CHUNK):
        kept.add(part)
        printed(len(part))
