"""k-regular: a random graph in which everybody hears exactly k peers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from waggledance.core import UsageError
from waggledance.topology._draws import Draws
from waggledance.topology._graph import Graph, Hears
from waggledance.topology._ring import ring_lattice
from waggledance.topology._switching import connect, randomise


@dataclass(frozen=True)
class KRegular(Graph):
    """Everybody hears the same number k of random peers and is heard by them; one graph for the whole run.

    k·n texts a round, and news reaches all in about log n / log(k-1) rounds. Drawn by random switching of a circle's
    edges, then made connected by switching; so it is connected with certainty, and near uniform among such graphs.
    Raises:
        UsageError: `k` is below 1.

    Source: Cooper, Dyer, Greenhill 2007, "Sampling regular graphs and a peer-to-peer network", for the switching chain.

    Args:
        k: how many each hears, ≥ 1; less than the number of peers, and k times that number must be even.
    """

    title: ClassVar[str] = "k-regular"

    k: int = 4

    def __post_init__(self) -> None:
        if self.k < 1:
            raise UsageError(f"in a k-regular graph one hears at least one peer, got k={self.k}")

    def check(self, n: int) -> None:
        super().check(n)
        if self.k >= n:
            raise UsageError(f"among {n} peers nobody can hear {self.k} others: "
                             f"choose k up to {n - 1}, or the topology 'complete'")  # fmt: skip
        if self.k == 1 and n > 2:
            raise UsageError(f"with k=1 {n} peers fall apart into pairs: choose k=2 or more")
        if n * self.k % 2:
            raise UsageError(f"no graph of {n} peers has {self.k} neighbours each, as {n}·{self.k} is odd: "
                             f"choose k={self.k - 1} or k={self.k + 1}, or one peer more or less")  # fmt: skip

    def hears(self, n: int, round: int, seed: int) -> Hears:
        adjacency = [set(near) for near in ring_lattice(n, self.k // 2)]
        if self.k % 2:
            for vertex in range(n):
                adjacency[vertex].add((vertex + n // 2) % n)
        randomise(adjacency, Draws(self.title, n, self.k, seed))
        connect(adjacency)
        return tuple(tuple(sorted(near)) for near in adjacency)
