"""The best package by three measures, found by looking at all: what a bargain is held against.

With known utilities and up to 16 items, use these: the leximin package leaves the worst-off group better than any
bargain. Sources: leximin, Sen 1970, "Collective Choice and Social Welfare"; Nash 1950, "The Bargaining Problem",
Econometrica 18:155; on packages, Moulin 2003, "Fair Division and Collective Welfare", ch. 3.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from waggledance.consensus._negotiation import Package
from waggledance.core import UsageError

MAX_ITEMS = 16


def utilitarian(costs: Sequence[int], budget: int, utilities: Mapping[str, Sequence[int]]) -> Package:
    """Return the affordable package of largest total utility; of equals the leximin one.

    Args:
        costs: of each item, integers ≥ 0; at most 16.
        budget: what a package may cost at most.
        utilities: by group, one integer an item, in one unit for all groups.

    Raises:
        UsageError: no item or group, too many items, unequal lengths, or nothing is affordable.

    >>> sorted(utilitarian([1, 1, 2], 2, {"a": [3, 0, 4], "b": [0, 3, 4]}))
    [2]
    """
    packages, had = _affordable(costs, budget, utilities)
    total = had.sum(axis=1)
    best = total == total.max()
    return _leximin(packages[best], had[best])


def leximin(costs: Sequence[int], budget: int, utilities: Mapping[str, Sequence[int]]) -> Package:
    """Return the affordable package whose worst-off group has most; of equals, whose second worst-off has most, …

    Takes and raises what `utilitarian` does.

    >>> sorted(leximin([1, 1, 1], 2, {"a": [9, 0, 3], "b": [8, 1, 3]}))
    [0, 2]
    """
    return _leximin(*_affordable(costs, budget, utilities))


def nash(
    costs: Sequence[int], budget: int, utilities: Mapping[str, Sequence[int]], start: Sequence[int] = ()
) -> Package:
    """Return the affordable package of largest product of what groups gain over the start, none losing.

    Where no package gains something for everybody, the gains of as many groups as can gain count. Takes and raises
    what `utilitarian` does.

    >>> sorted(nash([1, 1, 1], 2, {"a": [4, 0, 1], "b": [0, 4, 1]}))
    [0, 1]
    """
    packages, had = _affordable(costs, budget, utilities)
    base = np.array([sum(values[i] for i in start) for _, values in sorted(utilities.items())])
    gain = had - base
    whole = (gain >= 0).all(axis=1)
    if not whole.any():
        return Package(start)
    packages, had, gain = packages[whole], had[whole], gain[whole]
    winners = (gain > 0).sum(axis=1)
    most = winners == winners.max()
    packages, had, gain = packages[most], had[most], gain[most]
    product = np.where(gain > 0, np.log(np.maximum(gain, 1)), 0.0).sum(axis=1)
    best = product >= product.max() - 1e-12
    return _leximin(packages[best], had[best])


def _affordable(
    costs: Sequence[int], budget: int, utilities: Mapping[str, Sequence[int]]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return all affordable packages, as rows of zeros and ones, and what each group has of each."""
    items = len(costs)
    if not 1 <= items <= MAX_ITEMS or not utilities:
        raise UsageError(f"looking at all packages takes 1 to {MAX_ITEMS} items and a group, got {items} items and "
                         f"{len(utilities)} groups; use `negotiate` for more")  # fmt: skip
    if any(len(values) != items for values in utilities.values()):
        raise UsageError(f"every group gives each of {items} items one value")
    if min(costs) < 0 or budget < 0:
        raise UsageError(f"costs and budget are 0 or more, got costs from {min(costs)} and a budget of {budget}")
    packages: NDArray[np.int64] = (np.arange(2**items, dtype=np.int64)[:, None] >> np.arange(items)) & 1
    packages = packages[packages @ np.asarray(costs, dtype=np.int64) <= budget]
    values = np.asarray([values for _, values in sorted(utilities.items())], dtype=np.int64)
    had: NDArray[np.int64] = packages @ values.T
    return packages, had


def _leximin(packages: NDArray[np.int64], had: NDArray[np.int64]) -> Package:
    """Return the leximin one; of those that are alike to all, the one that takes fewest items, then a drawn one."""
    ranked = np.sort(had, axis=1)
    for column in ranked.T:
        keep = column[np.arange(len(column))] == column.max()
        if keep.all():
            continue
        return _leximin(packages[keep], had[keep])
    size = packages.sum(axis=1)
    rows = np.flatnonzero(size == size.min())
    drawn = min(rows, key=lambda row: _tie(packages[row]))
    return Package(int(i) for i in np.flatnonzero(packages[drawn]))


def _tie(package: NDArray[np.int64]) -> bytes:
    from blake3 import blake3

    return blake3(b"waggle/package/1\0" + package.astype(np.uint8).tobytes()).digest()
