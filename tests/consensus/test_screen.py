"""Screening, and the tables of its card: 16 peers around one, 300 runs."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Literal, NamedTuple

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from waggledance.consensus import Screen, calibrated, screen
from waggledance.core import PeerId, UsageError

Vector = NDArray[np.float64]
PEERS, SIZE, NOISE = 16, 32, 0.3


def peer(i: int) -> PeerId:
    return PeerId(bytes([i]))


def mean_of(said: Sequence[Vector]) -> Vector:
    return np.mean(said, axis=0)


def near(fused: Vector, mine: Vector) -> float:
    return -float(np.linalg.norm(fused - mine))


@cache
def thresholds() -> tuple[float, ...]:
    rng = np.random.default_rng(1)

    def honest(size: int) -> float:
        return near(NOISE * rng.normal(size=(size, SIZE)).mean(axis=0), NOISE * rng.normal(size=SIZE))

    least = calibrated(honest, PEERS, draws=2000)
    return tuple(least(size) for size in range(1, PEERS + 1))


class Row(NamedTuple):
    caught: float
    wrongly_dropped: float
    tests: float
    error: float
    unguarded: float


def vectors(search: Literal["each", "split"], *, shift: float, bad: int, runs: int = 300) -> Row:
    """Run the card's vector world: estimates of 32 numbers, bad peers shift theirs in one direction."""
    rng = np.random.default_rng(7)
    caught = dropped = tests = 0
    error = unguarded = 0.0
    for run in range(runs):
        sent = NOISE * rng.normal(size=(PEERS, SIZE))
        mine = NOISE * rng.normal(size=SIZE)
        way = rng.normal(size=SIZE)
        liars = rng.permutation(PEERS)[:bad]
        sent[liars] += shift * way / np.linalg.norm(way)
        result = screen({peer(i): sent[i] for i in range(PEERS)}, mine, fuse=mean_of, agree=near,
                        threshold=lambda size: thresholds()[size - 1], search=search, seed=run)  # fmt: skip
        wrong = {peer(int(i)) for i in liars}
        caught += len(wrong & set(result.dropped))
        dropped += len(set(result.dropped) - wrong)
        tests += result.tests
        error += float(np.linalg.norm(mean_of([mine, *(sent[p[0]] for p in result.kept)])))
        unguarded += float(np.linalg.norm(mean_of([mine, *sent])))
    return Row(
        caught / max(1, bad * runs), dropped / ((PEERS - bad) * runs), tests / runs, error / runs, unguarded / runs
    )


@pytest.mark.parametrize(
    ("search", "shift", "bad", "caught", "tests", "error"),
    [
        ("each", 20, 1, 1.00, 16, 0.42),
        ("each", 20, 2, 1.00, 16, 0.44),
        ("each", 20, 4, 1.00, 16, 0.47),
        ("each", 10, 4, 1.00, 16, 0.47),
        ("each", 2, 4, 0.51, 16, 0.53),
        ("split", 20, 1, 0.28, 3.4, 1.02),
        ("split", 20, 2, 0.99, 13.7, 0.45),
        ("split", 20, 4, 1.00, 19.7, 0.47),
        ("split", 10, 4, 0.89, 17.3, 0.64),
        ("split", 2, 4, 0.02, 1.5, 0.62),
    ],
)
def test_the_table_of_the_card_is_seen_again(
    search: Literal["each", "split"], shift: float, bad: int, caught: float, tests: float, error: float
) -> None:
    row = vectors(search, shift=shift, bad=bad)
    assert abs(row.caught - caught) < 0.1, row
    assert abs(row.tests - tests) < 0.15 * tests + 0.3, row
    assert abs(row.error - error) < 0.1, row
    assert row.error <= row.unguarded + 0.01, row


@pytest.mark.parametrize(("search", "wrong", "tests"), [("each", 0.02, 16.01), ("split", 0.01, 1.5)])
def test_the_honest_are_hardly_ever_dropped(search: Literal["each", "split"], wrong: float, tests: float) -> None:
    row = vectors(search, shift=0, bad=0)
    assert row.wrongly_dropped < wrong
    assert row.tests < tests
    assert abs(row.error - 0.41) < 0.02


def test_with_half_of_all_bad_single_tests_catch_all_and_the_error_is_a_third_of_ones_own() -> None:
    row = vectors("each", shift=10, bad=8)
    assert row.caught == 1
    assert abs(row.error - 0.57) < 0.06
    assert row.error < 0.4 * NOISE * np.sqrt(SIZE)


