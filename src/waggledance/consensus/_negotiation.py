"""Negotiation: groups with different values bargain over a package of items within a budget.

Averaging hides who loses. Here each group offers changes to the package on the table that it likes, and a mediator,
which is nobody but this function, takes the one of largest gain by which the worst-off group does not fall:

    gain = w_total · Δ Σ_g U_g  +  w_worst · Δ min_g U_g

Offers are tried in pairs as well: what one group gives for another's yes ("log-rolling") gets past where single changes
are stuck.
Source: Mushkani et al. 2025, "Negotiative Alignment", arXiv:2503.12613, whose procedure is reconstructed; log-rolling
after Buchanan and Tullock 1962, "The Calculus of Consent", ch. 10.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import combinations
from typing import Literal

from blake3 import blake3

from waggledance.consensus._fairness import gini, quantile, worst
from waggledance.core import UNIT, UsageError, best_package

Package = frozenset[int]
Utility = Sequence[int] | Callable[[Package], int]
"""What a group makes of packages: one value an item, which add up; or a function of its own, which is only asked about
packages that were offered."""
Floor = Literal["worst", "every"]


@dataclass(frozen=True)
class Measures:
    """How a package does: in the unit of the groups' utilities."""

    total: int
    worst: int
    """The worst-off group's."""
    quantile: float
    """The 20th percentile over groups."""
    gini: float

    @classmethod
    def of(cls, utilities: Mapping[str, int]) -> Measures:
        """Measure the utilities of all groups."""
        values = list(utilities.values())
        return cls(sum(values), int(worst(values)), quantile(values), gini(values))


@dataclass(frozen=True)
class Bargain:
    """What was agreed."""

    package: Package
    utilities: Mapping[str, int]
    """What each group has of it, as stated."""
    moves: tuple[Package, ...]
    """The packages on the table after each accepted move; the last is `package`."""
    before: Measures
    after: Measures
    losers: Mapping[str, int]
    """The groups that have less than at the start, and how much less."""


def negotiate(
    costs: Sequence[int],
    budget: int,
    utilities: Mapping[str, Utility],
    start: Collection[int] = (),
    *,
    weights: tuple[int, int] = (1, 2),
    floor: Floor = "worst",
    pairs: bool = True,
    scale: bool = True,
    offers: int = 3,
    rounds: int = 60,
    objections: Mapping[str, Collection[Package]] | None = None,
    mark: str = "",
) -> Bargain:
    """Bargain from a starting package; pure, and blind to the order of groups.

    Args:
        costs: of each item, integers ≥ 0.
        budget: what a package may cost at most, ≥ 0.
        utilities: by group; see `Utility`. Integers, in one unit for all groups where `scale` is off.
        start: the numbers of the items on the table at first: what holds if nothing is agreed.
        weights: of the total's gain and of the worst-off group's, integers ≥ 0.
        floor: ``"worst"``: the worst-off group never falls; ``"every"``: nor does any group below the lower of what it
            has and what it had at the start, for where leaving the table is a real choice.
        pairs: also try each two offers together.
        scale: count each group's values from 0, its worst affordable package, to 1,000,000, its best. Comparing
            groups is a choice: without it, who states larger values weighs more. A function is taken as it is.
        offers: how many of its best moves a group offers each round, ≥ 1.
        rounds: accepted moves at most.
        objections: packages that a group will not have, by group: they count as below its floor.
        mark: what ties are broken by, together with the package.

    Raises:
        UsageError: there is no item or no group, lengths differ, a number is negative or no integer, or the start costs
            too much.

    >>> bargain = negotiate([1, 1, 1], 2, {"young": [5, 0, 3], "old": [0, 5, 3]}, start={0, 1}, scale=False)
    >>> sorted(bargain.package), bargain.utilities["young"], bargain.utilities["old"]
    ([0, 1], 5, 5)
    """
    _check(costs, budget, utilities, start)
    if min(weights) < 0 or offers < 1 or rounds < 0:
        raise UsageError(f"weights and rounds are ≥ 0 and offers ≥ 1, got {weights}, {rounds}, {offers}")
    stated = {group: _function(utility) for group, utility in sorted(utilities.items())}
    counted = stated
    if scale:
        counted = {group: _scaled(costs, budget, utilities[group]) for group in stated}
    table = _Table(costs, budget, counted, Package(start), weights, floor, objections or {}, mark)
    moves: list[Package] = []
    while len(moves) < rounds and (better := table.best(offers, pairs)) is not None:
        moves.append(better)
        table.now = better
    package = table.now
    after = {group: value(package) for group, value in stated.items()}
    before = {group: value(table.start) for group, value in stated.items()}
    losers = {group: before[group] - after[group] for group in after if after[group] < before[group]}
    return Bargain(package, after, tuple(moves), Measures.of(before), Measures.of(after), losers)


