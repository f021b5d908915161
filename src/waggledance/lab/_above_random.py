"""A score above random: which part of the way from guessing to the ceiling an arm goes."""

from __future__ import annotations

from math import isfinite

from waggledance.core import UsageError


def above_random(score: float, random: float, ceiling: float) -> float | None:
    """Return (score - random) / (ceiling - random): 0 is no better than random, 1 reaches the ceiling.

    None where ceiling and random are the same, so that there is no way to go.

    Raises:
        UsageError: a number is not finite.

    >>> above_random(0.75, random=0.5, ceiling=1.0)
    0.5
    """
    if not all(map(isfinite, (score, random, ceiling))):
        raise UsageError(f"scores are finite numbers, got {score}, {random} and {ceiling}")
    return None if ceiling == random else (score - random) / (ceiling - random)