def votes(bad: int, items: int, *, own_vote_too: bool = False) -> Row:
    """Run the card's vote world: all are right on .8 of the items, bad peers say the contrary of the truth."""
    rng = np.random.default_rng(3)
    caught = dropped = 0
    right = unguarded = 0.0
    runs = 100
    for run in range(runs):
        truth = rng.random(items) < 0.5
        said = np.where(rng.random((PEERS, items)) < 0.8, truth, ~truth)
        mine = np.where(rng.random(items) < 0.8, truth, ~truth)
        liars = rng.permutation(PEERS)[:bad]
        said[liars] = ~truth

        def most(given: Sequence[NDArray[np.bool_]], own: NDArray[np.bool_] = mine) -> NDArray[np.bool_]:
            return np.asarray([*given, *([own] if own_vote_too else [])]).mean(axis=0) >= 0.5

        result = screen({peer(i): said[i] for i in range(PEERS)}, mine, fuse=most, threshold=lambda _: 0.5,
                        agree=lambda a, b: float((a == b).mean()), seed=run)  # fmt: skip
        wrong = {peer(int(i)) for i in liars}
        caught += len(wrong & set(result.dropped))
        dropped += len(set(result.dropped) - wrong)
        right += float(((np.asarray([mine, *(said[p[0]] for p in result.kept)]).mean(axis=0) > 0.5) == truth).mean())
        unguarded += float(((np.asarray([mine, *said]).mean(axis=0) > 0.5) == truth).mean())
    return Row(caught / max(1, bad * runs), dropped / ((PEERS - bad) * runs), 0, 1 - right / runs, 1 - unguarded / runs)


@pytest.mark.parametrize("bad", [1, 4, 8, 12])
def test_votes_on_64_shared_items_give_every_liar_away(bad: int) -> None:
    row = votes(bad, 64)
    assert row.caught == 1
    assert row.wrongly_dropped < 0.01
    assert row.error < 0.08
    assert bad < 12 or row.unguarded > 0.99


def test_few_shared_items_drop_some_of_the_honest() -> None:
    assert 0.01 < votes(4, 16).wrongly_dropped < 0.15


def test_ones_own_vote_in_the_group_that_is_tested_lets_liars_pass() -> None:
    assert votes(4, 64, own_vote_too=True).caught < 0.1


@given(scores=st.dictionaries(st.integers(0, 40), st.floats(-1, 1) | st.just(float("nan"))), seed=st.integers(0, 9))
def test_everybody_is_kept_or_dropped_and_one_by_one_by_its_own_score(scores: dict[int, float], seed: int) -> None:
    items = {peer(i): score for i, score in scores.items()}

    def run(given: dict[PeerId, float], search: Literal["each", "split"]) -> Screen:
        return screen(given, 0.0, fuse=min, agree=lambda a, _: a, threshold=lambda _: 0.0, search=search, seed=seed)

    each, split = run(items, "each"), run(items, "split")
    assert each == run(dict(reversed(items.items())), "each")
    assert split == run(dict(reversed(items.items())), "split")
    assert set(each.kept) == {p for p, score in items.items() if score >= 0}
    for result in (each, split):
        assert sorted((*result.kept, *result.dropped)) == sorted(items) == list(result.scores)
    assert each.tests == len(items)


def test_which_groups_are_made_hangs_on_the_seed_and_not_on_names() -> None:
    items = {peer(i): float(i in (0, 1)) for i in range(8)}

    def tests(seed: int) -> int:
        return screen(items, 0.0, fuse=max, agree=lambda a, b: b - a, threshold=lambda _: -0.5, search="split",
                      seed=seed).tests  # fmt: skip

    assert len({tests(seed) for seed in range(20)}) > 1


def test_bad_arguments_are_refused() -> None:
    with pytest.raises(UsageError, match="got 'halves'"):
        screen({}, 0.0, fuse=min, agree=max, threshold=lambda _: 0.0, search="halves")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    with pytest.raises(UsageError, match="threshold of a group of 1"):
        screen({peer(1): 1.0}, 0.0, fuse=min, agree=max, threshold=lambda _: float("nan"))
    with pytest.raises(UsageError, match="false_alarm=1"):
        calibrated(lambda _: 0.0, 3, false_alarm=1)
    with pytest.raises(UsageError, match="group of 1 is not a number"):
        calibrated(lambda _: float("nan"), 3)


def test_thresholds_let_the_asked_share_of_the_honest_fall_below() -> None:
    rng = np.random.default_rng(2)
    least = calibrated(lambda size: float(rng.normal(size=size).mean()), 4, draws=4000, false_alarm=0.05)
    assert abs(least(1) + 1.645) < 0.1
    assert least(4) > least(1) + 0.5
    assert least(9) == least(4)
