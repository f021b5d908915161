"""Wilson's interval."""

from __future__ import annotations

from math import comb

import pytest

from waggledance.core import UsageError
from waggledance.lab import wilson


def test_it_covers_a_planted_share_as_often_as_it_says_on_average_over_shares() -> None:
    n = 40
    covered: list[float] = []
    for p in (0.02, 0.1, 0.3, 0.5, 0.77, 0.95):
        chance = [comb(n, k) * p**k * (1 - p) ** (n - k) for k in range(n + 1)]
        covered.append(sum(chance[k] for k in range(n + 1) if wilson(k, n)[0] <= p <= wilson(k, n)[1]))
    assert 0.94 < sum(covered) / len(covered) < 0.97
    assert min(covered) > 0.9


@pytest.mark.parametrize("n", [1, 7, 500])
def test_the_ends_lie_between_0_and_1_and_mirror_each_other(n: int) -> None:
    for solved in range(0, n + 1, max(1, n // 7)):
        low, high = wilson(solved, n)
        assert 0 <= low <= solved / n <= high <= 1
        assert wilson(n - solved, n) == pytest.approx((1 - high, 1 - low))


@pytest.mark.parametrize(("solved", "n", "level"), [(0, 0, 0.95), (3, 2, 0.95), (-1, 2, 0.95), (1, 2, 1.0)])
def test_a_share_that_is_none_is_refused(solved: int, n: int, level: float) -> None:
    with pytest.raises(UsageError):
        wilson(solved, n, level=level)
