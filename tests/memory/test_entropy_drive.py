"""The entropy drive: hot when stuck, cool when all is new, alike on every peer."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from random import Random
from typing import Any

import numpy as np
import pytest

from waggledance.core import UsageError
from waggledance.memory import diversity_ppm, temperature
from waggledance.memory._exemplars import UNLIKE

NEAR = tuple(
    f"We should look for the missing key in the kitchen drawer, because it lay there yesterday evening, {end}."
    for end in ("first", "now", "I think", "next", "then", "again", "maybe", "so", "too", "please")
)
"""Ten ways to say one thing."""


def noisy(noise: float, topics: int) -> Any:
    """Return an embedding into 256 dimensions: thought i is topic i mod `topics`, plus noise."""
    rng = np.random.default_rng(0)
    centres = rng.normal(size=(topics, 256)) / 16
    rows = np.array([centres[i % topics] + noise * rng.normal(size=256) / 16 for i in range(10)])

    def embed(texts: Sequence[str]) -> Any:
        return np.array([rows[int(text)] for text in texts])

    return embed


THOUGHTS = [str(i) for i in range(10)]


def test_a_stuck_mind_thinks_hot_and_a_wandering_one_cool() -> None:
    assert temperature(diversity_ppm(THOUGHTS, noisy(0.02, 1))) >= 1.95
    assert 0.9 < temperature(diversity_ppm(THOUGHTS, noisy(0.02, 2))) < 1.3
    assert temperature(diversity_ppm(THOUGHTS, noisy(0.0, 10))) <= 0.8


def test_real_sentences_paraphrases_heat_and_unrelated_ones_cool() -> None:
    assert temperature(diversity_ppm(NEAR)) >= 1.7
    assert temperature(diversity_ppm(UNLIKE[:10])) <= 0.8


def test_every_new_topic_in_the_window_cools() -> None:
    seen = [temperature(diversity_ppm([*NEAR[: 10 - n], *UNLIKE[:n]])) for n in range(11)]
    assert all(a > b for a, b in pairwise(seen[:9]))
    assert min(seen) == seen[-1]


def test_the_order_of_thoughts_and_so_the_peer_does_not_matter() -> None:
    thoughts = [*NEAR[:5], *UNLIKE[:5]]
    assert len({diversity_ppm(Random(seed).sample(thoughts, 10)) for seed in range(10)}) == 1


def test_fewer_than_two_thoughts_are_no_diversity_and_a_model_may_bear_less_heat() -> None:
    assert diversity_ppm([]) == diversity_ppm(["one"]) == 0
    assert temperature(0, limit=1.3) == 1.3


def test_too_many_thoughts_and_values_out_of_range_are_refused() -> None:
    with pytest.raises(UsageError, match="last 10"):
        diversity_ppm(["x"] * 11)
    for wrong in ((-1, 2.0), (1_000_001, 2.0), (0, 0.5), (0, float("nan"))):
        with pytest.raises(UsageError):
            temperature(*wrong)
    with pytest.raises(UsageError):
        diversity_ppm(["a", "b"], lambda texts: np.zeros((2, 3)))
