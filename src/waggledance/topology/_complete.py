"""Complete: everybody hears everybody."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from waggledance.core import Message, PeerId, Proposal
from waggledance.topology._described import Described
from waggledance.topology._topology import Hearing, Hyperedge


@dataclass(frozen=True)
class Complete(Described):
    """Everybody hears everybody: the most talk, n(n-1) texts read a round."""

    title: ClassVar[str] = "complete"

    @property
    def plain(self) -> bool:
        return True

    def plan(self, round: int, roster: Sequence[PeerId], said: Sequence[Message[Proposal]], seed: int) -> Hearing:
        everybody = frozenset(roster)
        return (Hyperedge(everybody, everybody),)

    def speakers(
        self, me: PeerId, round: int, roster: Sequence[PeerId], said: Sequence[Message[Proposal]], seed: int
    ) -> None:
        return None
