"""The accuracy–cost front."""

from __future__ import annotations

from math import nan

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from waggledance.core import UsageError
from waggledance.lab import front

ARMS = st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), max_size=8)


@settings(max_examples=60)
@given(ARMS)
def test_every_arm_off_the_front_is_beaten_by_one_on_it(arms: list[tuple[int, int]]) -> None:
    on = front([c for c, _ in arms], [s for _, s in arms])
    best = [arm for arm, is_on in zip(arms, on, strict=True) if is_on]
    for (cost, score), is_on in zip(arms, on, strict=True):
        beaten = any(c <= cost and s >= score and (c, s) != (cost, score) for c, s in best)
        assert beaten != is_on
    assert not arms or best


def test_two_arms_alike_are_both_on_the_front() -> None:
    assert front([1, 1], [0.5, 0.5]) == [True, True]


@pytest.mark.parametrize(("costs", "scores"), [([1.0], []), ([nan], [1.0])])
def test_arms_without_a_cost_or_score_are_refused(costs: list[float], scores: list[float]) -> None:
    with pytest.raises(UsageError):
        front(costs, scores)
