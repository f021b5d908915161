"""Pings sent for somebody else, who could not reach their target.

A helper that hears nothing says so in time: its no shows the asker that its own link works.
Source: Das, Gupta, Motivala 2002, "SWIM", §3.1; the no: Dadgar, Phillips, Currey 2018, "Lifeguard", §IV-A (nack).
"""

from __future__ import annotations

from collections.abc import Iterator
from math import inf

from waggledance.core import PeerId

MAX_RELAYS = 64
"""Under way at once, so that nobody is made to flood a third."""
NO_AFTER = 0.8
"""Share of a time-out after which a helper says no, so that its no arrives in time (Lifeguard §IV-A)."""


class Relay:
    """A ping that was sent for somebody else."""

    __slots__ = ("ends_at", "nonce", "requester", "target")

    def __init__(self, requester: PeerId, nonce: int, target: PeerId, ends_at: float) -> None:
        self.requester, self.nonce, self.target, self.ends_at = requester, nonce, target, ends_at


class Relays:
    """Those under way, by the nonce of the ping."""

    __slots__ = ("_under_way",)

    def __init__(self) -> None:
        self._under_way: dict[int, Relay] = {}

    @property
    def next_at(self) -> float:
        """When the first of them ends, or infinity."""
        return min((relay.ends_at for relay in self._under_way.values()), default=inf)

    def add(self, nonce: int, relay: Relay) -> bool:
        """Take one on; return whether there was room."""
        if len(self._under_way) >= MAX_RELAYS:
            return False
        self._under_way[nonce] = relay
        return True

    def answered(self, sender: PeerId, nonce: int) -> Relay | None:
        """Return, and end, the one that a pong answers."""
        relay = self._under_way.get(nonce)
        return self._under_way.pop(nonce) if relay is not None and relay.target == sender else None

    def ended(self, now: float) -> Iterator[Relay]:
        """Yield, and end, those whose time is up."""
        for nonce, relay in list(self._under_way.items()):
            if relay.ends_at <= now:
                yield self._under_way.pop(nonce)

    def clear(self) -> None:
        """Give all of them up."""
        self._under_way.clear()
