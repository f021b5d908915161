"""Stopping at agreement saves calls for little accuracy, down to a cliff; copied votes agree early and are wrong."""

from __future__ import annotations

from random import Random
from statistics import fmean

import pytest

from waggledance.core import UNIT, UsageError
from waggledance.tasks.recipes import Adaptive, agreement, leading

TASKS = 1_000
WRONG = 4
"""Wrong answers that a task has; the card does not say how many."""


def talk(theta: float | None, *, copying: float = 0.0) -> tuple[float, float]:
    """Return accuracy and calls of five agents, up to six rounds; p right = .85 - .6 difficulty + .04 a round."""
    rng = Random(4)
    right: list[bool] = []
    calls: list[int] = []
    rule = Adaptive(theta_ppm=UNIT if theta is None else round(theta * UNIT), most=5)
    for _ in range(TASKS):
        hard = rng.betavariate(2, 2)
        rounds: list[list[str]] = []
        while len(rounds) < 6:
            if theta is not None and not rule(rounds).peers:
                break
            p = 0.85 - 0.6 * hard + 0.04 * len(rounds)
            votes: list[str] = []
            for _ in range(5):
                copied = rounds[0][0] if rounds else votes[0] if votes else None
                own = "right" if rng.random() < p else f"wrong {rng.randrange(WRONG)}"
                votes.append(copied if copied is not None and rng.random() < copying else own)
            rounds.append(votes)
        said = [vote for votes in rounds for vote in votes]
        right.append(leading(said) == "right")
        calls.append(len(said))
    return fmean(right), fmean(calls)


def test_stopping_at_three_quarters_saves_calls_for_little_and_below_two_thirds_it_costs_much() -> None:
    accuracy, calls = talk(None)
    assert calls == 30
    for theta in (0.7, 0.8):
        less, fewer = talk(theta)
        assert fewer <= 0.72 * calls
        assert less >= accuracy - 0.03
    assert talk(0.55)[0] < talk(0.75)[0] - 0.03


def test_votes_that_are_copied_agree_early_and_are_wrong_more_often() -> None:
    free, free_calls = talk(0.8)
    copied, copied_calls = talk(0.8, copying=0.5)
    assert copied < free - 0.1
    assert copied_calls < free_calls


def test_the_rule_goes_on_widens_and_stops() -> None:
    rule = Adaptive(theta_ppm=750_000, rounds=3, width=4, most=6)
    assert rule([]).peers == 4
    assert rule([["a", "b", "a", "b"]]).peers == 4
    assert rule([["a", "b", "a", "b"], ["a", "b", "b", "a"]]).peers == 6
    assert rule([["a", "a", "a", "b"]]).peers == 0
    assert "3 rounds are over" in rule([["a", "b"]] * 3).reason


def test_the_order_of_votes_within_a_round_means_nothing() -> None:
    rule = Adaptive()
    assert rule([["a", "b", "c"]]) == rule([["c", "a", "b"]])
    assert leading(["a", "b"]) == leading(["b", "a"])
    assert agreement([]) == 0
    with pytest.raises(UsageError, match="nobody voted"):
        leading([])


@pytest.mark.parametrize(
    "wrong", [{"theta_ppm": 500_000}, {"theta_ppm": UNIT + 1}, {"rounds": 0}, {"width": 0}, {"most": 2}]
)
def test_numbers_out_of_range_are_refused(wrong: dict[str, int]) -> None:
    with pytest.raises(UsageError):
        Adaptive(**wrong)
