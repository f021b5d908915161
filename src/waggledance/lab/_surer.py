"""Surer: how many more answers it takes until the leading one is very likely what the peers answer most.

The chance that the more frequent of the two leading answers is the more probable one is that of adaptive consistency
(Aggarwal et al. 2023, arXiv:2305.11860); more answers are taken to fall as those so far did. It says nothing about
whether the answer is right: peers may be wrong together.
"""

from __future__ import annotations

from bisect import bisect_left

from waggledance.core import UsageError
from waggledance.protocols import chance_of_lead

MOST = 1_000
"""More answers than this are not counted: the two leading answers are level."""


def answers_to(sure: float, first: int, second: int, others: int = 0) -> int | None:
    """Return how many more answers make the lead as sure as asked, if they fall as those so far did.

    Args:
        sure: the chance that is enough, > .5 and < 1.
        first: votes for the leading answer.
        second: votes for the next one.
        others: votes for all further ones, and answers that are none.

    Returns:
        0 when it is sure enough now; None when a thousand more would not do.

    >>> answers_to(0.99, 9, 2, 4), answers_to(0.99, 5, 5), answers_to(0.9, 9, 2)
    (3, None, 0)
    """
    total = first + second + others
    if not 0.5 < sure < 1 or total == 0:
        raise UsageError(f"being sure is a chance above 0.5 and below 1 after an answer or more, got {sure} of {total}")
    if first == second:
        return None

    def enough(more: int) -> bool:
        return chance_of_lead(first + round(more * first / total), second + round(more * second / total)) >= sure

    more = bisect_left(range(MOST + 1), True, key=enough)
    return more if more <= MOST else None
