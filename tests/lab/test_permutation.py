"""Sign-flip permutation test."""

from __future__ import annotations

from itertools import product
from math import inf, nan

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from waggledance.core import UsageError
from waggledance.lab import sign_flip_p


def by_hand(differences: list[float]) -> float:
    seen = abs(sum(differences))
    sums = [abs(sum(s * d for s, d in zip(signs, differences, strict=True)))
            for signs in product((-1, 1), repeat=len(differences))]  # fmt: skip
    return sum(total >= seen - 1e-9 for total in sums) / len(sums)


@settings(max_examples=40)
@given(st.lists(st.integers(-3, 3).map(float), min_size=1, max_size=9))
def test_few_differences_are_flipped_in_every_way(differences: list[float]) -> None:
    assert sign_flip_p(differences) == pytest.approx(by_hand(differences))


def test_many_differences_are_drawn_near_the_binomial_they_come_from() -> None:
    differences = [1.0] * 28 + [-1.0] * 12 + [0.0] * 100
    exact = 0.0166  # two-sided binomial test of 28 in 40 at one half
    assert sign_flip_p(differences, draws=40_000) == pytest.approx(exact, abs=0.004)


def test_without_a_difference_small_p_values_are_as_rare_as_they_should_be() -> None:
    rng = np.random.default_rng(4)
    p_values = [sign_flip_p(rng.integers(-1, 2, 60).astype(np.float64), draws=400, seed=i) for i in range(300)]
    assert 0.01 < np.mean(np.array(p_values) <= 0.05) < 0.09


def test_turning_all_signs_or_the_order_changes_nothing_where_all_ways_are_tried() -> None:
    differences = [0.2, -0.1, 0.5, 0.0, 0.3]
    turned = [-d for d in reversed(differences)]
    assert sign_flip_p(turned) == pytest.approx(sign_flip_p(differences))


def test_the_least_p_of_drawn_signs_counts_the_data_itself() -> None:
    assert sign_flip_p([1.0] * 200, draws=999) == 1 / 1000


@pytest.mark.parametrize("differences", [[], [nan], [1.0, inf]])
def test_differences_that_are_none_are_refused(differences: list[float]) -> None:
    with pytest.raises(UsageError):
        sign_flip_p(differences)


def test_no_draws_are_refused() -> None:
    with pytest.raises(UsageError):
        sign_flip_p([1.0], draws=0)
