"""Time-outs follow one's own round trips, inside bounds, and stretch when oneself is not well."""

from __future__ import annotations

import pytest

from waggledance.mesh._swim_health import Health


@pytest.mark.parametrize(
    ("rtts", "wait_s"),
    [([], 0.5), ([0.001] * 50, 0.2), ([0.1] * 50, 0.3), ([0.1] * 99 + [0.15] * 2, 0.45), ([2.0], 0.5)],
)
def test_a_wait_is_three_times_the_p99_between_a_fifth_of_a_second_and_half_a_period(
    rtts: list[float], wait_s: float
) -> None:
    health = Health(1.0)
    for rtt_s in rtts:
        health.took(rtt_s)
    assert health.wait_s == pytest.approx(wait_s)


def test_half_a_period_wins_over_the_floor() -> None:
    health = Health(0.2)
    health.took(0.001)
    assert health.wait_s == pytest.approx(0.1)


def test_old_round_trips_are_forgotten() -> None:
    health = Health(1.0)
    health.took(5.0)
    for _ in range(256):
        health.took(0.01)
    assert health.wait_s == pytest.approx(0.2)


def test_the_score_stays_in_its_range_and_stretches_the_wait() -> None:
    health = Health(1.0)
    health.shift(-3)
    assert health.stretch == 1
    health.shift(5)
    assert health.wait_s == pytest.approx(0.5 * 6)
    health.shift(100)
    assert health.stretch == 9
