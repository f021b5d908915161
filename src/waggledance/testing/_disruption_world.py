"""A world of neighbours on a grid, some of whose work breaks off: who asks how far out for spare units?

15 × 15 cells, each with so many spare units, Poisson with mean 0.6. A disruption strikes all cells at most 1 to 5 steps
from its centre (the radius drawn alike): their spare units are gone, and each misses one. Whoever stands at the centre
repairs. To ask somebody h steps away and to hear from all of that circle takes 2 h units of time.

Source: the project's own simulation after Bi 2026, "CASCADE", arXiv:2604.00451.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

from waggledance.core import PeerId
from waggledance.tasks._repair_gate import Ask, Gate, Infeasible, Offered, Repaired
from waggledance.tasks._scope import within_hops

SIDE = 15
SPARE = 0.6
RADII = (1, 2, 3, 4, 5)

_Cell = tuple[int, int]


@dataclass(frozen=True)
class Repairs:
    """How repairs went, on average."""

    solved: float
    messages: float
    latency: float
    """In units of time; of circles asked, whether that solved it or not."""
    distance: float
    """Steps from the centre that a unit came, of those that were repaired."""
    most_messages: int
    whys: frozenset[str]
    """What was said of those that were not repaired, up to the semicolon."""


class DisruptionWorld:
    """A grid and one disruption for each run.

    Args:
        seed: same seed, same disruptions.
        loss: the share of answers that are lost, 0 to 1.
        dead: how many of the centre's four neighbours are dead besides.
    """

    def __init__(self, seed: int = 0, *, loss: float = 0.0, dead: int = 0) -> None:
        self._seed, self._loss, self._dead = seed, loss, dead

    def run(self, gate: Gate, runs: int, *, at_once: int | None = None) -> Repairs:
        """Repair so many disruptions.

        Args:
            gate: how to go about it.
            runs: how many.
            at_once: ask one circle of this size and no other; all growing ones when None.
        """
        ended = [self._one(gate, number, at_once) for number in range(runs)]
        solved = [e for e, _ in ended if isinstance(e, Repaired)]
        units = [(o.price, o.amount) for e in solved for o in e.picked]
        return Repairs(
            solved=len(solved) / runs,
            messages=sum(e.messages for e, _ in ended) / runs,
            latency=sum(t for _, t in ended) / runs,
            distance=sum(p * n for p, n in units) / max(1, sum(n for _, n in units)),
            most_messages=max(e.messages for e, _ in ended),
            whys=frozenset([e.why.split(";")[0] for e, _ in ended if isinstance(e, Infeasible)]),
        )

    def _one(self, gate: Gate, number: int, at_once: int | None) -> tuple[Repaired | Infeasible, int]:
        rng = Random(f"{self._seed} {number}")
        centre = (rng.randrange(SIDE), rng.randrange(SIDE))
        struck = within_hops(_beside, centre, rng.choice(RADII))
        spare = {cell: _poisson(rng) for cell in _cells()}
        silent = set(rng.sample(list(_beside(centre)), 1)) if self._dead else set[_Cell]()

        def near(hops: int) -> list[PeerId]:
            circle = within_hops(_beside, centre, hops if at_once is None else at_once)
            return [_peer(cell) for cell in circle if cell != centre and cell not in struck]

        farthest = 2 * (SIDE - 1) if at_once is None else 1
        time = 0
        steps = gate.repair(len(struck), near, farthest, lambda: float(time))
        try:
            step = next(steps)
            while True:
                if isinstance(step, Ask):
                    time += 2 * (step.hops if at_once is None else at_once)
                    said = [self._offer(cell, centre, spare) for cell in map(_cell, step.peers)
                            if cell not in silent and rng.random() >= self._loss]  # fmt: skip
                    step = steps.send(said)
                else:
                    step = steps.send(())
        except StopIteration as end:
            return end.value, time

    def _offer(self, cell: _Cell, centre: _Cell, spare: dict[_Cell, int]) -> Offered:
        away = abs(cell[0] - centre[0]) + abs(cell[1] - centre[1])
        return Offered(_peer(cell), spare[cell], away, _peer(cell))


def _cells() -> Sequence[_Cell]:
    return [(x, y) for x in range(SIDE) for y in range(SIDE)]


def _beside(cell: _Cell) -> Sequence[_Cell]:
    x, y = cell
    around = ((x - 1, y), (x + 1, y), (x, y - 1), (x, y + 1))
    return [(a, b) for a, b in around if 0 <= a < SIDE and 0 <= b < SIDE]


def _peer(cell: _Cell) -> PeerId:
    return PeerId(bytes([*cell, *[0] * 30]))


def _cell(peer: PeerId) -> _Cell:
    return peer[0], peer[1]


def _poisson(rng: Random) -> int:
    """Draw from the Poisson distribution of the mean 0.6, by the first gap that goes beyond 1 (Knuth)."""
    n, time = 0, rng.expovariate(SPARE)
    while time < 1:
        n += 1
        time += rng.expovariate(SPARE)
    return n
