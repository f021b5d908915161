"""The additive model finds what advice does, where the most wins are luck; both orders or it does not count."""

from __future__ import annotations

from random import Random
from statistics import fmean

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from waggledance.core import UsageError
from waggledance.tasks.recipes import advice_model, best_candidate, pairs_in_both_orders, subsets

EFFECTS = (0.8, 0.8, -0.8, 0, 0, 0, 0, 0)
CANDIDATES = subsets(8, 2)
TEXTS = [str(row) for row in CANDIDATES]


def quality(row: tuple[int, ...]) -> float:
    return sum(EFFECTS[i] for i in row)


def world(rng: Random, comparisons: int = 400) -> list[tuple[int, int, int]]:
    """Return judged pairs: 6 audiences whose taste differs by .2 (sd), a quarter of all verdicts wrong."""
    tastes = [[effect + rng.gauss(0, 0.2) for effect in EFFECTS] for _ in range(6)]
    said: list[tuple[int, int, int]] = []
    for _ in range(comparisons):
        a, b = rng.sample(range(len(CANDIDATES)), 2)
        taste = rng.choice(tastes)
        worth = [sum(taste[i] for i in CANDIDATES[c]) for c in (a, b)]
        better = a if worth[0] > worth[1] or (worth[0] == worth[1] and rng.random() < 0.5) else b
        said.append((a, b, better if rng.random() > 0.25 else a + b - better))
    return said


def test_the_model_chooses_better_than_the_most_wins_and_finds_the_signs() -> None:
    by_model: list[float] = []
    by_wins: list[float] = []
    signs = 0
    for seed in range(60):
        said = world(Random(seed))
        model = advice_model(CANDIDATES, said, 8)
        by_model.append(quality(CANDIDATES[best_candidate(model, CANDIDATES, TEXTS)]))
        wins = [sum(row[2] == c for row in said) for c in range(len(CANDIDATES))]
        by_wins.append(quality(CANDIDATES[wins.index(max(wins))]))
        signs += sum(e > 0 for e in model.effects_ppm[:2]) + (model.effects_ppm[2] < 0)
    assert fmean(by_model) >= 1.45
    assert fmean(by_model) > fmean(by_wins) + 0.1
    assert signs / (3 * 60) >= 0.95


@given(rng=st.randoms(use_true_random=False))
@settings(max_examples=8)
def test_the_order_of_comparisons_and_of_texts_in_them_changes_nothing(rng: Random) -> None:
    said = world(rng, 40)
    turned = [(b, a, w) for a, b, w in rng.sample(said, len(said))]
    assert advice_model(CANDIDATES, turned, 8) == advice_model(CANDIDATES, said, 8)


def test_a_verdict_counts_only_when_both_orders_agree() -> None:
    assert pairs_in_both_orders([(0, 1, 1), (1, 0, 1)]) == [(0, 1, 1)]
    assert pairs_in_both_orders([(0, 1, 0), (1, 0, 1)]) == []
    assert pairs_in_both_orders([(0, 1, 1)]) == []
    assert pairs_in_both_orders([(0, 1, 5), (2, 2, 2)]) == []
    said = [(0, 1, 1), (1, 0, 1), (2, 1, 2), (1, 2, 2)]
    assert pairs_in_both_orders([(b, a, w) for a, b, w in said]) == pairs_in_both_orders(said)


def test_advice_that_only_ever_came_together_shares_its_effect() -> None:
    model = advice_model([(), (0, 1)], [(0, 1, 1), (0, 1, 1)], 2)
    assert model.effects_ppm[0] == model.effects_ppm[1] > 0


def test_impossible_numbers_are_refused() -> None:
    for candidates, said, advices in (([()], [], 1), ([(3,)], [(0, 0, 0)], 1), ([()], [(0, 7, 0)], 1), ([()], [], 0)):
        with pytest.raises(UsageError):
            advice_model(candidates, said, advices)
