"""Holm's correction."""

from __future__ import annotations

from math import nan

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from waggledance.core import UsageError
from waggledance.lab import holm


def rejected_step_by_step(p_values: list[float], level: float) -> set[int]:
    """Holm's procedure as the paper tells it: reject the smallest while it stays below level / number left."""
    left = sorted(range(len(p_values)), key=lambda i: p_values[i])
    rejected: set[int] = set()
    while left and p_values[left[0]] * len(left) <= level:
        rejected.add(left.pop(0))
    return rejected


@example([0.012, 0.016, 0.02, 0.04])  # all four, where Bonferroni rejects the first alone
@settings(max_examples=60)
@given(st.lists(st.integers(0, 60).map(lambda n: n / 1000), max_size=8))
def test_what_stays_below_the_level_is_what_the_stepwise_procedure_rejects(p_values: list[float]) -> None:
    adjusted = holm(p_values)
    assert {i for i, p in enumerate(adjusted) if p <= 0.05} == rejected_step_by_step(p_values, 0.05)
    assert all(a >= p for a, p in zip(adjusted, p_values, strict=True))


def test_of_ten_tests_of_nothing_one_is_called_a_finding_in_one_table_of_twenty() -> None:
    rng = np.random.default_rng(5)
    tables = [min(holm(rng.random(10).tolist())) <= 0.05 for _ in range(2_000)]
    assert np.mean(tables) == pytest.approx(0.05, abs=0.015)


@pytest.mark.parametrize("p_values", [[-0.1], [1.1], [nan]])
def test_what_is_no_probability_is_refused(p_values: list[float]) -> None:
    with pytest.raises(UsageError):
        holm(p_values)
