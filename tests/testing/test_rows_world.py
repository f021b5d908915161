"""Matrix' two claims, on the real batch engine in virtual time: exact, the same on every machine."""

from collections.abc import Callable
from math import inf, nan
from random import Random

import pytest

from waggledance.core import UsageError
from waggledance.testing import row_over_batch, steps_a_second


def drawn(draw: Callable[[Random], float], in_flight: int, batches: int) -> list[float]:
    rng = Random(1)
    return [draw(rng) for _ in range(in_flight * batches)]


def test_rows_at_their_own_pace_gain_nothing_when_all_last_alike() -> None:
    assert row_over_batch([1.0] * 320, 32) == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("sigma", "in_flight", "times"), [(0.5, 8, 1.88), (0.5, 32, 2.58), (0.5, 128, 3.15), (1.0, 8, 3.0), (1.0, 32, 4.9)]
)
def test_rows_at_their_own_pace_gain_what_the_matrix_card_says(sigma: float, in_flight: int, times: float) -> None:
    durations_s = drawn(lambda rng: rng.lognormvariate(0.0, sigma), in_flight, 60)
    assert row_over_batch(durations_s, in_flight) == pytest.approx(times, rel=0.10)


def test_32_rows_in_flight_gain_at_least_2_3_at_sigma_one_half() -> None:
    assert row_over_batch(drawn(lambda rng: rng.lognormvariate(0.0, 0.5), 32, 200), 32) >= 2.3


def test_uniform_durations_gain_little() -> None:
    assert 1.3 <= row_over_batch(drawn(lambda rng: rng.uniform(0.5, 1.5), 8, 100), 8) <= 1.5


def test_eight_peers_gain_nothing_over_a_centre_below_two_hundred_in_flight() -> None:
    assert steps_a_second(64, peers=8) / steps_a_second(64, peers=1) == pytest.approx(1.0, abs=0.05)


def test_eight_peers_gain_at_least_four_times_with_4096_in_flight() -> None:
    centre, peers = (steps_a_second(4_096, peers=count) for count in (1, 8))
    assert centre <= 500  # one loop at 2 ms a step
    assert peers / centre >= 4


def test_bad_input_is_refused() -> None:
    for durations_s in ([], [1.0, 0.0], [nan], [inf], [-1.0]):
        with pytest.raises(UsageError, match="positive and finite"):
            row_over_batch(durations_s, 2)
    for in_flight, peers in ((10, 3), (0, 1), (8, 0), (8, -8)):
        with pytest.raises(UsageError, match="multiple"):
            steps_a_second(in_flight, peers=peers)
    with pytest.raises(UsageError, match="positive"):
        steps_a_second(8, peers=1, steer_s=nan)
