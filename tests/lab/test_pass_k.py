"""pass^k."""

from __future__ import annotations

from itertools import combinations

import pytest

from waggledance.core import UsageError
from waggledance.lab import pass_k


@pytest.mark.parametrize("solved", range(6))
@pytest.mark.parametrize("k", [1, 2, 5])
def test_it_is_the_share_of_ways_to_take_k_tries_that_all_succeeded(solved: int, k: int) -> None:
    tries = [1] * solved + [0] * (5 - solved)
    ways = list(combinations(tries, k))
    assert pass_k([(solved, 5)], k) == pytest.approx(sum(all(way) for way in ways) / len(ways))


def test_more_tries_are_never_likelier_to_all_succeed() -> None:
    tasks = [(4, 5), (1, 5), (5, 5)]
    shares = [pass_k(tasks, k) for k in range(1, 6)]
    assert shares == sorted(shares, reverse=True)
    assert shares[0] == pytest.approx(10 / 15)


@pytest.mark.parametrize(("tasks", "k"), [([], 1), ([(1, 2)], 3), ([(3, 2)], 1), ([(1, 2)], 0), ([(-1, 2)], 1)])
def test_what_cannot_be_told_is_refused(tasks: list[tuple[int, int]], k: int) -> None:
    with pytest.raises(UsageError):
        pass_k(tasks, k)
