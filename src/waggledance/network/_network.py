"""What a network is: it seats peers at one channel and carries their messages."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, Literal, Protocol, TypeVar, runtime_checkable

from waggledance.core import Channel, Clock, Cost, Message, PeerId, SwarmId, Words

T = TypeVar("T")
Listener = Callable[[Message[Any], bytes], None]


class Gathering(Protocol):
    """One channel with everybody who sits at it, while a question is open."""

    @property
    def clock(self) -> Clock: ...

    @property
    def asker(self) -> PeerId:
        """Who opens the channel and writes down the outcome; has no vote."""
        ...

    @property
    def members(self) -> tuple[PeerId, ...]:
        """The peers' ids, in the order in which the peers were given."""
        ...

    @property
    def certify(self) -> Literal["byzantine", "crash"] | None:
        """By which quorum the members are to certify the decision; None where nobody asks for that."""
        ...

    @property
    def certificate(self) -> str:
        """The certificate that the members made, as JSON text; empty while there is none."""
        ...

    @property
    def notes(self) -> tuple[str, ...]:
        """What a reader of the decision should know about how it came over this network."""
        ...

    @property
    def spent(self) -> Cost | None:
        """What peers elsewhere say they have spent; None where they spend by the run's own meter."""
        ...

    def copy(self, peer: PeerId) -> Channel:
        """Return the copy of the channel that a peer (or the asker) reads and writes."""
        ...

    def start(self, peer: PeerId, run: Callable[[Channel], Coroutine[Any, Any, T]]) -> asyncio.Task[T]:
        """Run a peer's coroutine over its copy of the channel; a network that crashes peers may run it again."""
        ...

    def subscribe(self, listener: Listener) -> None:
        """Call `listener(message, canonical bytes)` once for every distinct message, in the order they were written."""
        ...

    async def close(self) -> None:
        """End it: no timers and no tasks are left."""
        ...


@runtime_checkable
class Overhears(Protocol):
    """A gathering of peers elsewhere whose words can be heard while they say them."""

    def overhear(self, hear: Callable[[Words], None]) -> None:
        """Call `hear` with pieces of what peers say until the gathering is closed: hints, of which some may be lost."""
        ...


class Network(Protocol):
    """Where peers meet."""

    @property
    def name(self) -> str: ...

    @property
    def remote(self) -> bool:
        """Whether peers run the protocol elsewhere, and know no more of it than its name."""
        ...

    def gather(self, swarm: SwarmId, channel: str, names: Sequence[str]) -> Gathering:
        """Open a channel with these peers at it."""
        ...
