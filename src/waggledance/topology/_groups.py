"""Groups: teams that hear themselves, mixed anew as the rounds go, and of other teams a summary, or nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import ClassVar, Literal

from waggledance.core import Message, PeerId, Proposal, UsageError
from waggledance.topology._draws import Draws
from waggledance.topology._graph import Graph, Hears
from waggledance.topology._seats import seats_of
from waggledance.topology._topology import Hearing, Hyperedge, Mode, heard_in


@dataclass(frozen=True)
class Groups(Graph):
    """Everybody hears its own team: about size·n texts a round.

    Peers sit in a circle in drawn order, and teams are cut from it. In every second round the cuts are half a team
    further on, so each team meets half of the next one: after two rounds word can have gone from any team to any other
    by way of peers. Then a new order is drawn. Nobody is alone; peers left over make some teams larger.

    Teams are hyperedges: what passes inside one, and from it to all others, are two edges of the plan. With a summary
    between teams, m teams of s peers read s·m·(s - 1) texts and s·m·(m - 1) summaries a round, where all would read
    s·m·(s·m - 1) texts; one of each team writes the summary. Source: HyperAgent, arXiv:2510.10611, and GoAgent,
    arXiv:2603.19677, for teams as hyperedges and compressed texts between; both learn the teams, here they are drawn.

    Args:
        size: the least number of peers in a team, ≥ 2; fewer peers than that are one team.
        between: what passes from a team to others: ``"nothing"``, one ``"summary"`` of it, or its ``"texts"``.
        budget_tokens: how many tokens of each other team a peer reads at most, ≥ 1; no limit when None.

    Raises:
        UsageError: a team of one, an unknown `between`, or a budget of no token or for nothing that passes.
    """

    title: ClassVar[str] = "groups"
    changes: ClassVar[bool] = True

    size: int = 3
    between: Literal["nothing", "summary", "texts"] = "nothing"
    budget_tokens: int | None = None

    def __post_init__(self) -> None:
        if self.size < 2:
            raise UsageError(f"a team has at least 2 peers, got size={self.size}")
        if self.between not in ("nothing", "summary", "texts"):
            raise UsageError(f"between teams passes 'nothing', a 'summary' or 'texts', got between={self.between!r}")
        if self.budget_tokens is not None:
            if self.between == "nothing":
                raise UsageError("budget_tokens is for what passes between teams: set between=summary or between=texts")
            if self.budget_tokens < 1:
                raise UsageError(f"a budget is at least 1 token, got budget_tokens={self.budget_tokens}; "
                                 "for none at all set between=nothing")  # fmt: skip

    @property
    def plain(self) -> bool:
        return self.between == "nothing"

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
        inside = tuple(Hyperedge(team, team) for team in teams)
        if self.between == "nothing" or len(teams) == 1:
            return inside
        everybody = frozenset(peers)
        mode: Mode = "full" if self.between == "texts" else "summary"
        return (*inside, *(Hyperedge(team, everybody - team, mode, self.budget_tokens) for team in teams))

    def speakers(
        self, me: PeerId, round: int, roster: Sequence[PeerId], said: Sequence[Message[Proposal]], seed: int
    ) -> frozenset[PeerId]:
        if self.plain:
            return super().speakers(me, round, roster, said, seed)
        return heard_in(self.plan(round, roster, said, seed), me)
