"""Graphs: topologies in which a seat hears its neighbours. Each writes one function over seat numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import ClassVar

from waggledance.core import Message, PeerId, Proposal
from waggledance.topology._described import Described
from waggledance.topology._seats import seats_of
from waggledance.topology._topology import Hearing, Hyperedge

Hears = tuple[tuple[int, ...], ...]
"""Whom each seat hears, by seat number; peers are seated in order of their ids."""


@dataclass(frozen=True)
class Graph(Described):
    """A topology drawn on seat numbers. A plan is drawn once for all seats; then each asks in constant time."""

    changes: ClassVar[bool] = False
    """Whether it is drawn anew every round; else one graph serves the whole run."""

    @property
    def plain(self) -> bool:
        return True

    def hears(self, n: int, round: int, seed: int) -> Hears:
        """Return whom each of n seats hears in a round; a pure function."""
        raise NotImplementedError

    def plan(self, round: int, roster: Sequence[PeerId], said: Sequence[Message[Proposal]], seed: int) -> Hearing:
        peers = seats_of(roster).peers
        drawn = _drawn(self, len(peers), round if self.changes else 0, seed)
        return tuple(
            Hyperedge(frozenset(peers[i] for i in near), frozenset({peers[me]}))
            for me, near in enumerate(drawn)
            if near
        )

    def speakers(
        self, me: PeerId, round: int, roster: Sequence[PeerId], said: Sequence[Message[Proposal]], seed: int
    ) -> frozenset[PeerId]:
        seats = seats_of(roster)
        drawn = _drawn(self, len(seats.peers), round if self.changes else 0, seed)
        return frozenset([seats.peers[i] for i in drawn[seats.number(me)]])


@lru_cache(maxsize=128)
def _drawn(graph: Graph, n: int, round: int, seed: int) -> Hears:
    graph.check(n)
    return graph.hears(n, round, seed)
