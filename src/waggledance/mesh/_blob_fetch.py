"""Fetch a blob from several peers at a time; believe hashes, and nobody.

A machine without sockets and clocks: what arrives and what time it is go in, what to send comes out. It asks everybody
who may have the blob for the list and for what is there, then spreads its requests in a random order, so that peers who
fetch at one time come to have different chunks and give them to each other. When nothing is left to ask for, what is
slow to come is asked of one more who is idle. A peer whose chunk does not have the hash
that it was asked for is not asked again; one that stays silent is asked rarely, and what it owes is asked of others.
What has arrived is on the disk at once, so a fetch that was killed goes on where it stopped, by being made anew.

Source: Yang et al. 2025, "Lattica", arXiv:2510.00183 (chunks by hash from ranked providers); Cohen 2003, "Incentives
Build Robustness in BitTorrent" (chunks in an order of each peer's own, partial holders give, too).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from random import Random

from waggledance.core import PeerFault, PeerId, UsageError, show
from waggledance.mesh._blob_messages import (
    CHUNK_BYTES,
    MAX_CHUNKS,
    AskBlob,
    BlobPayload,
    GiveChunk,
    HaveBlob,
    NoChunk,
    Sends,
    WantChunk,
)  # fmt: skip
from waggledance.mesh._blob_provider import Provider
from waggledance.mesh._blobs import BlobId, Blobs, BlobsFull, ChunkId, blob_id

ASK_AGAIN_S = 0.25
"""After which a peer that has nothing for us is asked again what it has; twice as long each time it is silent."""
PATIENCE_S = 60.0
"""How long nothing new may arrive."""


class BlobFetch:
    """One blob on its way here.

    Args:
        blob: what is wanted.
        size_bytes: how large it is said to be; what turns out otherwise is refused.
        blobs: where it goes. What is there already is not asked for.
        providers: who may have it; more can be added later.
        luck: draws the order of chunks and peers.
        now: seconds, on the clock that all `now` are read from.
        patience_s: how long to go on while nothing new arrives.

    Raises:
        UsageError: nobody to ask, a size that no blob has, or a patience that is not positive.
    """

    def __init__(
        self,
        blob: BlobId,
        size_bytes: int,
        blobs: Blobs,
        providers: Iterable[PeerId],
        luck: Random,
        now: float,
        *,
        patience_s: float = PATIENCE_S,
    ) -> None:
        if not 0 <= size_bytes <= MAX_CHUNKS * CHUNK_BYTES:
            raise UsageError(f"a blob has 0 to {MAX_CHUNKS * CHUNK_BYTES:,} bytes, got {size_bytes:,}")
        if not patience_s > 0:
            raise UsageError(f"a fetch needs a positive patience in seconds, got {patience_s}")
        self.blob, self.size_bytes = blob, size_bytes
        self.done = False
        """Whether all of it is in the folder."""
        self.failed = ""
        """Why it was given up: a sentence; empty while it goes on."""
        self._blobs, self._luck, self._patience_s = blobs, luck, patience_s
        self._progress_at = self._ticked_at = now
        self._providers = {peer: Provider(peer) for peer in dict.fromkeys(providers)}
        if not self._providers:
            raise UsageError(f"there is nobody to fetch blob {show(blob)} from; name at least one peer")
        self._chunks: tuple[ChunkId, ...] | None = None
        self._missing = set[ChunkId]()
        self._wanted = list[ChunkId]()
        if not size_bytes and blob == blob_id(()):
            blobs.keep_list(blob, ())
        chunks = blobs.list_of(blob)
        if chunks is not None:
            self._know(chunks)

    @property
    def faults(self) -> dict[PeerId, str]:
        """Who is not asked any more, and why."""
        return {peer: provider.fault for peer, provider in self._providers.items() if provider.fault}

    @property
    def asked(self) -> int:
        """How many peers are asked."""
        return len(self._providers) - len(self.faults)

    @property
    def next_at(self) -> float | None:
        """When to call `tick` next, if nothing arrives before; None when it is over."""
        if self.done or self.failed:
            return None
        times = [self._progress_at + self._patience_s]
        for provider in self._providers.values():
            if not provider.fault:
                times += provider.wakes_at()
                if not provider.out:
                    times.append(provider.ask_at)
        if not self._wanted:
            times += [at for at in self._slow().values() if at > self._ticked_at]
        return min(times)

    def add(self, providers: Iterable[PeerId]) -> None:
        """Learn of more peers that may have it; those known already stay as they are known."""
        for peer in providers:
            self._providers.setdefault(peer, Provider(peer))

    def on(self, sender: PeerId, payload: BlobPayload, now: float) -> Sends:
        """Take what a peer sent; return what to send. What was not asked of this peer is passed over."""
        provider = self._providers.get(sender)
        if self.done or self.failed or provider is None or provider.fault:
            return []
        try:
            match payload:
                case HaveBlob():
                    self._heard(provider, payload, now)
                case GiveChunk():
                    self._took(provider, ChunkId(payload.chunk), payload.content, now)
                case NoChunk():
                    self._refused(provider, ChunkId(payload.chunk), payload.wait_ms, now)
                case _:
                    return []
        except PeerFault as fault:
            self._blame(provider, fault)
        except BlobsFull as full:
            self.failed = str(full)
        return self.tick(now)

    def tick(self, now: float) -> Sends:
        """Let time pass; return what to send."""
        if self.done or self.failed:
            return []
        self._ticked_at = now
        for provider in self._providers.values():
            self._wanted += [chunk for chunk in provider.lapsed(now) if self._is_free(chunk)]
        if all(provider.fault for provider in self._providers.values()):
            self.failed = self._given_up("nobody is left to ask")
        elif now - self._progress_at >= self._patience_s:
            self.failed = self._given_up(f"nothing new came for {self._patience_s:g} s")
        return [] if self.failed else self._ask(now)

    def _ask(self, now: float) -> Sends:
        sends = Sends()
        providers = list(self._providers.values())
        self._luck.shuffle(providers)
        for provider in providers:
            if provider.fault:
                continue
            room = provider.room(now)
            while room > 0 and (chunk := self._next_for(provider)) is not None:
                provider.asked(chunk, now)
                sends.append((provider.peer, WantChunk(chunk)))
                room -= 1
            if room > 0 and not provider.out and not self._wanted:
                slow = [c for c, at in sorted(self._slow().items()) if at <= now and c in provider.has]
                if slow:
                    provider.asked(slow[0], now)
                    sends.append((provider.peer, WantChunk(slow[0])))
            if not provider.out and provider.ask_at <= now:
                provider.ask_at = now + ASK_AGAIN_S * 2 ** min(4, provider.silent)
                sends.append((provider.peer, AskBlob(self.blob, self._chunks is not None)))
        return sends

    def _next_for(self, provider: Provider) -> ChunkId | None:
        for i in range(len(self._wanted) - 1, -1, -1):
            if self._wanted[i] in provider.has:
                return self._wanted.pop(i)
        return None

    def _slow(self) -> dict[ChunkId, float]:
        """Return when what is asked of one peer only becomes slow to come: after twice what the quickest peer takes."""
        usual_s = min(provider.usual_s for provider in self._providers.values())
        asked = Counter(chunk for provider in self._providers.values() for chunk in provider.out)
        return {
            chunk: min(until, at + 2 * usual_s)
            for provider in self._providers.values()
            for chunk, (at, until) in provider.out.items()
            if asked[chunk] == 1 and chunk in self._missing
        }

    def _is_free(self, chunk: ChunkId) -> bool:
        """Say whether a chunk is missing and nobody is being asked for it."""
        return chunk in self._missing and not any(chunk in provider.out for provider in self._providers.values())

    def _heard(self, provider: Provider, heard: HaveBlob, now: float) -> None:
        if heard.blob != self.blob:
            return
        if heard.chunks:
            if len(heard.chunks) % 32:
                raise PeerFault("malformed", "its list of chunks is not made of hashes")
            chunks = tuple(ChunkId(heard.chunks[i : i + 32]) for i in range(0, len(heard.chunks), 32))
            self._blobs.keep_list(self.blob, chunks)
            if self._chunks is None:
                self._progress_at = now
                self._know(chunks)
        if self._chunks is None or self.failed:
            return
        if len(heard.have) > (len(self._chunks) + 7) // 8:
            raise PeerFault("malformed", "it says to have more chunks than there are")
        has = {chunk for i, chunk in enumerate(self._chunks) if heard.have[i >> 3 : (i >> 3) + 1] and _bit(heard, i)}
        provider.has, provider.silent = has, 0
        provider.ask_at = max(provider.ask_at, now + ASK_AGAIN_S)

    def _know(self, chunks: tuple[ChunkId, ...]) -> None:
        if len(chunks) != -(-self.size_bytes // CHUNK_BYTES):
            self.failed = self._given_up(f"it has {len(chunks)} chunks, and not {self.size_bytes:,} bytes as was said")
            return
        self._chunks = chunks
        self._missing = set(self._blobs.missing(self.blob))
        self._wanted = sorted(self._missing)
        self._luck.shuffle(self._wanted)
        self._finish()

    def _took(self, provider: Provider, chunk: ChunkId, content: bytes, now: float) -> None:
        if chunk not in self._missing:
            provider.out.pop(chunk, None)
            return
        self._blobs.keep(chunk, content)
        provider.gave(chunk, now)
        for other in self._providers.values():
            other.dropped(chunk)
        self._missing.discard(chunk)
        if chunk in self._wanted:
            self._wanted.remove(chunk)
        self._progress_at = now
        self._finish()

    def _refused(self, provider: Provider, chunk: ChunkId, wait_ms: int, now: float) -> None:
        if chunk not in provider.out:
            return
        if wait_ms:
            provider.said_wait(chunk, now + wait_ms / 1000)
        else:
            del provider.out[chunk]
            provider.has = provider.has - {chunk}
        if self._is_free(chunk):
            self._wanted.append(chunk)

    def _blame(self, provider: Provider, fault: PeerFault) -> None:
        owed = list(provider.out)
        provider.out.clear()
        provider.fault = str(fault)
        self._wanted += [chunk for chunk in owed if self._is_free(chunk) and chunk not in self._wanted]

    def _finish(self) -> None:
        if not self._missing and not self.failed:
            held = self._blobs.size_bytes(self.blob)
            if held != self.size_bytes:
                self.failed = self._given_up(f"it has {held:,} bytes, and not {self.size_bytes:,} as was said")
            self.done = not self.failed

    def _given_up(self, why: str) -> str:
        known = "the list" if self._chunks is None else f"{len(self._missing)} of {len(self._chunks)} chunks"
        peers = "; ".join(str(provider) for provider in self._providers.values())
        return f"blob {show(self.blob)}: {why}; {known} missing; asked: {peers}. Name other peers, or try again later"


def _bit(heard: HaveBlob, i: int) -> bool:
    return bool(heard.have[i >> 3] >> (i & 7) & 1)
