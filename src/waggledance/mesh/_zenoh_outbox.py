"""What waits to go out: a bounded queue from the event loop to the one thread that may be held up by the network."""

from __future__ import annotations

import asyncio
import threading
from collections import Counter, deque
from contextlib import suppress

from waggledance.mesh._transport import MAX_DATAGRAM_BYTES

MAX_QUEUED = 16_384
"""Datagrams."""
MAX_QUEUED_BYTES = 32 << 20
HIGH, LOW = 2, 4
"""Congested above a half of either bound, until below a quarter of both."""
_BATCH, _BATCH_BYTES = 64, 256 << 10


class Outbox:
    """Datagrams in the order in which they were put. `put`, `congested` and `room` belong to the event loop."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self.dropped = Counter[str]()
        self._queue: deque[tuple[str, bytes]] = deque()
        self._bytes = 0
        self._lock = threading.Lock()
        self._something = threading.Condition(self._lock)
        self._waited_for = False
        self._closed = self._abandoned = False
        self._eases = False
        self._room = asyncio.Event()
        self._room.set()

    @property
    def congested(self) -> bool:
        """Whether publishers should wait for `room`."""
        return not self._room.is_set()

    @property
    def idle(self) -> bool:
        """Whether the sending thread waits for something to do."""
        return self._waited_for and not self._queue and not self._closed

    @property
    def closed(self) -> bool:
        """Whether nothing is taken any more."""
        return self._closed

    @property
    def abandoned(self) -> bool:
        """Whether what still waits is to be forgotten."""
        return self._abandoned

    async def room(self) -> None:
        """Return when no longer congested, or closed."""
        await self._room.wait()

    def put(self, key: str, datagram: bytes) -> None:
        """Queue a datagram, or count why not: ``"oversize"``, ``"closed"``, ``"queue"``."""
        size = len(datagram)
        if size > MAX_DATAGRAM_BYTES:
            self.dropped["oversize"] += 1
        elif self._closed:
            self.dropped["closed"] += 1
        elif len(self._queue) >= MAX_QUEUED or self._bytes + size > MAX_QUEUED_BYTES:
            self.dropped["queue"] += 1
        else:
            with self._lock:
                self._queue.append((key, datagram))
                self._bytes += size
                if self._over(HIGH):
                    self._room.clear()
                    self._eases = True
                if self._waited_for:
                    self._something.notify()

    def take(self, wait_s: float) -> list[tuple[str, bytes]]:
        """Return the next few datagrams; none when there were none within `wait_s`, or none are to come.

        Called by the sending thread.
        """
        with self._lock:
            if not self._queue and not self._closed:
                self._waited_for = True
                self._something.wait(wait_s)
                self._waited_for = False
            batch: list[tuple[str, bytes]] = []
            room = _BATCH_BYTES
            while self._queue and room > 0 and len(batch) < _BATCH:
                batch.append(self._queue.popleft())
                room -= len(batch[-1][1])
            self._bytes -= _BATCH_BYTES - room
            if self._eases and not self._over(LOW):
                self._eases = False
                with suppress(RuntimeError):  # the loop has ended
                    self._loop.call_soon_threadsafe(self._ease)
            return batch

    def close(self) -> None:
        """Take nothing any more; what is queued may still be taken out."""
        with self._lock:
            self._closed = True
            self._something.notify()
        self._room.set()

    def abandon(self) -> None:
        """Forget what is queued, and count it as ``"closed"``."""
        with self._lock:
            self._closed = self._abandoned = True
            self.dropped["closed"] += len(self._queue)
            self._queue.clear()
            self._bytes = 0
            self._something.notify()
        self._room.set()

    def _over(self, part: int) -> bool:
        return len(self._queue) > MAX_QUEUED // part or self._bytes > MAX_QUEUED_BYTES // part

    def _ease(self) -> None:
        with self._lock:
            if not self._eases:  # it may have filled again in the meantime
                self._room.set()
