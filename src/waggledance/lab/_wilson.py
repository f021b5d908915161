"""Wilson's interval for one proportion: sane at 0 of n and n of n, where the plain one has no width."""

from __future__ import annotations

from math import sqrt
from statistics import NormalDist

from waggledance.core import UsageError


def wilson(solved: int, n: int, *, level: float = 0.95) -> tuple[float, float]:
    """Return the interval of a share.

        (p + z²/2n ± z √(p(1-p)/n + z²/4n²)) / (1 + z²/n),   p = solved / n

    Args:
        solved: how many of them, 0 to n.
        n: how many independent ones, ≥ 1.
        level: how often such intervals hold the truth, 0 to 1, both excluded.

    Raises:
        UsageError: a number is out of range.

    Source: Wilson 1927, "Probable inference, the law of succession, and statistical inference".

    >>> [round(end, 3) for end in wilson(0, 10)], [round(end, 3) for end in wilson(50, 100)]
    ([0.0, 0.278], [0.404, 0.596])
    """
    if n < 1 or not 0 <= solved <= n:
        raise UsageError(f"a share is taken of one or more, got {solved} of {n}")
    z = two_sided(level)
    p, spread = solved / n, z * z / n
    middle = p + spread / 2
    half = z * sqrt(p * (1 - p) / n + spread / (4 * n))
    low, high = (middle - half) / (1 + spread), (middle + half) / (1 + spread)
    return (0.0 if solved == 0 else low), (1.0 if solved == n else high)


def two_sided(level: float) -> float:
    """Return how many standard errors reach to each side of an interval of this level.

    Raises:
        UsageError: the level does not lie between 0 and 1.
    """
    if not 0 < level < 1:
        raise UsageError(f"a level lies between 0 and 1, such as 0.95; got {level}")
    return NormalDist().inv_cdf((1 + level) / 2)
