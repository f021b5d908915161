"""What has come in: from the threads that receive to the event loop, with one wake-up for all that came meanwhile."""

from __future__ import annotations

import asyncio
import threading
from collections import Counter, deque
from contextlib import suppress

from waggledance.core import PeerId
from waggledance.mesh._transport import MAX_DATAGRAM_BYTES, Presence, Receive
from waggledance.mesh._zenoh_checksum import checked

MAX_WAITING_BYTES = 64 << 20
"""How much may wait for a loop that is held up; what comes beyond that is dropped and counted as ``"inbox"``."""
MAX_BATCH = 256
"""Datagrams handed over at once, so that other work gets its turn in a flood."""


class Inbox:
    """Datagrams in their order, and who came up or went down. `arrive` and `seen` are called by any thread."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self.dropped = Counter[str]()
        self._datagrams: deque[bytes] = deque()
        self._sightings: deque[tuple[PeerId, bool]] = deque()
        self._bytes = 0
        self._lock = threading.Lock()
        self._woken = False
        self._closed = False
        self._receive: Receive | None = None
        self._presence: Presence | None = None
        self._up: set[PeerId] = set()

    @property
    def up(self) -> frozenset[PeerId]:
        """Whose session is up, as far as is known here."""
        return frozenset(self._up)

    def open(self, receive: Receive, presence: Presence) -> None:
        """Begin to hand over, starting with what already waits. Called on the event loop."""
        self._receive, self._presence = receive, presence
        for peer in self._up:
            presence(peer, True)
        self._woken = True
        self._loop.call_soon(self._hand_over)

    def arrive(self, carried: bytes) -> None:
        """Keep a datagram, which has its checksum behind it, for the loop; or count why not."""
        datagram = checked(carried)
        with self._lock:
            if self._closed:
                return
            if datagram is None:
                self.dropped["damaged"] += 1
                return
            if len(datagram) > MAX_DATAGRAM_BYTES:
                self.dropped["oversize"] += 1
                return
            if self._bytes + len(datagram) > MAX_WAITING_BYTES:
                self.dropped["inbox"] += 1
                return
            self._datagrams.append(datagram)
            self._bytes += len(datagram)
            self._wake()

    def seen(self, peer: PeerId, up: bool) -> None:
        """Keep for the loop that a peer's session came up or went down."""
        with self._lock:
            if not self._closed:
                self._sightings.append((peer, up))
                self._wake()

    def close(self) -> None:
        """Hand over nothing any more."""
        with self._lock:
            self._closed = True
            self._datagrams.clear()
            self._sightings.clear()

    def _wake(self) -> None:
        if not self._woken:
            self._woken = True
            with suppress(RuntimeError):  # the loop has ended
                self._loop.call_soon_threadsafe(self._hand_over)

    def _hand_over(self) -> None:
        with self._lock:
            sightings = list(self._sightings)
            self._sightings.clear()
            batch: list[bytes] = []
            if self._receive is not None:
                while self._datagrams and len(batch) < MAX_BATCH:
                    batch.append(self._datagrams.popleft())
                self._bytes -= sum(map(len, batch))
            self._woken = bool(self._datagrams) and self._receive is not None
        if self._woken:
            self._loop.call_soon(self._hand_over)
        for peer, up in sightings:
            if (peer in self._up) is not up:
                (self._up.add if up else self._up.discard)(peer)
                if self._presence is not None:
                    self._presence(peer, up)
        if batch and self._receive is not None:
            self._receive(batch)
