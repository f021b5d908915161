"""A transport in virtual time: the simulator's links, delays, losses and faults, under the mesh's own nodes.

The same nodes that speak over a real network run on it, thousands of schedules a minute, each a function of its seed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from waggledance.core import Key, PeerId
from waggledance.mesh._transport import MAX_DATAGRAM_BYTES, Presence, Receive
from waggledance.network import Constant, Delay, Fault, Post, Replica, VirtualLoop, Weather


class SimulatedHub:
    """The links between simulated peers.

    Args:
        loop: the virtual loop that everything runs on.
        keys: the peers' keys, in their order.
        names: the peers' names, for faults.
        seed: of all luck, 0 ≤ seed < 2**128.
        delay: how long a leg takes.
        loss: chance that a leg is lost.
        duplicate: chance that it arrives twice.
        reorder: chance that later ones overtake it.
        bit_flip: chance that one bit of it arrives flipped.
        faults: what goes wrong on the links, and when: `Partition`, `Slow`, `SlowLink`, `Silent`, `Pause`.
    """

    def __init__(
        self,
        loop: VirtualLoop,
        keys: Sequence[Key],
        names: Sequence[str],
        *,
        seed: int = 0,
        delay: Delay | None = None,
        loss: float = 0.0,
        duplicate: float = 0.0,
        reorder: float = 0.0,
        bit_flip: float = 0.0,
        faults: Sequence[Fault] = (),
    ) -> None:
        self._replicas = [Replica(i, name, key) for i, (name, key) in enumerate(zip(names, keys, strict=True))]
        self._by_peer = {replica.key.peer: replica for replica in self._replicas}
        self._transports: dict[PeerId, list[SimulatedTransport]] = {}
        self._post = Post(
            loop, seed=seed, weather=Weather(faults, names), delay=delay or Constant(0.0), loss=loss,
            duplicate=duplicate, reorder=reorder, bit_flip=bit_flip, deliver=self._deliver,
        )  # fmt: skip
        self.sent = 0
        """How many datagrams were put on their way."""
        self.sent_bytes = 0

    def transport(self, peer: PeerId) -> SimulatedTransport:
        """Return a peer's way to the others; its process is up from now on. A second one is a second process."""
        self._by_peer[peer].up = True
        transport = SimulatedTransport(peer, self)
        self._transports.setdefault(peer, []).append(transport)
        return transport

    def carry(self, sender: PeerId, to: PeerId, datagram: bytes) -> None:
        """Put a datagram on its way, unless its sender is gone or away."""
        receiver, from_ = self._by_peer.get(to), self._by_peer[sender]
        if receiver is not None and from_.up:
            self.sent += 1
            self.sent_bytes += len(datagram)
            self._post.send(from_, receiver, datagram)

    def others(self, peer: PeerId) -> list[PeerId]:
        """Return everybody else."""
        return [other for other in self._by_peer if other != peer]

    def down(self, peer: PeerId) -> None:
        """Let a peer's process be gone: what arrives is lost, and the others get a hint."""
        self.away(peer)
        del self._transports[peer]

    def away(self, peer: PeerId) -> None:
        """Let a peer be without a network: what it sends and what arrives is lost, and the others get a hint."""
        self._seen(peer, up=False)

    def back(self, peer: PeerId) -> None:
        """Let a peer that was away be back, with a new address."""
        self._seen(peer, up=True)

    def close(self) -> None:
        """Drop what is on its way."""
        self._post.close()

    def _seen(self, peer: PeerId, *, up: bool) -> None:
        self._by_peer[peer].up = up
        for other, transports in self._transports.items():
            for transport in transports if other != peer else ():
                transport.hint(peer, up=up)

    def _deliver(self, receiver: Replica, sender: Replica, payload: object) -> None:
        if isinstance(payload, bytes):
            for transport in self._transports.get(receiver.key.peer, ()):
                transport.take(payload)


class SimulatedTransport:
    """One peer's way to the others of a `SimulatedHub`; see `Transport`."""

    def __init__(self, me: PeerId, hub: SimulatedHub) -> None:
        self.me, self._hub = me, hub
        self.congested = False
        self.dropped: Counter[str] = Counter()
        self._receive: Receive | None = None
        self._presence: Presence | None = None

    def listen(self, receive: Receive, presence: Presence) -> None:
        self._receive, self._presence = receive, presence

    def send(self, to: PeerId, datagram: bytes) -> None:
        if len(datagram) > MAX_DATAGRAM_BYTES:
            self.dropped["oversize"] += 1
        elif to != self.me:
            self._hub.carry(self.me, to, datagram)

    def spread(self, datagram: bytes) -> None:
        for other in self._hub.others(self.me):
            self.send(other, datagram)

    async def room(self) -> None:
        return

    async def close(self) -> None:
        self._receive = self._presence = None

    def take(self, datagram: bytes) -> None:
        """Hand over what has arrived."""
        if self._receive is not None:
            self._receive((datagram,))

    def hint(self, peer: PeerId, *, up: bool) -> None:
        """Say that a peer's session came up or went down."""
        if self._presence is not None:
            self._presence(peer, up)
