"""Cluster bootstrap."""

from __future__ import annotations

from math import inf, nan
from random import Random

import numpy as np
import pytest

from waggledance.core import UsageError
from waggledance.lab import mean_interval, ratio_interval
from waggledance.lab._bootstrap import drawn


def planted(rng: np.random.Generator, tasks: int, repeats: int) -> tuple[list[float], list[str]]:
    """Runs whose task decides most of what comes out: the share of a task is drawn from Beta(1/2, 1/2), mean 1/2."""
    share = rng.beta(0.5, 0.5, size=tasks)
    solved = rng.random((tasks, repeats)) < share[:, None]
    return solved.astype(float).ravel().tolist(), [f"t{i}" for i in range(tasks) for _ in range(repeats)]


def coverage(trials: int, *, by_task: bool) -> float:
    rng = np.random.default_rng(7)
    held = 0
    for trial in range(trials):
        values, tasks = planted(rng, tasks=60, repeats=5)
        clusters = tasks if by_task else [f"run{i}" for i in range(len(values))]
        low, high = mean_interval(values, clusters, draws=400, seed=trial)
        held += low <= 0.5 <= high
    return held / trials


@pytest.mark.slow
def test_drawing_runs_covers_three_times_in_four_what_drawing_tasks_covers_at_its_level() -> None:
    assert coverage(600, by_task=False) == pytest.approx(0.74, abs=0.05)  # 0.777 seen, 0.742 in theory
    assert coverage(600, by_task=True) == pytest.approx(0.94, abs=0.03)  # 0.947 seen


def test_drawing_tasks_gives_wider_intervals_than_drawing_runs_where_runs_of_a_task_are_alike() -> None:
    values, tasks = planted(np.random.default_rng(1), tasks=80, repeats=5)
    low, high = mean_interval(values, tasks)
    low_runs, high_runs = mean_interval(values, [str(i) for i in range(len(values))])
    assert high - low > 1.4 * (high_runs - low_runs)


def test_the_interval_is_that_of_a_dumb_loop_over_the_same_draws() -> None:
    over, under = [0.3, 0.9, 0.1, 0.5], [1.0, 2.0, 3.0, 1.0]
    times = drawn(4, 200, 5)

    def total(draw: int, of: list[float]) -> float:
        return sum(float(times[draw, i]) * of[i] for i in range(4))

    ratios = sorted(total(draw, over) / total(draw, under) for draw in range(200))
    assert ratio_interval(over, under, draws=200, seed=5) == pytest.approx((ratios[5], ratios[194]))


def test_order_of_runs_and_names_of_clusters_in_the_same_order_change_nothing() -> None:
    values, tasks = planted(np.random.default_rng(2), tasks=20, repeats=3)
    order = Random(9).sample(range(len(values)), len(values))
    shuffled = mean_interval([values[i] for i in order], [tasks[i] for i in order])
    assert shuffled == mean_interval(values, tasks)


def test_a_draw_without_anything_to_divide_by_counts_as_infinite() -> None:
    low, high = ratio_interval([1.0, 1.0, 1.0], [1.0, 0.0, 0.0])
    assert low < 3 < high == inf


def test_one_cluster_gives_an_interval_without_width() -> None:
    assert mean_interval([1.0, 0.0], ["a", "a"]) == (0.5, 0.5)


@pytest.mark.parametrize(
    ("values", "clusters"), [([], []), ([1.0], []), ([nan], ["a"]), ([inf, 1.0], ["a", "b"]), ([1.0, 2.0], ["a"])]
)
def test_values_that_cannot_be_averaged_are_refused(values: list[float], clusters: list[str]) -> None:
    with pytest.raises(UsageError):
        mean_interval(values, clusters)


@pytest.mark.parametrize(("level", "draws"), [(0.0, 100), (1.0, 100), (0.95, 0)])
def test_a_level_or_a_number_of_draws_that_is_none_is_refused(level: float, draws: int) -> None:
    with pytest.raises(UsageError):
        ratio_interval([1.0], [1.0], level=level, draws=draws)


def test_a_negative_divisor_is_refused() -> None:
    with pytest.raises(UsageError):
        ratio_interval([1.0], [-1.0])
