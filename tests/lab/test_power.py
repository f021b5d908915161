"""What so many tasks can show."""

from __future__ import annotations

from math import nan

import numpy as np
import pytest

from waggledance.core import UsageError
from waggledance.lab import noise_floor, sign_flip_p, smallest_difference


def test_the_smallest_difference_is_found_four_times_in_five() -> None:
    n, rng = 200, np.random.default_rng(6)
    difference = smallest_difference(n)
    plus, minus = (0.2 + difference) / 2, (0.2 - difference) / 2  # a fifth of the tasks discordant
    found = [
        sign_flip_p(rng.choice([1.0, -1.0, 0.0], size=n, p=[plus, minus, 0.8]), draws=2_000, seed=i) <= 0.05
        for i in range(400)
    ]
    assert np.mean(found) == pytest.approx(0.8, abs=0.06)


def test_more_tasks_show_less() -> None:
    shown = [smallest_difference(n) for n in (20, 100, 400)]
    assert shown == sorted(shown, reverse=True)
    assert noise_floor(100) == pytest.approx(2 * noise_floor(400))


@pytest.mark.parametrize("clusters", [0, -1])
def test_no_task_shows_nothing_and_is_refused(clusters: int) -> None:
    with pytest.raises(UsageError):
        noise_floor(clusters)
    with pytest.raises(UsageError):
        smallest_difference(clusters)


@pytest.mark.parametrize("how", [{"deviation": nan}, {"deviation": -1.0}, {"power": 1.0}, {"power": 0.4}])
def test_a_power_or_deviation_that_is_none_is_refused(how: dict[str, float]) -> None:
    with pytest.raises(UsageError):
        smallest_difference(10, **how)


def test_a_share_that_is_none_is_refused() -> None:
    with pytest.raises(UsageError):
        noise_floor(10, share=1.5)
