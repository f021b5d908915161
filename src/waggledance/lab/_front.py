"""The accuracy–cost front: arms that no other arm beats at the same or a lower cost."""

from __future__ import annotations

from collections.abc import Sequence
from math import isnan

from waggledance.core import UsageError


def front(costs: Sequence[float], scores: Sequence[float]) -> list[bool]:
    """Say of each arm whether it is on the front: no other is at least as good and as cheap, and better in one.

    Raises:
        UsageError: their numbers differ, or one is not a number.

    >>> front([1, 2, 2, 3], [0.5, 0.7, 0.6, 0.7])
    [True, True, False, False]
    """
    if len(costs) != len(scores) or any(map(isnan, (*costs, *scores))):
        raise UsageError("every arm on a front has a cost and a score, both numbers")
    arms = list(zip(costs, scores, strict=True))
    return [not any(c <= cost and s >= score and (c, s) != (cost, score) for c, s in arms) for cost, score in arms]
