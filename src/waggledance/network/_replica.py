"""A simulated peer's side of the network: its key, its own copy of the channel, its door, and how it behaves."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any, TypeVar

import msgspec
from blake3 import blake3

from waggledance.core import Body, Door, Key, Message, MessageId, Proposal, SwarmId
from waggledance.network._copy import Copy
from waggledance.network._faults import Equivocate, Lie
from waggledance.network._sync import Have, have

B = TypeVar("B", bound=Body)
AnyMessage = Message[Any]


def simulated_key(seed: int, swarm: SwarmId, role: str, name: str) -> Key:
    """Return a peer's key: a function of the seed, so that a run can be repeated. Worthless outside the simulator."""
    secret = f"waggle/simulated-key/1\0{seed}\0{swarm.hex()}\0{role}\0{name}"
    return Key(blake3(secret.encode()).digest())


class Replica:
    """One peer (or the asker) in a simulated network.

    Args:
        index: its number: its place among the peers; the asker comes after them.
        name: as people see it.
        key: its secret key.
    """

    def __init__(self, index: int, name: str, key: Key) -> None:
        self.index, self.name, self.key = index, name, key
        self.copy: Copy
        self.door: Door
        self.up = True
        self.down_since = 0.0
        self.neighbours: Sequence[Replica] = ()
        self.last: dict[int, float] = {}
        """When the latest thing sent to each neighbour arrives: links keep their order, unless made to reorder."""
        self.legs: dict[int, int] = {}
        """How many legs of repair were sent to each neighbour: the name of the next one's luck."""
        self.asked: set[bytes] = set()
        """Ids asked for since the last repair."""
        self.lies: tuple[Lie, ...] = ()
        self.equivocations: tuple[Equivocate, ...] = ()
        self.twin: AnyMessage | None = None
        """The latest message of the other branch, of a peer who equivocates."""
        self.recovering = False
        self.heard: dict[int, Have] = {}
        """While recovering: who has answered, and what they have."""
        self.life: asyncio.Task[Any] | None = None
        self.back: asyncio.Future[None] | None = None
        """Set while the peer's coroutine waits for its process to begin again."""
        self._have: tuple[int, Have] | None = None

    def have(self) -> Have:
        """Return what this copy holds; worked out again only when it has grown."""
        if self._have is None or self._have[0] != len(self.copy):
            self._have = (len(self.copy), have(self.copy))
        return self._have[1]

    def forget(self) -> None:
        """Drop what lives in memory only."""
        self._have = None
        self.asked.clear()
        self.heard.clear()

    def worded(self, body: B, now: float) -> B:
        """Return what the peer says in place of what it thinks: the same, unless it lies."""
        for lie in self.lies:
            if isinstance(body, Proposal) and lie.from_s <= now < lie.until_s:
                return msgspec.structs.replace(body, key=lie.key, text=lie.key)
        return body

    def twin_of(self, message: AnyMessage, now: float) -> tuple[Body, MessageId | None] | None:
        """Return body and previous message of a second version of a message; None when the peer is honest by now."""
        for fault in self.equivocations:
            if fault.from_s <= now < fault.until_s:
                twin, body = self.twin, message.body
                follows = twin is not None and twin.sequence == message.sequence - 1
                if isinstance(body, Proposal):
                    body = msgspec.structs.replace(body, key=fault.key, text=fault.key)
                return body, twin.id if twin is not None and follows else message.previous
        return None
