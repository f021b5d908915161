"""Packages: sets of options, and the text that names one."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from string import ascii_uppercase

NOTHING = "none"


def package_key(items: Iterable[int]) -> str:
    """Return the canonical name of a set of options, given by their numbers from 0.

    >>> package_key({2, 0}), package_key([])
    ('A+C', 'none')
    """
    return "+".join(ascii_uppercase[i] for i in sorted(set(items))) or NOTHING


def package_of(key: str, options: int) -> frozenset[int] | None:
    """Return the options that a canonical name stands for, by their numbers; None for any other text.

    >>> package_of("A+C", 3) == {0, 2}, package_of("none", 3) == set(), package_of("C+A", 3), package_of("D", 3)
    (True, True, None, None)
    """
    if key == NOTHING:
        return frozenset()
    letters = key.split("+")
    known = ascii_uppercase[:options]
    if any(len(letter) != 1 or letter not in known for letter in letters):
        return None
    package = frozenset(known.index(letter) for letter in letters)
    return package if package_key(package) == key else None


def best_package(prices: Sequence[int], limit: int, values: Sequence[int]) -> frozenset[int]:
    """Return a package of largest value that may be spent on: the knapsack, by what can be had at each cost.

    Args:
        prices: of each option, integers ≥ 0.
        limit: what a package may cost, ≥ 0.
        values: of each option, integers; what is worth nothing is left out.

    >>> sorted(best_package([2, 1, 2], 3, [5, 4, 6]))
    [1, 2]
    """
    at: dict[int, tuple[int, frozenset[int]]] = {0: (0, frozenset())}
    for i, (price, value) in enumerate(zip(prices, values, strict=True)):
        for spent, (had, package) in list(at.items()) if value > 0 else ():
            more = spent + price
            if more <= limit and (more not in at or at[more][0] < had + value):
                at[more] = had + value, package | {i}
    return max(at.values(), key=lambda found: found[0])[1]
