"""Grades become a yes or no: three are better than one, one liar costs little, and order decides nothing."""

from __future__ import annotations

from random import Random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from waggledance.core import UNIT, RunFailed, UsageError
from waggledance.tasks import Watched
from waggledance.tasks.recipes import accepts, calibrated, distinct, recipe_named
from waggledance.tasks.recipes._grades import settle_sample

MOST = 20
"""The world's grades have no end; on a scale of 20 none is cut off."""
LEAST = 7 * UNIT // MOST
ROWS = 4_000


def graded(reviewers: int, *, seed: int = 3, liar: bool = False) -> tuple[list[bool], list[float], list[list[int]]]:
    """Return which samples are good, their quality, and their grades, as in the card: half good (8 ± .8), half bad
    (5 ± 1.2), noise 1.5, biases from -.7 to .7; a liar always says 10."""
    rng = np.random.default_rng(seed)
    good = rng.random(ROWS) < 0.5
    quality = np.where(good, rng.normal(8, 0.8, ROWS), rng.normal(5, 1.2, ROWS))
    bias = np.linspace(-0.7, 0.7, reviewers) if reviewers > 1 else 0.0
    grades = quality[:, None] + bias + rng.normal(0, 1.5, (ROWS, reviewers))
    if liar:
        grades[:, 1] = 10
    ppm = np.clip(np.rint(grades * UNIT / MOST), 0, UNIT).astype(int)
    return good.tolist(), quality.tolist(), ppm.tolist()


def precision_and_recall(good: list[bool], taken: list[bool]) -> tuple[float, float]:
    right = sum(g and t for g, t in zip(good, taken, strict=True))
    return right / max(1, sum(taken)), right / sum(good)


def test_three_reviewers_find_most_of_what_is_good_and_little_else() -> None:
    good, _, grades = graded(3)
    precision, recall = precision_and_recall(good, [sum(row) >= LEAST * 3 for row in grades])
    assert precision >= 0.87
    assert recall >= 0.80
    _, _, single = graded(1)
    assert precision_and_recall(good, [row[0] >= LEAST for row in single])[1] < recall


def test_a_ruling_where_one_grade_would_turn_it_round_helps_and_is_seldom_asked_for() -> None:
    good, quality, grades = graded(3)
    rng = np.random.default_rng(9)
    asked = [accepts(row, LEAST) is None for row in grades]
    ruled = [accepts(row, LEAST, q + rng.normal(0, 0.5) >= 7) for row, q in zip(grades, quality, strict=True)]
    before = precision_and_recall(good, [sum(row) >= LEAST * 3 for row in grades])
    after = precision_and_recall(good, [bool(taken) for taken in ruled])
    assert sum(asked) / ROWS < 0.5
    assert after[0] > before[0] + 0.01
    assert after[1] > before[1]


def test_who_always_says_ten_costs_little_once_grades_are_calibrated() -> None:
    good, _, grades = graded(3)
    honest = precision_and_recall(good, [sum(row) >= LEAST * 3 for row in grades])
    good, _, lied = graded(3, liar=True)
    fooled = precision_and_recall(good, [sum(row) >= LEAST * 3 for row in lied])
    by_reviewer = {str(r): {str(i): row[r] for i, row in enumerate(lied)} for r in range(3)}
    fair = calibrated(by_reviewer)
    assert set(fair) == {"0", "2"}
    taken = [sum(g[str(i)] for g in fair.values()) >= LEAST * len(fair) for i in range(ROWS)]
    assert fooled[0] < honest[0] - 0.1
    assert precision_and_recall(good, taken)[0] >= honest[0] - 0.03


def test_reviewers_who_all_say_the_same_have_no_say_and_grades_out_of_range_are_refused() -> None:
    assert calibrated({"a": {"x": 5, "y": 5}}) == {}
    assert calibrated({}) == {}
    with pytest.raises(UsageError, match="'a' gave 1000001"):
        calibrated({"a": {"x": UNIT + 1}})


def test_a_sample_without_grades_is_not_taken_and_a_ruling_counts_only_where_it_is_needed() -> None:
    assert accepts([], LEAST) is False
    assert accepts([900_000] * 3, LEAST, ruling=False) is True
    assert accepts([450_000, 400_000, 100_000], LEAST, ruling=True) is True


@given(rng=st.randoms(use_true_random=False), n=st.integers(0, 12))
@settings(max_examples=60)
def test_what_stays_of_near_duplicates_does_not_hang_on_order(rng: Random, n: int) -> None:
    samples = {f"s{i}": rng.randrange(3) for i in range(n)}
    names = list(samples)
    alike = [(rng.choice(names), rng.choice(names)) for _ in range(n)]
    stays = distinct(samples, alike)
    turned = [(b, a) for a, b in rng.sample(alike, len(alike))]
    assert distinct(dict(rng.sample(list(samples.items()), n)), turned) == stays
    assert not [1 for a, b in alike if a != b and a in stays and b in stays]


def test_of_a_chain_of_likeness_the_best_stays() -> None:
    assert distinct({"a": 1, "b": 3, "c": 2, "d": 1}, [("a", "b"), ("b", "c")]) == ("b", "d")
    with pytest.raises(UsageError, match="not among the samples"):
        distinct({"a": 1}, [("a", "z")])


async def test_without_a_sample_there_is_nothing_to_settle() -> None:
    recipe = recipe_named("review-pipeline")
    settling = next(step for step in recipe.steps if step.produces == recipe.out)
    with pytest.raises(RunFailed, match="no sample to settle"):
        await settle_sample(Watched((), (), recipe.settings, None, settling))
