"""Transports that lie: what an honest node sends goes through them and comes out otherwise.

A twist turns one datagram on its way out into any number of them. The node behind it is as honest as any other.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from random import Random

import msgspec

from waggledance.core import Key, PeerFault, PeerId, SwarmId
from waggledance.mesh import Transport
from waggledance.mesh._simulated_transport import SimulatedHub
from waggledance.mesh._transport import Presence, Receive
from waggledance.mesh._wire import Push, open_datagram, seal
from waggledance.network import VirtualLoop

Going = tuple[float, PeerId, bytes]
"""Seconds until it leaves, to whom, and the datagram."""
Twist = Callable[[PeerId, bytes], Sequence[Going]]

KEPT_TO_RESEND = 64


class TwistedTransport:
    """A simulated transport whose datagrams are twisted on their way out, and filtered on their way in.

    Args:
        inner: the simulated transport.
        hub: its hub.
        loop: the virtual loop.
        twists: applied one after the other.
        hears: whose datagrams come in; everybody's when None.
    """

    def __init__(
        self,
        inner: Transport,
        hub: SimulatedHub,
        loop: VirtualLoop,
        twists: Sequence[Twist],
        hears: frozenset[PeerId] | None = None,
    ) -> None:
        self._inner, self._hub, self._loop, self._twists, self._hears = inner, hub, loop, twists, hears

    @property
    def me(self) -> PeerId:
        return self._inner.me

    @property
    def congested(self) -> bool:
        return self._inner.congested

    @property
    def dropped(self) -> Counter[str]:
        return self._inner.dropped

    def listen(self, receive: Receive, presence: Presence) -> None:
        def filtered(datagrams: Sequence[bytes]) -> None:
            receive([d for d in datagrams if self._hears is None or sender_of(d) in self._hears])

        self._inner.listen(filtered, presence)

    def send(self, to: PeerId, datagram: bytes) -> None:
        going: list[Going] = [(0.0, to, datagram)]
        for twist in self._twists:
            going = [(wait + more, who, what) for wait, at, each in going for more, who, what in twist(at, each)]
        for wait, receiver, each in going:
            if wait:
                self._loop.call_later(wait, self._inner.send, receiver, each)
            else:
                self._inner.send(receiver, each)

    def spread(self, datagram: bytes) -> None:
        for other in self._hub.others(self.me):
            self.send(other, datagram)

    async def room(self) -> None:
        await self._inner.room()

    async def close(self) -> None:
        await self._inner.close()


def withholding(receivers: frozenset[PeerId], active: Callable[[], bool]) -> Twist:
    """Return a twist that drops what goes to some."""
    return lambda to, datagram: [] if to in receivers and active() else [(0.0, to, datagram)]


def voting_late(late_s: float) -> Twist:
    """Return a twist that holds back whatever has a prep or an ack in it."""
    return lambda to, datagram: [(late_s if b"prep/1" in datagram or b"ack/1" in datagram else 0.0, to, datagram)]


def resending(rate: float, rng: Random, others: Sequence[PeerId]) -> Twist:
    """Return a twist that sends an old datagram after some of the new ones, to anybody."""
    kept: list[bytes] = []

    def twist(to: PeerId, datagram: bytes) -> Sequence[Going]:
        kept.append(datagram)
        del kept[:-KEPT_TO_RESEND]
        again = [(0.0, rng.choice(others), rng.choice(kept))] if rng.random() < rate else []
        return [(0.0, to, datagram), *again]

    return twist


def misplacing(rate: float, rng: Random, key: Key, swarm: SwarmId) -> Twist:
    """Return a twist that sends the frames of some pushes under the lobby's name, or under one of no channel."""

    def twist(to: PeerId, datagram: bytes) -> Sequence[Going]:
        misplaced: list[Going] = []
        if rng.random() < rate:
            try:
                _, payload = open_datagram(to, swarm, datagram, lambda _: True)
            except PeerFault:  # another twist has been at it
                payload = None
            if isinstance(payload, Push):
                name = rng.choice(("lobby", "nowhere"))
                misplaced = [(0.0, to, seal(key, swarm, to, Push(name, payload.frames)))]
        return [(0.0, to, datagram), *misplaced]

    return twist


def sender_of(datagram: bytes) -> bytes | None:
    """Return who a datagram says it is by; None when it cannot be read."""
    try:
        return _decode(datagram)[1]
    except msgspec.DecodeError:
        return None


_decode = msgspec.msgpack.Decoder(tuple[int, bytes, bytes, bytes]).decode
