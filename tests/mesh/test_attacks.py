"""Attacks on the network, each against real nodes in virtual time: what is refused, that it is counted, that work goes on.

Ids are those of the project's threat catalogue; what is open is listed in docs/in-depth/security.md.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

import msgspec

from waggledance.core import (
    Channel,
    Key,
    Member,
    Message,
    Note,
    Opening,
    PeerId,
    Question,
    frame,
)
from waggledance.mesh import LOBBY, Limits, Node
from waggledance.mesh._wire import Payload, Push, seal
from waggledance.testing import SimulatedMesh, on_virtual_time

T = TypeVar("T")
AnyMessage = Message[Any]
EVE = Key(b"e" * 32)
"""Nobody's member."""


class Wire:
    """The links of a simulated mesh in the hands of an attacker: it sees, stops and adds what it likes."""

    def __init__(self, mesh: SimulatedMesh) -> None:
        self.mesh = mesh
        self.seen: list[tuple[PeerId, PeerId, bytes]] = []
        self.stops: Callable[[PeerId, PeerId, bytes], bool] = lambda sender, to, datagram: False
        self._carry = mesh.hub.carry
        mesh.hub.carry = self._see

    def _see(self, sender: PeerId, to: PeerId, datagram: bytes) -> None:
        self.seen.append((sender, to, datagram))
        if not self.stops(sender, to, datagram):
            self._carry(sender, to, datagram)

    def put(self, to: str, datagram: bytes) -> None:
        """Let a datagram arrive, from wherever."""
        for transport in self.mesh.hub._transports[self.mesh.keys[to].peer]:
            transport.take(datagram)

    def sealed(self, key: Key, to: str, payload: Payload) -> bytes:
        return seal(key, self.mesh.genesis.swarm, self.mesh.keys[to].peer, payload)

    def push(self, to: str, *messages: AnyMessage, sender: Key = EVE, channel: str = "") -> None:
        """Let frames arrive under a channel's name and anybody's key."""
        self.put(to, self.sealed(sender, to, Push(channel or messages[0].channel, tuple(map(frame, messages)))))

    def bytes_to(self, peer: PeerId) -> int:
        return sum(len(datagram) for _, to, datagram in self.seen if to == peer)


def attacked(
    attack: Callable[[SimulatedMesh, Wire], Coroutine[Any, Any, T]], n: int = 4, *, limits: Limits | None = None,
    **options: Any,
) -> T:  # fmt: skip
    """Run an attack on a simulated mesh with the limits that swarms have unless they say otherwise."""

    async def main() -> T:
        async with SimulatedMesh(n, limits=limits or Limits(), **options) as mesh:
            return await attack(mesh, Wire(mesh))

    return on_virtual_time(main())


def notes(key: Key, mesh: SimulatedMesh, n: int, *, channel: str = LOBBY, size: int = 10) -> list[AnyMessage]:
    """Return a chain of notes by somebody, each signed."""
    desk = Channel(mesh.genesis.swarm, channel)
    return [key.signed(desk.publish(key.peer, Note(about="noise", text="x" * size), [], i)) for i in range(n)]


def opening(asker: Key, mesh: SimulatedMesh, channel: str, members: list[Member], **fields: Any) -> Message[Opening]:
    body = Opening(question=Question(text="2+2?"), members=tuple(members), protocol="vote", **fields)
    return asker.signed(Channel(mesh.genesis.swarm, channel).publish(asker.peer, body, [], 0))


def unsigned(message: AnyMessage) -> AnyMessage:
    return msgspec.structs.replace(message, signature=b"")


def forged(message: AnyMessage) -> AnyMessage:
    return msgspec.structs.replace(message, signature=b"\x01" * 64)


# -- D1: forged, altered, replayed ------------------------------------------------------------------------------


def test_attack_d1_bytes_that_are_no_text_or_nested_without_end_are_refused_and_the_rest_is_taken() -> None:
    async def attack(mesh: SimulatedMesh, wire: Wire) -> Node:
        node, p1 = mesh.nodes["p0"], mesh.keys["p1"]
        encode = msgspec.msgpack.encode
        no_text = encode(["push", msgspec.Raw(b"\xa2\xff\xfe"), []])
        endless = b"\x93\xa4push\xa2q1\x90"[:1] + b"\xa4push\xa2q1" + b"\x91" * 100_000
        in_a_tail = b"\x94\xa4push\xa2q1\x90" + b"\x91" * 100_000 + b"\x90"
        around = b"\x95\x01\xc4\x20" + p1.peer + b"\xc4\x00\xc4\x00" + b"\x91" * 100_000 + b"\x90"
        for payload in (no_text, endless, in_a_tail):
            wire.put("p0", encode([1, p1.peer, payload, b""]))
        wire.put("p0", around)
        wire.put("p0", b"")
        return node

    assert attacked(attack).refusals()["malformed"] == 5
