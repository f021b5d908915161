from math import inf, nan

import pytest
from hypothesis import given
from hypothesis import strategies as st

from waggledance.consensus import gini, quantile, worst
from waggledance.core import UsageError

UTILITIES = st.lists(st.integers(0, 10_000), min_size=1, max_size=9)


@given(UTILITIES)
def test_gini_is_half_the_mean_difference_over_the_mean(values: list[int]) -> None:
    n, total = len(values), sum(values)
    slow = sum(abs(a - b) for a in values for b in values) / (2 * n * total) if total else 0.0
    assert gini(values) == pytest.approx(slow)


@given(UTILITIES, st.integers(1, 9))
def test_gini_knows_no_order_and_no_unit(values: list[int], factor: int) -> None:
    assert gini([factor * v for v in reversed(values)]) == pytest.approx(gini(values))


@given(UTILITIES, st.floats(0, 1))
def test_a_quantile_lies_between_the_ends_and_the_worst_is_the_lowest(values: list[int], share: float) -> None:
    assert worst(values) == quantile(values, 0) <= quantile(values, share) <= quantile(values, 1) == max(values)


def test_what_cannot_be_measured_is_refused() -> None:
    for bad in ([], [nan], [1.0, inf]):
        with pytest.raises(UsageError, match=r"got none|finite"):
            gini(bad)
    with pytest.raises(UsageError, match="between 0 and 1"):
        quantile([1.0], 1.5)
