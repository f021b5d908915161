"""How long a suspicion lasts: 3·⌈log2(N+1)⌉ periods, with three calls before it is a death.

In its last three periods everybody who suspects the accused pings it, once a period, and so tells it; only who then
still hears nothing declares it dead. The calls are ours: among 128 peers at 30 % loss, calls, second pings and local
health together cut living peers declared dead from 37 to 4 in 100 periods (`benchmarks/swim.py`).
Source: Das, Gupta, Motivala 2002, "SWIM", §4.2; the length from the project's network specification, §3.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import inf

from waggledance.core import PeerId

LAST_CALLS = 3


class Suspects:
    """Whom one suspects, and until when.

    Args:
        period_s: a protocol period, seconds.
    """

    __slots__ = ("_calls_left", "_next_at", "_period_s")

    def __init__(self, period_s: float) -> None:
        self._period_s = period_s
        self._next_at: dict[PeerId, float] = {}
        self._calls_left: dict[PeerId, int] = {}

    @property
    def next_at(self) -> float:
        """When the next call or death is due, or infinity."""
        return min(self._next_at.values(), default=inf)

    def add(self, peer: PeerId, ends_at: float) -> None:
        """Suspect a peer until then, calls included."""
        self._next_at[peer], self._calls_left[peer] = ends_at - LAST_CALLS * self._period_s, LAST_CALLS

    def discard(self, peer: PeerId) -> None:
        """Suspect it no longer."""
        self._next_at.pop(peer, None)
        self._calls_left.pop(peer, None)

    def due(self, now: float) -> Iterator[tuple[PeerId, bool]]:
        """Yield whose call is due (True), or whose death is (False), which ends its suspicion."""
        for peer, at in list(self._next_at.items()):
            if at > now:
                continue
            call = self._calls_left[peer] > 0
            if call:
                self._calls_left[peer] -= 1
                self._next_at[peer] = now + self._period_s
            else:
                self.discard(peer)
            yield peer, call

    def put_off(self, by_s: float, at_least_until: float) -> None:
        """Lengthen every suspicion."""
        for peer, at in self._next_at.items():
            self._next_at[peer] = max(at + by_s, at_least_until)
