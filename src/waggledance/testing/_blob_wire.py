"""One peer that fetches a blob from providers behind uplinks of one speed, in virtual time; some of them lie or die."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Sequence
from random import Random

from waggledance.core import PeerId, local_peer_id
from waggledance.mesh import BlobFetch, BlobPayload, Blobs, BlobServer, GiveChunk
from waggledance.testing._in_memory import MemoryBlobs

ME = local_peer_id("me")
Lie = Callable[[float, BlobPayload], BlobPayload | None]
"""What a provider sends at a time, in seconds, in place of the truth; None for nothing."""


def honest(now: float, payload: BlobPayload) -> BlobPayload:
    """Send what is asked for."""
    return payload


def silent(now: float, payload: BlobPayload) -> None:
    """Send nothing."""


def corrupt(now: float, payload: BlobPayload) -> BlobPayload:
    """Spoil the last byte of every chunk."""
    return GiveChunk(payload.chunk, payload.content[:-1] + b"!") if isinstance(payload, GiveChunk) else payload


class Wire:
    """Providers behind uplinks of one speed, each with what it does instead of the truth."""

    def __init__(self, content: bytes, lies: Sequence[Lie], *, loss: float = 0.0, seed: int = 0) -> None:
        self.luck, self.loss, self.bytes_per_s, self.delay_s = Random(seed), loss, 12.5e6, 0.01
        self.peers = [local_peer_id(f"provider {i}") for i in range(len(lies))]
        self.lies = dict(zip(self.peers, lies, strict=True))
        self.servers = dict[PeerId, BlobServer]()
        for peer in self.peers:
            blobs = MemoryBlobs()
            self.blob = blobs.put(content)
            self.servers[peer] = BlobServer(blobs, bytes_per_s=2 * self.bytes_per_s)
        self.content, self.now, self.given = content, 0.0, dict.fromkeys(self.peers, 0)

    def fetch(self, blobs: Blobs, **options: float) -> BlobFetch:
        """Return a fetch that asks all providers."""
        return BlobFetch(self.blob, len(self.content), blobs, self.peers, self.luck, self.now, **options)

    def run(self, fetch: BlobFetch, until: Callable[[], bool] = lambda: False) -> float:
        """Let time pass until the fetch is over; return how long it took, in seconds."""
        began = self.now
        events: list[tuple[float, int, PeerId | None, BlobPayload | None]] = []
        free, number = dict.fromkeys(self.peers, 0.0), 0

        def carry(sends: list[tuple[PeerId, BlobPayload]]) -> None:
            nonlocal number
            for to, payload in sends:
                if self.luck.random() < self.loss:
                    continue
                for _, answer in self.servers[to].on(ME, payload, self.now):
                    said = self.lies[to](self.now, answer)
                    if said is None or self.luck.random() < self.loss:
                        continue
                    size = len(said.content) if isinstance(said, GiveChunk) else 100
                    self.given[to] += size
                    free[to] = max(free[to], self.now) + size / self.bytes_per_s
                    number += 1
                    heapq.heappush(events, (free[to] + 2 * self.delay_s, number, to, said))

        carry(fetch.tick(self.now))
        while fetch.next_at is not None and not until():
            if events and events[0][0] <= fetch.next_at:
                self.now, _, sender, payload = heapq.heappop(events)
                assert sender is not None
                assert payload is not None
                carry(fetch.on(sender, payload, self.now))
            else:
                assert fetch.next_at >= self.now
                self.now = max(self.now, fetch.next_at)
                carry(fetch.tick(self.now))
        return self.now - began
