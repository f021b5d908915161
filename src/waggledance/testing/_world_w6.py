"""W6, a world of packages: five groups want different things from one budget.

    value of item m to group g = common_m + conflict · taste_gm,   common from Gamma(2, .5),   taste from N(0, 1)

Costs are 1 to 4, the budget is 10. The base, which bargains start from, is the best in total of four packages that were
filled up at random. Items are exchangeable, so no number of an item says anything.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from waggledance.consensus import Package
from waggledance.core import UNIT, UsageError


@dataclass(frozen=True)
class Scenario:
    """One budget to be spent."""

    costs: tuple[int, ...]
    budget: int
    utilities: Mapping[str, tuple[int, ...]]
    """By group, the value of each item in parts per million of one; some are negative."""
    base: Package


class W6:
    """A world of packages.

    Args:
        conflict: how far groups' values part, ≥ 0 and finite; 0 is no conflict.
        seed: same seed, same scenarios.
        groups: how many groups, ≥ 1.
        items: how many items, ≥ 1.
        budget: what a package may cost.

    >>> W6(0.6).scenario(0).budget
    10
    """

    def __init__(
        self, conflict: float = 0.6, *, seed: int = 0, groups: int = 5, items: int = 12, budget: int = 10
    ) -> None:
        if not 0 <= conflict < np.inf or groups < 1 or items < 1 or budget < 0:
            raise UsageError(f"a world of packages has conflict ≥ 0, a group, an item and a budget, got {conflict}, "
                             f"{groups}, {items}, {budget}")  # fmt: skip
        self.conflict, self.seed, self.groups, self.items, self.budget = conflict, seed, groups, items, budget

    def scenario(self, number: int) -> Scenario:
        """Return a scenario by its number, ≥ 0."""
        rng = np.random.default_rng([self.seed, number])
        costs = rng.integers(1, 5, self.items)
        common = rng.gamma(2, 0.5, self.items)
        values = common + self.conflict * rng.normal(0, 1, (self.groups, self.items))
        whole = np.round(values * UNIT).astype(np.int64)
        utilities = {f"group-{g}": tuple(int(v) for v in row) for g, row in enumerate(whole)}
        total = whole.sum(axis=0)
        filled = [self._filled(rng, costs) for _ in range(4)]
        base = max(filled, key=lambda package: int(total[sorted(package)].sum()))
        return Scenario(tuple(int(c) for c in costs), self.budget, utilities, base)

    def _filled(self, rng: np.random.Generator, costs: np.ndarray[tuple[int], np.dtype[np.int64]]) -> Package:
        """Return a package to which nothing can be added, taken in a drawn order."""
        left, taken = self.budget, set[int]()
        for item in rng.permutation(self.items):
            if costs[item] <= left:
                left -= int(costs[item])
                taken.add(int(item))
        return Package(taken)
