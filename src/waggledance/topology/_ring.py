"""Ring: peers sit in a circle and hear the nearest on both sides."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from waggledance.core import UsageError
from waggledance.topology._graph import Graph, Hears


@dataclass(frozen=True)
class Ring(Graph):
    """Everybody hears `neighbours` peers on each side: 2·neighbours·n texts a round, and news goes that far a round.

    On few peers the sides meet, and everybody hears everybody. The circle is in order of peer ids, which are hashes or
    keys: no order that a person gave.

    Args:
        neighbours: how many on each side, ≥ 1.

    Raises:
        UsageError: `neighbours` is below 1.

    >>> Ring().hears(5, round=0, seed=0)[0]
    (1, 4)
    """

    title: ClassVar[str] = "ring"

    neighbours: int = 1

    def __post_init__(self) -> None:
        if self.neighbours < 1:
            raise UsageError(f"on a ring one hears at least one neighbour a side, got neighbours={self.neighbours}")

    def hears(self, n: int, round: int, seed: int) -> Hears:
        return ring_lattice(n, self.neighbours)


def ring_lattice(n: int, reach: int) -> Hears:
    """Return the circle of n seats in which each hears those up to `reach` places away."""
    steps = range(1, min(reach, n // 2) + 1)
    return tuple(
        tuple(sorted({(me + step) % n for step in steps} | {(me - step) % n for step in steps})) for me in range(n)
    )
