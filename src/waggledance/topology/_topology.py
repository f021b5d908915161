"""What a topology is: a plan of who hears whom in a round."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, Protocol

import msgspec

from waggledance.core import Message, PeerId, Proposal, UsageError

Mode = Literal["full", "summary", "judge"]


class Hyperedge(msgspec.Struct, frozen=True):
    """Some speakers whom some listeners hear: ``({a}, {b})`` is an edge, ``(team, team)`` a group.

    Raises:
        UsageError: a layer or a budget below 0.
    """

    speakers: frozenset[PeerId]
    listeners: frozenset[PeerId]
    mode: Mode = "full"
    """Whole texts, one summary of all speakers, or texts to be judged and not to be answered to."""
    budget_tokens: int | None = None
    """How many tokens a listener may read through this edge, ≥ 0; None means no limit."""
    layer: int = 0
    """When its listeners speak, from 0: those of a later layer hear what speakers of earlier ones say in the new round,
    and wait for it. Others, and whoever reads a summary, hear the last round."""

    def __post_init__(self) -> None:
        if self.layer < 0:
            raise UsageError(f"layers are counted from 0, got layer={self.layer}")
        if self.budget_tokens is not None and self.budget_tokens < 0:
            raise UsageError(f"a budget is 0 or more tokens, got budget_tokens={self.budget_tokens}")


Hearing = tuple[Hyperedge, ...]


class Topology(Protocol):
    """Says who hears whom: a pure function, so that every peer draws the same plan. Nobody hears itself.

    One whose plans are all of whole texts of the last round, without budgets, may say so in an attribute ``plain =
    True``; then `speakers` is asked instead of `plan`, which saves a plan at every seat.
    """

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
