"""Delays follow their distributions."""

from statistics import mean, median

import pytest
from hypothesis import given
from hypothesis import strategies as st

from waggledance.core import UsageError
from waggledance.network import Constant, Delay, Exponential, LogNormal, Uniform
from waggledance.network._luck import WHOLE, chance, fraction, luck

DELAYS: list[Delay] = [Constant(0.05), Uniform(0.02, 0.08), Exponential(0.05), LogNormal(0.05, 0.5)]


@pytest.mark.parametrize("delay", DELAYS, ids=repr)
@given(a=st.integers(0, WHOLE - 1), b=st.integers(0, WHOLE - 1))
def test_more_luck_never_means_less_delay(delay: Delay, a: int, b: int) -> None:
    low, high = sorted((fraction(a), fraction(b)))
    assert 0 <= delay.drawn(low) <= delay.drawn(high)


def test_the_middle_of_a_distribution_is_where_it_says() -> None:
    draws = [fraction(n) for n in luck(1, b"test", 0, 0, 0, 0, n=20_000)]
    assert mean(Exponential(0.05).drawn(u) for u in draws) == pytest.approx(0.05, rel=0.03)
    assert median(LogNormal(0.05).drawn(u) for u in draws) == pytest.approx(0.05, rel=0.03)
    assert mean(Uniform(0.02, 0.08).drawn(u) for u in draws) == pytest.approx(0.05, rel=0.03)


@given(rate=st.floats(0, 1))
def test_a_chance_holds_as_often_as_it_says(rate: float) -> None:
    draws = luck(2, b"test", 1, 2, 3, 4, n=4_000)
    held = sum(draw < chance(rate) for draw in draws) / len(draws)
    assert held == pytest.approx(rate, abs=0.04)


def test_luck_of_one_name_is_not_the_luck_of_another() -> None:
    names = [(purpose, a, b) for purpose in (b"push", b"leg") for a in range(8) for b in range(8)]
    drawn = {luck(3, purpose, a, b, 0, 0, n=1) for purpose, a, b in names}
    assert len(drawn) == len(names)


@pytest.mark.parametrize("make", [lambda: Constant(-1), lambda: Exponential(float("inf")), lambda: Uniform(2, 1)])
def test_a_delay_that_makes_no_sense_is_refused(make: object) -> None:
    with pytest.raises(UsageError):
        make()  # type: ignore[operator]