def scaled(costs: Sequence[int], budget: int, values: Sequence[int], package: Collection[int]) -> int:
    """Return what a group has of a package, from 0, its worst affordable one, to 1,000,000, its best.

    A group that likes all packages alike has 1,000,000 of each.

    >>> scaled([1, 2], 2, [3, 4], {0})
    750000
    """
    best, least = _best(costs, budget, values), -_best(costs, budget, [-value for value in values])
    own = sum(values[i] for i in package)
    return UNIT if best == least else (own - least) * UNIT // (best - least)


class _Table:
    """The package on the table, and what may take its place."""

    def __init__(
        self,
        costs: Sequence[int],
        budget: int,
        utilities: Mapping[str, Callable[[Package], int]],
        start: Package,
        weights: tuple[int, int],
        floor: Floor,
        objections: Mapping[str, Collection[Package]],
        mark: str,
    ) -> None:
        self.costs, self.budget, self.utilities = costs, budget, utilities
        self.start = self.now = start
        self.weights, self.floor, self.mark = weights, floor, mark
        self.barred = {package for packages in objections.values() for package in packages}

    def best(self, offers: int, pairs: bool) -> Package | None:
        """Return the package of largest gain that the rules allow, or None where no move gains."""
        offered = sorted({move for group in self.utilities for move in self._offers(group, offers)}, key=self._tie)
        packages = set(offered)
        if pairs:
            packages |= {p for a, b in combinations(offered, 2) if (p := self._joined(a, b)) is not None}
        now = self._all(self.now)
        start = self._all(self.start)
        gains: dict[Package, int] = {}
        for package in packages - self.barred:
            then = self._all(package)
            falls = min(then) < min(now)
            if self.floor == "every":
                falls = falls or any(t < min(n, s) for t, n, s in zip(then, now, start, strict=True))
            gain = self.weights[0] * (sum(then) - sum(now)) + self.weights[1] * (min(then) - min(now))
            if gain > 0 and not falls:
                gains[package] = gain
        return min(gains, key=lambda package: (-gains[package], self._tie(package)), default=None)

    def _offers(self, group: str, most: int) -> list[Package]:
        """Return a group's best affordable moves: add an item, drop one, or swap two."""
        value = self.utilities[group]
        own = value(self.now)
        moves = {self.now - {i} for i in self.now}
        for base in (self.now, *list(moves)):
            moves |= {base | {i} for i in range(len(self.costs)) if i not in self.now}
        gains = {move: value(move) - own for move in moves if self._affordable(move)}
        liked = [move for move, gain in gains.items() if gain > 0]
        return sorted(liked, key=lambda move: (-gains[move], self._tie(move)))[:most]

    def _joined(self, a: Package, b: Package) -> Package | None:
        """Return two moves made together; None where they clash or cost too much."""
        touched = (a ^ self.now) & (b ^ self.now)
        joined = self.now ^ (a ^ self.now) ^ (b ^ self.now)
        return None if touched or not self._affordable(joined) else joined

    def _affordable(self, package: Package) -> bool:
        return sum(self.costs[i] for i in package) <= self.budget

    def _all(self, package: Package) -> list[int]:
        return [value(package) for value in self.utilities.values()]

    def _tie(self, package: Package) -> bytes:
        items = ",".join(map(str, sorted(package)))
        return blake3(b"waggle/package/1\0%b\0%b" % (self.mark.encode(), items.encode())).digest()


def _function(utility: Utility) -> Callable[[Package], int]:
    return utility if callable(utility) else partial(_sum, tuple(utility))


def _sum(values: Sequence[int], package: Iterable[int]) -> int:
    return sum(values[i] for i in package)


def _scaled(costs: Sequence[int], budget: int, utility: Utility) -> Callable[[Package], int]:
    if callable(utility):
        return utility
    best, least = _best(costs, budget, utility), -_best(costs, budget, [-value for value in utility])
    if best == least:
        return lambda _package: UNIT
    return lambda package: (_sum(utility, package) - least) * UNIT // (best - least)


def _best(costs: Sequence[int], budget: int, values: Sequence[int]) -> int:
    return _sum(values, best_package(costs, budget, values))


def _check(costs: Sequence[int], budget: int, utilities: Mapping[str, Utility], start: Collection[int]) -> None:
    if not costs or not utilities:
        raise UsageError(f"a bargain needs items and groups, got {len(costs)} items and {len(utilities)} groups")
    values = [value for utility in utilities.values() if not callable(utility) for value in utility]
    if not all(isinstance(number, int) for number in (*costs, budget, *values)):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise UsageError("costs, budget and values are integers, so that all who decide get the same sums: scale them")
    if min(costs) < 0 or budget < 0:
        raise UsageError(f"costs and budget are 0 or more, got costs from {min(costs)} and a budget of {budget}")
    for group, utility in utilities.items():
        if not callable(utility) and len(utility) != len(costs):
            raise UsageError(f"group {group!r} values {len(utility)} items, there are {len(costs)}")
    if any(not 0 <= i < len(costs) for i in start):
        raise UsageError(f"the start names items outside of 0 to {len(costs) - 1}: {sorted(start)}")
    if sum(costs[i] for i in set(start)) > budget:
        raise UsageError(f"the start costs {sum(costs[i] for i in set(start))}, more than the budget of {budget}")
