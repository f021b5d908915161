"""Fairness: how evenly a result is spread over those it concerns.

These stand in the room of rules, because decisions name them; the lab uses the same ones.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import isfinite

from waggledance.core import UsageError


def gini(utilities: Sequence[float]) -> float:
    """Return the Gini coefficient: 0 when all have the same, near 1 when one has everything.

        Σ_i Σ_j |u_i - u_j| / (2 n² mean(u))

    Args:
        utilities: one a group, finite and ≥ 0; negative ones are counted from the least of them.

    Raises:
        UsageError: there are none, or one is not finite.

    Source: Gini 1912; as in Sen 1973, "On Economic Inequality", eq. 2.8.1.

    >>> gini([1, 1, 1]), gini([0, 0, 3])
    (0.0, 0.6666666666666666)
    """
    _check(utilities)
    least = min(0, *utilities) if len(utilities) > 1 else min(0, utilities[0])
    values = sorted(value - least for value in utilities)
    n, total = len(values), sum(values)
    if not total:
        return 0.0
    return sum((2 * rank - n - 1) * value for rank, value in enumerate(values, 1)) / (n * total)


def worst(utilities: Sequence[float]) -> float:
    """Return what the worst-off has.

    Raises:
        UsageError: there are none, or one is not finite.
    """
    _check(utilities)
    return min(utilities)


def quantile(utilities: Sequence[float], share: float = 0.2) -> float:
    """Return the value that a share of all stay at or below, between two of them in proportion.

    Args:
        utilities: one a group.
        share: 0 to 1; the default is the 20th percentile of the paper.

    Raises:
        UsageError: there are none, one is not finite, or `share` is out of range.

    >>> quantile([3, 1, 2, 5, 4, 6], 0.2)
    2.0
    """
    _check(utilities)
    if not 0 <= share <= 1:
        raise UsageError(f"a quantile's share lies between 0 and 1, got {share}")
    values = sorted(utilities)
    at = share * (len(values) - 1)
    low = int(at)
    high = min(low + 1, len(values) - 1)
    return float(values[low] + (at - low) * (values[high] - values[low]))


def _check(utilities: Sequence[float]) -> None:
    if not utilities:
        raise UsageError("a measure of fairness needs the utility of at least one group, got none")
    if not all(isfinite(value) for value in utilities):
        raise UsageError(f"utilities are finite numbers, got {list(utilities)}")
