"""Conditions are thresholds that move with time, and every way of joining them keeps the laws."""

from __future__ import annotations

from math import inf, nan

import pytest
from hypothesis import given
from hypothesis import strategies as st

from waggledance.core import Condition, UsageError, after, count, everyone

LEAVES: st.SearchStrategy[Condition] = st.one_of(
    st.just(everyone), st.integers(0, 6).map(count), st.sampled_from([0.0, 0.5, 1.0, 2.0, 30.0, inf]).map(after)
)


def joined(inner: st.SearchStrategy[Condition]) -> st.SearchStrategy[Condition]:
    pairs = st.tuples(inner, inner)
    return pairs.map(lambda pair: pair[0] | pair[1]) | pairs.map(lambda pair: pair[0] & pair[1])


CONDITIONS: st.SearchStrategy[Condition] = st.recursive(LEAVES, joined, max_leaves=6)
EXPECTED = st.integers(0, 6)
WAITED = st.floats(0, 40)


@given(condition=CONDITIONS, expected=EXPECTED, waited_s=WAITED, longer_s=WAITED)
def test_waiting_longer_never_asks_for_more(
    condition: Condition, expected: int, waited_s: float, longer_s: float
) -> None:
    assert condition.threshold(expected, waited_s + longer_s) <= condition.threshold(expected, waited_s)


@given(condition=CONDITIONS, expected=EXPECTED, more=EXPECTED, waited_s=WAITED)
def test_expecting_more_never_asks_for_less(condition: Condition, expected: int, more: int, waited_s: float) -> None:
    assert condition.threshold(expected + more, waited_s) >= condition.threshold(expected, waited_s)


@given(condition=CONDITIONS, expected=EXPECTED, waited_s=WAITED)
def test_a_threshold_changes_at_the_moments_it_names_and_never_between(
    condition: Condition, expected: int, waited_s: float
) -> None:
    last = max((moment for moment in condition.moments if moment <= waited_s), default=0.0)
    assert condition.threshold(expected, waited_s) == condition.threshold(expected, last)
    assert list(condition.moments) == sorted(set(condition.moments))


@given(a=CONDITIONS, b=CONDITIONS, answered=EXPECTED, expected=EXPECTED, waited_s=WAITED)
def test_or_holds_when_one_side_does_and_and_when_both_do(
    a: Condition, b: Condition, answered: int, expected: int, waited_s: float
) -> None:
    def holds(condition: Condition) -> bool:
        return answered >= condition.threshold(expected, waited_s)

    assert holds(a | b) == (holds(a) or holds(b))
    assert holds(a & b) == (holds(a) and holds(b))


@pytest.mark.parametrize("seconds", [-1, nan, -inf])
def test_a_waiting_time_is_not_negative(seconds: float) -> None:
    with pytest.raises(UsageError, match="seconds ≥ 0"):
        after(seconds)


def test_a_number_of_authors_is_not_negative() -> None:
    with pytest.raises(UsageError, match="cannot be negative"):
        count(-1)


def test_a_condition_reads_as_it_was_written() -> None:
    assert str(everyone | after(30)) == "everyone | after(30)"
    assert str(count(5) & after(1)) == "(count(5)) & (after(1))"
