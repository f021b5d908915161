"""Holm's correction: of many tests, which may still be called findings.

Source: Holm 1979, "A Simple Sequentially Rejective Multiple Test Procedure".
"""

from __future__ import annotations

from collections.abc import Sequence

from waggledance.core import UsageError


def holm(p_values: Sequence[float]) -> list[float]:
    """Return p-values that may each be compared with the level, in the order given; none is below its own.

        adjusted of the i-th smallest = max over j ≤ i of min(1, (m - j + 1) · p_j)

    Raises:
        UsageError: one is no probability.

    >>> holm([0.01, 0.04, 0.03])
    [0.03, 0.06, 0.06]
    """
    if not all(0 <= p <= 1 for p in p_values):
        raise UsageError(f"p-values lie between 0 and 1, got {list(p_values)}")
    adjusted = [0.0] * len(p_values)
    highest = 0.0
    for rank, at in enumerate(sorted(range(len(p_values)), key=lambda i: p_values[i])):
        highest = max(highest, min(1.0, (len(p_values) - rank) * p_values[at]))
        adjusted[at] = highest
    return adjusted
