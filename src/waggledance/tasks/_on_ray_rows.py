"""Rows as several workers take them: in blocks, from a plain iterable or an asynchronous one, read as there is room."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterable, Iterable, Iterator
from itertools import islice
from typing import Any

AHEAD = 256
"""So many rows are read before anybody takes them; so many wait at a worker, that it need not wait for a block."""


class RowSource:
    """Rows as they are read, of either kind of iterable."""

    def __init__(self, rows: Iterable[Any] | AsyncIterable[Any]) -> None:
        self.ended = False
        self._now: Iterator[Any] | None = None
        if isinstance(rows, AsyncIterable):
            self._read = asyncio.Queue[Any](AHEAD)
            self._reading = asyncio.create_task(self._pump(rows))
        else:
            self._now = iter(rows)

    async def some(self, most: int, *, wait: bool) -> list[Any]:
        """Return up to `most` of what is there; waits for the first where nothing is, or where it is told to.

        Raises:
            whatever reading raised.
        """
        block: list[Any] = []
        if self._now is not None:
            block += islice(self._now, most)
            self.ended = self.ended or len(block) < most
            return block
        while len(block) < most and not self.ended and (not self._read.empty() or (wait and not block)):
            item = await self._read.get()
            if item is _END:
                self.ended = True
                self._read.put_nowait(_END)  # for the others who wait
            else:
                block.append(item)
        if self.ended:
            self._reading.result()
        return block

    def close(self) -> None:
        """Stop reading."""
        if self._now is None:
            self._reading.cancel()

    async def _pump(self, rows: AsyncIterable[Any]) -> None:
        try:
            async for row in rows:
                await self._read.put(row)
        finally:
            await self._read.put(_END)


_END = object()
