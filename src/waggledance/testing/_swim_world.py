"""Failure detectors of a whole swarm in virtual time, under loss, delay, crashes, pauses and partitions.

Seeded: the same seed gives the same run. Nothing but a heap of arrivals and alarms.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from functools import lru_cache
from heapq import heappop, heappush
from random import Random

import msgspec
from blake3 import blake3

from waggledance.core import Key, MessageId, PeerId, UsageError, signature_holds, swarm_id
from waggledance.mesh import Swim
from waggledance.mesh._swim_messages import Ping, PingReply, PingRequest, Pong, SwimPayload

ENVELOPE_BYTES = 106
"""Sender, signature, version and lengths around a payload on the mesh."""
SWARM = swarm_id("swim-world")

_encode = msgspec.msgpack.Encoder().encode
_decode: Callable[[bytes], SwimPayload] = msgspec.msgpack.Decoder(Ping | Pong | PingRequest | PingReply).decode


@lru_cache(maxsize=1 << 14)
def _verify(author: PeerId, id: MessageId, signature: bytes) -> bool:
    """Verify once what a whole swarm would verify on as many machines."""
    return signature_holds(author, id, signature)


class SwimWorld:
    """N failure detectors and the network between them.

    Args:
        n: how many, 1 or more.
        seed: of keys, order, loss and delay.
        loss: chance that a datagram is lost, per leg, 0 to 1.
        delay_s: mean of the exponential delay of a leg, beside a constant 1 ms.
        period_s: protocol period.
        make: makes a detector; `Swim` or a variant of it.

    Raises:
        UsageError: fewer than one peer, or a loss that is no chance.
    """

    def __init__(
        self,
        n: int,
        *,
        seed: int,
        loss: float = 0.0,
        delay_s: float = 0.005,
        period_s: float = 1.0,
        make: Callable[..., Swim] = Swim,
    ) -> None:
        if n < 1 or not 0 <= loss <= 1:
            raise UsageError(f"a world has one peer or more and a loss of 0 to 1, got {n} and {loss!r}")
        self.now, self.loss, self.delay_s, self.period_s = 0.0, loss, delay_s, period_s
        self._rng, self._make, self._seed = Random(seed), make, seed
        keys = (Key(blake3(f"{seed}/{index}".encode()).digest()) for index in range(n))
        self.keys = {key.peer: key for key in keys}
        self.peers: Sequence[PeerId] = tuple(self.keys)
        self.swims: dict[PeerId, Swim] = {}
        self.crashed: set[PeerId] = set()
        self.slow: dict[PeerId, float] = {}
        """Mean of what a peer's own lateness adds to each arrival, seconds."""
        self.side: dict[PeerId, int] = {}
        """During a partition: which side a peer is on, 0 when it is not named."""
        self.slowest_s = 0.0
        """The longest leg so far; set it back as you like."""
        self.sent: Counter[PeerId] = Counter()
        """Datagrams, by sender."""
        self.sent_bytes: Counter[PeerId] = Counter()
        """Their sizes with the envelope."""
        self._hung: dict[PeerId, list[tuple[PeerId, bytes]]] = {}
        self._heap: list[tuple[float, int, PeerId, PeerId | None, bytes]] = []
        self._serial = 0
        self._alarms: dict[PeerId, float] = {}
        for peer in self.peers:
            self.start(peer, 0)

    def start(self, peer: PeerId, incarnation: int) -> None:
        """Start a peer, or start it again after a crash, with what it kept: an incarnation."""
        rng = Random(f"{self._seed}/{peer.hex()}/{incarnation}")
        swim = self._make(
            self.keys[peer], SWARM, rng=rng, incarnation=incarnation, period_s=self.period_s, verify=_verify
        )
        self.swims[peer] = swim
        self.crashed.discard(peer)
        swim.know(self.peers, self.now)
        self._alarms.pop(peer, None)
        self._set_alarm(peer)

    def hang(self, peer: PeerId) -> None:
        """Stop a process: what arrives waits for it."""
        self._hung[peer] = []

    def resume(self, peer: PeerId) -> None:
        """Let a stopped process go on, and read what has waited, as one loop would: alarms first."""
        waited = self._hung.pop(peer)
        self.send(peer, self.swims[peer].tick(self.now))
        for sender, encoded in waited:
            self.send(peer, self.swims[peer].on(sender, _decode(encoded), self.now))

    def hint(self, about: PeerId, up: bool) -> None:
        """Tell everybody that a session went down or up."""
        for peer in self.peers:
            if peer != about and peer not in self.crashed:
                self.send(peer, self.swims[peer].hint(about, up, self.now))

    def send(self, sender: PeerId, out: Sequence[tuple[PeerId, SwimPayload]]) -> None:
        """Put datagrams on their way, and set the sender's alarm anew."""
        for to, payload in out:
            encoded = _encode(payload)
            self.sent[sender] += 1
            self.sent_bytes[sender] += len(encoded) + ENVELOPE_BYTES
            parted = self.side.get(sender, 0) != self.side.get(to, 0)
            if parted or self._rng.random() < self.loss:
                continue
            delay_s = 0.001 + self._rng.expovariate(1 / self.delay_s)
            if to in self.slow:
                delay_s += self._rng.expovariate(1 / self.slow[to])
            self.slowest_s = max(self.slowest_s, delay_s)
            self._push(self.now + delay_s, to, sender, encoded)
        self._set_alarm(sender)

    def run(self, until: float, done: Callable[[], bool] | None = None) -> float:
        """Let time pass, to `until` or to when `done`, asked twenty times a period; return the time."""
        look_at = self.now
        while self._heap and self._heap[0][0] <= until:
            if done is not None and self._heap[0][0] >= look_at:
                look_at += self.period_s / 20
                if done():
                    return self.now
                continue
            self._step()
        self.now = until
        return self.now

    def everyone_else(self, about: PeerId, *statuses: str) -> bool:
        """Return whether all who run, but the one itself, hold it for one of these."""
        return all(
            self.swims[peer].state(about).status in statuses
            for peer in self.peers
            if peer != about and peer not in self.crashed
        )

    def counted(self, what: str) -> int:
        """Return the sum of a count over all peers."""
        return sum(swim.counted[what] for swim in self.swims.values())

    def _step(self) -> None:
        self.now, _, to, sender, encoded = heappop(self._heap)
        if sender is None:
            if self._alarms.get(to) != self.now:
                return
            del self._alarms[to]
        if to in self.crashed:
            return
        if to in self._hung:
            if sender is not None:
                self._hung[to].append((sender, encoded))
            return
        swim = self.swims[to]
        self.send(to, swim.tick(self.now) if sender is None else swim.on(sender, _decode(encoded), self.now))

    def _set_alarm(self, peer: PeerId) -> None:
        at = max(self.swims[peer].next_at, self.now)
        if at < self._alarms.get(peer, float("inf")):
            self._alarms[peer] = at
            self._push(at, peer, None, b"")

    def _push(self, at: float, to: PeerId, sender: PeerId | None, encoded: bytes) -> None:
        self._serial += 1
        heappush(self._heap, (at, self._serial, to, sender, encoded))
