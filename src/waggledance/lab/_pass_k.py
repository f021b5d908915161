"""pass^k: how likely all of k tries at a task succeed; what reliability means where one failure is enough.

Source: Yao et al. 2024, "τ-bench", arXiv:2406.12045 §5.
"""

from __future__ import annotations

from collections.abc import Iterable
from math import comb

from waggledance.core import UsageError


def pass_k(tasks: Iterable[tuple[int, int]], k: int) -> float:
    """Return the mean over tasks of C(solved, k) / C(tries, k).

    Args:
        tasks: how often each task was solved, and how often it was tried.
        k: how many tries must all succeed, 1 to the fewest tries of a task.

    Raises:
        UsageError: there is no task, or one was tried less often than k.

    >>> pass_k([(4, 4), (2, 4)], k=2)
    0.5833333333333334
    """
    shares: list[float] = []
    for solved, tries in tasks:
        if not 1 <= k <= tries or not 0 <= solved <= tries:
            raise UsageError(f"pass^{k} cannot be told of a task that was solved {solved} times in {tries} tries")
        shares.append(comb(solved, k) / comb(tries, k))
    if not shares:
        raise UsageError("pass^k needs at least one task, got none")
    return sum(shares) / len(shares)
