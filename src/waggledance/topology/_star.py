"""Star: one peer in the middle hears all, and all hear it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

from waggledance.core import Message, PeerId, Proposal, UsageError
from waggledance.topology._described import Described
from waggledance.topology._draws import Draws
from waggledance.topology._seats import seats_of
from waggledance.topology._topology import Hearing, Hyperedge


@dataclass(frozen=True)
class Star(Described):
    """The centre hears everybody and everybody hears the centre only: 2(n-1) texts a round.

    It is also the one peer whose silence or lie all depend on; let it rotate where that matters.

    Args:
        centre: ``"drawn"``: one peer, drawn from the seed, in every round; ``"rotating"``: the next one every round,
            from a drawn start, so that in n rounds everybody was it once; or a peer's id.

    Raises:
        UsageError: `centre` is neither ``"drawn"`` nor ``"rotating"`` nor the id of a peer.
    """

    title: ClassVar[str] = "star"

    centre: PeerId | Literal["drawn", "rotating"] = "drawn"

    def __post_init__(self) -> None:
        if not isinstance(self.centre, bytes) and self.centre not in ("drawn", "rotating"):
            raise UsageError(f"a star's centre is 'drawn', 'rotating' or a peer's id, got {self.centre!r}")

    @property
    def plain(self) -> bool:
        return True

    def centre_of(self, round: int, roster: Sequence[PeerId], seed: int) -> PeerId:
        """Return who is in the middle in a round.

        Raises:
            UsageError: the given centre is not on the roster.
        """
        seats = seats_of(roster)
        if isinstance(self.centre, bytes):
            seats.number(self.centre)
            return self.centre
        n = len(seats.peers)
        self.check(n)
        start = Draws(self.title, n, seed).below(n)
        return seats.peers[(start + round) % n if self.centre == "rotating" else start]

    def plan(self, round: int, roster: Sequence[PeerId], said: Sequence[Message[Proposal]], seed: int) -> Hearing:
        centre = frozenset({self.centre_of(round, roster, seed)})
        others = frozenset(roster) - centre
        return (Hyperedge(centre, others), Hyperedge(others, centre)) if others else ()

    def speakers(
        self, me: PeerId, round: int, roster: Sequence[PeerId], said: Sequence[Message[Proposal]], seed: int
    ) -> frozenset[PeerId]:
        centre = self.centre_of(round, roster, seed)
        return frozenset(roster) - {me} if me == centre else frozenset({centre})
