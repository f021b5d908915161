"""Give chunks to those who ask, one answer a request, no more a second than is set, and no peer more than its share.

Token buckets, one a peer and one for all: a request costs what its answer is long. Who has had its share is told when
to come again, and that costs a little, too; who asks on regardless is not answered. So a flood of requests costs this
peer next to nothing, and nobody else their share.
"""

from __future__ import annotations

from math import ceil

from waggledance.core import PeerId, UsageError
from waggledance.mesh._blob_messages import (
    CHUNK_BYTES,
    AskBlob,
    BlobPayload,
    GiveChunk,
    HaveBlob,
    NoChunk,
    Sends,
    WantChunk,
)
from waggledance.mesh._blobs import BlobId, Blobs, ChunkId

BYTES_PER_S = 64 << 20
"""To all peers together."""
SHARE = 2
"""One peer gets at most the SHARE-th part of it."""
BURST_S = 0.25
"""How much of a second's bytes may go out at once, but never less than 4 chunks."""
_SMALL_BYTES = 128
"""What an answer without content is counted as."""
_MAX_BUCKETS = 4_096


class _Bucket:
    def __init__(self, bytes_per_s: float, now: float) -> None:
        self.bytes_per_s = bytes_per_s
        self.size = max(4 * CHUNK_BYTES, bytes_per_s * BURST_S)
        self.tokens, self.at = self.size, now

    def fill(self, now: float) -> None:
        self.tokens = min(self.size, self.tokens + max(0.0, now - self.at) * self.bytes_per_s)
        self.at = max(self.at, now)

    def short_s(self, size_bytes: int) -> float:
        """Return how long until that much may go out, in seconds; 0 for now."""
        return max(0.0, size_bytes - self.tokens) / self.bytes_per_s


class BlobServer:
    """The side of a peer that gives.

    Args:
        blobs: what it gives from; all of it, to anybody who knows a hash.
        bytes_per_s: the most that goes out, > 0.

    Raises:
        UsageError: a rate that is not positive.
    """

    def __init__(self, blobs: Blobs, *, bytes_per_s: float = BYTES_PER_S) -> None:
        if not 0 < bytes_per_s < float("inf"):
            raise UsageError(f"blobs are given at a positive number of bytes a second, got {bytes_per_s}")
        self._blobs, self._bytes_per_s = blobs, bytes_per_s
        self._all: _Bucket | None = None
        self._each = dict[PeerId, _Bucket]()

    def on(self, sender: PeerId, payload: BlobPayload, now: float) -> Sends:
        """Answer a request; what is no request is passed over."""
        match payload:
            case AskBlob():
                answer = self._what_is_here(payload)
                return self._within(sender, answer, len(answer.chunks) + len(answer.have), now)
            case WantChunk():
                chunk = ChunkId(payload.chunk)
                size_bytes = CHUNK_BYTES if self._blobs.holds(chunk) else 0
                return self._within(sender, payload, size_bytes, now)
            case _:
                return []

    def _what_is_here(self, ask: AskBlob) -> HaveBlob:
        chunks = self._blobs.list_of(BlobId(ask.blob)) or ()
        have = bytearray((len(chunks) + 7) // 8)
        for i, chunk in enumerate(chunks):
            have[i >> 3] |= self._blobs.holds(chunk) << (i & 7)
        return HaveBlob(ask.blob, b"" if ask.listed else b"".join(chunks), bytes(have))

    def _within(self, peer: PeerId, answer: HaveBlob | WantChunk, size_bytes: int, now: float) -> Sends:
        """Answer if both buckets allow; else say when they will; else nothing."""
        everybody, own = self._buckets(peer, now)
        cost = size_bytes + _SMALL_BYTES
        wait_s = max(everybody.short_s(cost), own.short_s(cost))
        if wait_s > 0 and own.tokens < _SMALL_BYTES:
            return []
        if wait_s > 0:
            own.tokens -= _SMALL_BYTES
            if isinstance(answer, HaveBlob):
                return []
            return [(peer, NoChunk(answer.chunk, min(60_000, ceil(1000 * wait_s))))]
        everybody.tokens -= cost
        own.tokens -= cost
        if isinstance(answer, HaveBlob):
            return [(peer, answer)]
        content = self._blobs.chunk(ChunkId(answer.chunk))
        return [(peer, NoChunk(answer.chunk) if content is None else GiveChunk(answer.chunk, content))]

    def _buckets(self, peer: PeerId, now: float) -> tuple[_Bucket, _Bucket]:
        if self._all is None:
            self._all = _Bucket(self._bytes_per_s, now)
        own = self._each.get(peer)
        if own is None:
            if len(self._each) >= _MAX_BUCKETS:
                del self._each[min(self._each, key=lambda other: self._each[other].at)]
            own = self._each[peer] = _Bucket(self._bytes_per_s / SHARE, now)
        self._all.fill(now)
        own.fill(now)
        return self._all, own
