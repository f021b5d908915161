"""Small world: a circle of neighbours with a few far links."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from waggledance.core import UsageError
from waggledance.topology._draws import Draws
from waggledance.topology._graph import Graph, Hears
from waggledance.topology._ring import ring_lattice
from waggledance.topology._switching import connect


@dataclass(frozen=True)
class SmallWorld(Graph):
    """Everybody hears its k nearest on a circle, and each link is moved to a random far end with chance `rewire`.

    Opinions stay local for a while and news still travels fast: between a ring and a random graph. k·n texts a round.
    A drawing that falls apart is joined again by switching two links' ends, which keeps every degree. One graph for the
    whole run. Source: Watts and Strogatz 1998, "Collective dynamics of 'small-world' networks", doi:10.1038/30918.

    Args:
        k: how many each hears on average, even, ≥ 2, less than the number of peers.
        rewire: chance that a link is moved, 0 to 1 (p in the paper).

    Raises:
        UsageError: `k` is not even, or `rewire` no chance.
    """

    title: ClassVar[str] = "small-world"

    k: int = 4
    rewire: float = 0.1

    def __post_init__(self) -> None:
        if self.k < 2 or self.k % 2:
            raise UsageError(
                f"a small world has the same number of neighbours on both sides, so k is 2, 4, …; got {self.k}"
            )
        if not 0 <= self.rewire <= 1:
            raise UsageError(f"a chance lies between 0 and 1, got rewire={self.rewire}")

    def check(self, n: int) -> None:
        super().check(n)
        if self.k >= n:
            raise UsageError(f"a small world with k={self.k} needs at least {self.k + 1} peers, got {n}: "
                             "choose a smaller even k, or the topology 'complete'")  # fmt: skip

    def hears(self, n: int, round: int, seed: int) -> Hears:
        adjacency = [set(near) for near in ring_lattice(n, self.k // 2)]
        draws = Draws(self.title, n, self.k, seed)
        for step in range(1, self.k // 2 + 1):
            for vertex in range(n):
                near = (vertex + step) % n
                if draws.chance() < self.rewire and len(adjacency[vertex]) < n - 1 and near in adjacency[vertex]:
                    far = draws.below(n)
                    while far == vertex or far in adjacency[vertex]:
                        far = draws.below(n)
                    adjacency[vertex].remove(near)
                    adjacency[near].remove(vertex)
                    adjacency[vertex].add(far)
                    adjacency[far].add(vertex)
        connect(adjacency)
        return tuple(tuple(sorted(near)) for near in adjacency)
