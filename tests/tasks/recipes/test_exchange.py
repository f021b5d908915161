"""Teams exchange results: pruning pays with many teams, fusing does not beat the best of n, order decides nothing."""

from __future__ import annotations

from random import Random
from statistics import fmean

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from waggledance.core import UNIT, UsageError
from waggledance.tasks.recipes import Content, best_of, kept, pruned, snake

RUNS = 500


def fused_quality(rng: Random, teams: int, *, prune: bool, telling: bool = True) -> tuple[float, float]:
    """Return the quality that comes of exchange, and of taking the best by rating; the card's world.

    Team quality .55 ± .20, rating noise .15, groups of 4, fused = mean + .35 (best - mean) + .03.
    """
    quality: dict[str, float] = {}

    def content(q: float) -> Content:
        name = str(len(quality))
        quality[name] = q
        seen = q + rng.gauss(0, 0.15) if telling else rng.random()
        return Content(name, round(UNIT * min(1.0, max(0.0, seen))))

    level = [content(min(1.0, max(0.0, rng.gauss(0.55, 0.20)))) for _ in range(teams)]
    alone = quality[best_of(level).text]
    while True:
        level = pruned(level, 4) if prune else level
        groups = snake(level, 4)
        fused: list[Content] = []
        for group in groups:
            values = [quality[c.text] for c in group]
            fused.append(content(min(1.0, fmean(values) + 0.35 * (max(values) - fmean(values)) + 0.03)))
        level = fused
        if len(level) == 1:
            return quality[level[0].text], alone


def mean(teams: int, *, prune: bool, telling: bool = True) -> tuple[float, float]:
    rng = Random(teams)
    rows = [fused_quality(rng, teams, prune=prune, telling=telling) for _ in range(RUNS)]
    return fmean(row[0] for row in rows), fmean(row[1] for row in rows)


def test_pruning_pays_with_many_teams_and_does_nothing_with_few() -> None:
    assert mean(4, prune=True)[0] == pytest.approx(mean(4, prune=False)[0], abs=0.01)
    assert mean(8, prune=True)[0] >= mean(8, prune=False)[0] + 0.03
    assert mean(16, prune=True)[0] >= mean(16, prune=False)[0] + 0.06


def test_pruning_by_ratings_that_say_nothing_adds_nothing() -> None:
    assert mean(8, prune=True, telling=False)[0] <= mean(8, prune=False, telling=False)[0] + 0.01


@pytest.mark.parametrize("teams", [4, 8, 16])
def test_the_best_of_n_is_no_worse_than_fusing_in_this_world(teams: int) -> None:
    fused, alone = mean(teams, prune=True)
    assert alone >= fused


@given(st.lists(st.integers(0, 5), min_size=1, max_size=20), st.integers(1, 6), st.randoms(use_true_random=False))
@settings(max_examples=60)
def test_groups_hold_everything_once_evenly_and_blind_to_order(ratings: list[int], unit: int, rng: Random) -> None:
    contents = [Content(str(i), rating) for i, rating in enumerate(ratings)]
    groups = snake(contents, unit)
    assert sorted(c.text for g in groups for c in g) == sorted(c.text for c in contents)
    assert max(map(len, groups)) <= unit
    assert max(map(len, groups)) - min(map(len, groups)) <= 1
    shuffled = rng.sample(contents, len(contents))
    assert snake(shuffled, unit) == groups
    assert pruned(shuffled, unit) == pruned(contents, unit)
    assert len(pruned(contents, unit)) >= min(len(contents), unit, (len(contents) + 1) // 2)


def test_what_is_fused_takes_its_place_only_if_it_is_rated_as_high_as_the_best_that_went_in() -> None:
    good, fair = Content("good", 800_000), Content("fair", 500_000)
    assert kept(Content("fused", 700_000), [fair, good]) == good
    assert kept(Content("fused", 800_000), [fair, good]).text == "fused"
    assert kept(None, [fair]) == fair


def test_nothing_to_choose_from_and_numbers_out_of_range_are_refused() -> None:
    for wrong in (lambda: best_of([]), lambda: Content("x", UNIT + 1), lambda: snake([], 0), lambda: pruned([], 0)):
        with pytest.raises(UsageError):
            wrong()
