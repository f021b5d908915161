"""Local: everybody in one process, around one copy of the channel. Messages are hashed and not signed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, TypeVar

from waggledance.core import Channel, LoopClock, PeerId, SwarmId, local_peer_id
from waggledance.network._network import Listener

T = TypeVar("T")


class Local:
    """The default network: one process, real time."""

    name = "local"
    remote = False

    def gather(self, swarm: SwarmId, channel: str, names: Sequence[str]) -> LocalGathering:
        """Open a channel with these peers at it."""
        return LocalGathering(swarm, channel, names)


class LocalGathering:
    """One channel in this process."""

    certify = None
    certificate = ""
    spent = None
    notes: tuple[str, ...] = ()

    def __init__(self, swarm: SwarmId, channel: str, names: Sequence[str]) -> None:
        self.clock = LoopClock()
        self.asker = local_peer_id("asker")
        self.members = tuple(local_peer_id(name) for name in names)
        self._channel = Channel(swarm, channel)

    def copy(self, peer: PeerId) -> Channel:
        return self._channel

    def start(self, peer: PeerId, run: Callable[[Channel], Coroutine[Any, Any, T]]) -> asyncio.Task[T]:
        return asyncio.get_running_loop().create_task(run(self._channel))

    def subscribe(self, listener: Listener) -> None:
        self._channel.subscribe(listener)

    async def close(self) -> None:
        self._channel.close()
