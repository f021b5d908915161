"""What a topology is: a plan of who hears whom in a round."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, Protocol

import msgspec

from waggledance.core import Message, PeerId, Proposal

Mode = Literal["full", "summary", "judge"]


class Hyperedge(msgspec.Struct, frozen=True):
    """Some speakers whom some listeners hear: ``({a}, {b})`` is an edge, ``(team, team)`` a group."""

    speakers: frozenset[PeerId]
    listeners: frozenset[PeerId]
    mode: Mode = "full"
    """Whole texts, one summary of all speakers, or texts to be judged."""
    budget_tokens: int | None = None
    """How many tokens a listener may read through this edge; None means no limit."""


Hearing = tuple[Hyperedge, ...]


class Topology(Protocol):
    """Says who hears whom: a pure function, so that every peer draws the same plan. Nobody hears itself."""

    @property
    def name(self) -> str: ...

    def plan(self, round: int, roster: Sequence[PeerId], said: Sequence[Message[Proposal]], seed: int) -> Hearing:
        """Return the hyperedges of a round.

        Args:
            round: which round of hearing, from 0.
            roster: everybody who sits in the channel, in one order for all.
            said: last round's proposals; a fixed topology does not look at them.
            seed: the run's seed.
        """
        ...

    def speakers(
        self, me: PeerId, round: int, roster: Sequence[PeerId], said: Sequence[Message[Proposal]], seed: int
    ) -> frozenset[PeerId] | None:
        """Return whom `me` hears in a round; None means everybody.

        A topology of your own writes `plan` and returns ``heard_in(self.plan(round, roster, said, seed), me)``.
        """
        ...


def heard_in(hearing: Hearing, me: PeerId) -> frozenset[PeerId]:
    """Return whom `me` hears by a plan: the speakers of every hyperedge that it listens to, without itself.

    >>> a, b, c = PeerId(b"a"), PeerId(b"b"), PeerId(b"c")
    >>> sorted(heard_in((Hyperedge(frozenset({a, b}), frozenset({a, b, c})),), a))
    [b'b']
    """
    return frozenset(speaker for edge in hearing if me in edge.listeners for speaker in edge.speakers) - {me}
