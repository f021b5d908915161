"""Groups: teams that hear themselves, mixed anew as the rounds go."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import ClassVar

from waggledance.core import Message, PeerId, Proposal, UsageError
from waggledance.topology._draws import Draws
from waggledance.topology._graph import Graph, Hears
from waggledance.topology._seats import seats_of
from waggledance.topology._topology import Hearing, Hyperedge


@dataclass(frozen=True)
class Groups(Graph):
    """Everybody hears its own team: about size·n texts a round.

    Peers sit in a circle in drawn order, and teams are cut from it. In every second round the cuts are half a team
    further on, so each team meets half of the next one: after two rounds word can have gone from any team to any other
    by way of peers. Then a new order is drawn. Nobody is alone; peers left over make some teams larger.

    Args:
        size: the least number of peers in a team, ≥ 2; fewer peers than that are one team.
    """

    title: ClassVar[str] = "groups"
    changes: ClassVar[bool] = True

    size: int = 3

    def __post_init__(self) -> None:
        if self.size < 2:
            raise UsageError(f"a team has at least 2 peers, got size={self.size}")

    def teams(self, n: int, round: int, seed: int) -> list[tuple[int, ...]]:
        """Return the teams of a round, by seat number.

        >>> [len(team) for team in Groups(size=3).teams(11, round=0, seed=7)]
        [4, 4, 3]
        """
        count = max(1, n // self.size)
        least, larger = divmod(n, count)
        circle = Draws(self.title, n, seed, round // 2).shuffled(range(n))
        shift = least // 2 if round % 2 else 0
        circle = circle[shift:] + circle[:shift]
        starts = [team * least + min(team, larger) for team in range(count + 1)]
        return [tuple(sorted(circle[start:end])) for start, end in pairwise(starts)]

    def hears(self, n: int, round: int, seed: int) -> Hears:
        near: list[tuple[int, ...]] = [()] * n
        for team in self.teams(n, round, seed):
            for seat in team:
                near[seat] = tuple(other for other in team if other != seat)
        return tuple(near)

    def plan(self, round: int, roster: Sequence[PeerId], said: Sequence[Message[Proposal]], seed: int) -> Hearing:
        peers = seats_of(roster).peers
        self.check(len(peers))
        teams = [frozenset(peers[seat] for seat in team) for team in self.teams(len(peers), round, seed)]
        return tuple(Hyperedge(team, team) for team in teams)
