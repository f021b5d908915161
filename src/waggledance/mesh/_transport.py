"""What carries datagrams between the peers of one swarm: all that the mesh asks of a network.

A transport may lose, double and reorder, and never alters what arrives; whoever uses one repairs what was lost. It
drops nothing in silence: what it could not take or deliver it counts, and it says when its queue is full, so that
whoever publishes can wait.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Protocol

from waggledance.core import PeerId

MAX_DATAGRAM_BYTES = 1_200_000
"""A batch of frames (1 MiB) and what stands around it."""

Receive = Callable[[Sequence[bytes]], None]
"""Takes datagrams that arrived together, in their order; called on the event loop."""
Presence = Callable[[PeerId, bool], None]
"""Told that a peer's session came up or went down: a hint, and nothing that can be relied on."""


class Transport(Protocol):
    """One peer's way to the others of its swarm."""

    @property
    def me(self) -> PeerId:
        """Whose datagrams come in here."""
        ...

    @property
    def congested(self) -> bool:
        """Whether the queue of what goes out is so full that publishers should wait for `room`."""
        ...

    @property
    def dropped(self) -> Counter[str]:
        """How many datagrams were not carried, by reason: ``"queue"``, ``"oversize"``, ``"closed"``, ``"failed"``."""
        ...

    def listen(self, receive: Receive, presence: Presence) -> None:
        """Begin to hand over what arrives, on the event loop; called again, hand over to these instead."""
        ...

    def send(self, to: PeerId, datagram: bytes) -> None:
        """Put a datagram on its way to one peer. Never blocks, never raises."""
        ...

    def spread(self, datagram: bytes) -> None:
        """Put a datagram on its way to everybody else in the swarm. Never blocks, never raises."""
        ...

    async def room(self) -> None:
        """Return when the queue of what goes out is no longer congested."""
        ...

    async def close(self) -> None:
        """Send what is queued, for at most a second, and end the session. Closing twice is harmless."""
        ...
