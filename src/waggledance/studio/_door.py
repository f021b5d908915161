"""The studio among a server's other doors: it shows their host's log, and what its peers are saying right now."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Collection
from contextlib import aclosing, asynccontextmanager
from functools import partial

from waggledance.core import UsageError, Words
from waggledance.gateways import Host, Running
from waggledance.studio._replays import AskedAnew
from waggledance.studio._studio import Studio

PREFIX = "/studio"
LOOK_EVERY_S = 0.1
"""How often the host is asked for new orders."""


class StudioDoor(Studio):
    """The studio of a host, under ``/studio/``. Keys of the other doors are not asked for: it has a token of its own.

    Args:
        host: whose orders and log are shown.
        address: what the server is bound to.
        locked: whether looking asks for the token, also on this machine alone; do so where the other doors ask for
            keys, because the studio shows what all callers ask.
        peers: makes the peers that a replay may ask anew; none are when None.
        names: host names that the server goes by, besides its address.

    Raises:
        UsageError: the host keeps no log.
    """

    unkeyed = f"{PREFIX}/"

    def __init__(
        self,
        host: Host,
        *,
        address: str = "127.0.0.1",
        locked: bool = False,
        peers: Callable[[], AskedAnew] | None = None,
        names: Collection[str] = (),
    ) -> None:
        if host.log is None:
            raise UsageError("the studio shows what the log holds, and this server keeps none: leave --no-log out")
        super().__init__(
            host.log.path, host=address, prefix=PREFIX, locked=locked, peers=peers, writer=host.log, names=names
        )
        self._host = host
        self._heard: dict[str, asyncio.Task[None]] = {}

    def at_work(self) -> frozenset[str]:
        """Return the channels that this process is at work on: of orders, and of replays."""
        orders = frozenset(running.channel for running in self._host.running() if running.channel)
        return super().at_work() | orders

    @asynccontextmanager
    async def lifespan(self) -> AsyncGenerator[None]:
        """Hear the host's orders while the server runs."""
        looking = asyncio.create_task(self._look())
        try:
            async with super().lifespan():
                yield
        finally:
            looking.cancel()
            for hearing in self._heard.values():
                hearing.cancel()
            await asyncio.gather(looking, *self._heard.values(), return_exceptions=True)

    async def _look(self) -> None:
        """Listen to every new order, and let viewers go when the host stops: the server waits for them."""
        while not self._host.draining or self._host.running():
            for running in self._host.running():
                if running.id not in self._heard:
                    hearing = asyncio.create_task(self._listen(running))
                    self._heard[running.id] = hearing
                    hearing.add_done_callback(partial(self._heard_out, running.id))
            await asyncio.sleep(LOOK_EVERY_S)
        self.live.close()

    async def _listen(self, running: Running) -> None:
        async with aclosing(running.events()) as happening:
            async for event in happening:
                if isinstance(event, Words) and running.channel:
                    self.hear(running.channel, event)

    def _heard_out(self, id: str, _: asyncio.Task[None]) -> None:
        self._heard.pop(id, None)
