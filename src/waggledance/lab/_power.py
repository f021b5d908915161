"""How much a comparison of so many tasks can see at all: the noise of one arm, the smallest difference of two."""

from __future__ import annotations

from math import isfinite, sqrt
from statistics import NormalDist

from waggledance.core import UsageError
from waggledance.lab._wilson import two_sided

DISCORDANT = 0.2
"""Share of tasks that exactly one of two arms solves, as a guess before anything is run."""


def noise_floor(clusters: int, *, share: float = 0.5, level: float = 0.95) -> float:
    """Return the half width of one arm's interval: two arms closer than that look alike even if they are not.

    Args:
        clusters: independent tasks, ≥ 1.
        share: the arm's share of solved tasks, 0 to 1.
        level: the interval's.

    Raises:
        UsageError: a number is out of range.

    >>> [round(noise_floor(n), 2) for n in (20, 100, 400)]
    [0.22, 0.1, 0.05]
    """
    if clusters < 1 or not 0 <= share <= 1:
        raise UsageError(f"a noise floor needs a task and a share from 0 to 1, got {clusters} and {share}")
    return two_sided(level) * sqrt(share * (1 - share) / clusters)


def smallest_difference(
    clusters: int, *, deviation: float = sqrt(DISCORDANT), power: float = 0.8, level: float = 0.95
) -> float:
    """Return the smallest paired difference that is found with this power.

        (z(level) + z(power)) · deviation / √clusters

    Args:
        clusters: independent tasks, ≥ 1.
        deviation: standard deviation of a task's difference; √(discordant share) before anything is run.
        power: how often such a difference is found, between 0.5 and 1.
        level: of the two-sided test.

    Raises:
        UsageError: a number is out of range.

    >>> [round(smallest_difference(n), 3) for n in (100, 400)]
    [0.125, 0.063]
    """
    if clusters < 1 or not 0.5 <= power < 1 or not (isfinite(deviation) and deviation >= 0):
        raise UsageError(
            f"a smallest difference needs a task, a power from 0.5 to 1 and a deviation ≥ 0; got {clusters}, "
            f"{power} and {deviation}"
        )
    return (two_sided(level) + NormalDist().inv_cdf(power)) * deviation / sqrt(clusters)
