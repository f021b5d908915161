"""Which peer is probed next, and the probes under way.

Everybody is probed once in a shuffled round, then the order is shuffled again: a crashed peer is probed by each other
one within 2·N - 1 of that one's periods, and by somebody after e/(e - 1) = 1.6 periods on average.
Source: Das, Gupta, Motivala 2002, "SWIM", §3.1 and §4.3.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from math import inf
from random import Random

from waggledance.core import PeerId


class Round:
    """A shuffled round robin over peers.

    Args:
        rng: shuffles.
    """

    __slots__ = ("_left", "_members", "_rng")

    def __init__(self, rng: Random) -> None:
        self._rng = rng
        self._members: list[PeerId] = []
        self._left: list[PeerId] = []

    def know(self, members: Iterable[PeerId], new: Iterable[PeerId]) -> None:
        """Set who takes part; who is new is put at a random place of what is left of this round."""
        self._members = sorted(members)
        known = set(self._members)
        self._left = [peer for peer in self._left if peer in known]
        for peer in sorted(new):
            self._left.insert(self._rng.randrange(len(self._left) + 1), peer)

    def next(self, wanted: Callable[[PeerId], bool]) -> PeerId | None:
        """Return the next one that is wanted, or None when nobody of a whole round is."""
        for fresh in (False, True):
            if fresh:
                self._left = self._rng.sample(self._members, len(self._members))
            while self._left:
                peer = self._left.pop()
                if wanted(peer):
                    return peer
        return None

    def hurry(self, peer: PeerId) -> None:
        """Let this one be next, once."""
        if peer in self._left:
            self._left.remove(peer)
        self._left.append(peer)


class Probe:
    """One peer's question whether another is up."""

    __slots__ = ("asked", "asks_at", "ends_at", "nonce", "sent_at", "silent", "target")

    def __init__(self, target: PeerId, nonce: int, sent_at: float, asks_at: float, ends_at: float) -> None:
        self.target, self.nonce, self.sent_at = target, nonce, sent_at
        self.asks_at = asks_at
        """When helpers are asked; infinite once they were."""
        self.ends_at = ends_at
        self.asked = False
        self.silent: set[PeerId] = set()
        """Helpers that have not answered, neither yes nor no."""

    @property
    def next_at(self) -> float:
        return min(self.asks_at, self.ends_at)

    @property
    def asked_again(self) -> bool:
        """Whether an answer may be to the second ping, so that it does not say how long it took (Karn, Partridge)."""
        return self.asks_at == inf

    def ask(self, helpers: Iterable[PeerId]) -> None:
        """Note who was asked for help."""
        self.asks_at, self.silent = inf, set(helpers)
        self.asked = bool(self.silent)
