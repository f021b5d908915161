"""A panel's report: a hostile voice moves a median little, an unseen first round keeps errors apart."""

from __future__ import annotations

from statistics import fmean

import numpy as np
import pytest
from numpy.typing import NDArray

from waggledance.core import UsageError
from waggledance.tasks.recipes import rubric_from, verdicts
from waggledance.tasks.recipes._panel import equal_shares

ROLES, CRITERIA, PROPOSALS = 7, 8, 1_000
Scores = NDArray[np.float64]


def scored(*, hostile: bool, read_first: float = 0.0, seed: int = 1) -> tuple[Scores, Scores]:
    """Return true quality (proposals, criteria) and scores (proposals, roles, criteria).

    Bias sd .6 and noise .8 a reviewer, as in the card; the hostile role gives 0 or 10. Reviewers who read the first
    score before they write their own move `read_first` of the way to it.
    """
    rng = np.random.default_rng(seed)
    truth = rng.uniform(3, 7, (PROPOSALS, CRITERIA))
    bias = rng.normal(0, 0.6, (PROPOSALS, ROLES, 1))
    own = truth[:, None, :] + bias + rng.normal(0, 0.8, (PROPOSALS, ROLES, CRITERIA))
    if hostile:
        own[:, 0, :] = 10.0 * rng.integers(0, 2, (PROPOSALS, CRITERIA))
    first = rng.integers(0, ROLES, PROPOSALS)
    if read_first:
        heard = own[np.arange(PROPOSALS), first][:, None, :]
        moved = own + read_first * (heard - own)
        moved[np.arange(PROPOSALS), first] = own[np.arange(PROPOSALS), first]
        if hostile:
            moved[:, 0, :] = own[:, 0, :]
        own = moved
    return truth, np.clip(own, 0, 10)


def medians(scores: Scores) -> tuple[Scores, Scores]:
    found = [
        verdicts({str(r): {str(c): round(1_000 * x) for c, x in enumerate(row)} for r, row in enumerate(one)})
        for one in scores
    ]
    order = [str(c) for c in range(CRITERIA)]
    return (
        np.array([[v[c].score / 1_000 for c in order] for v in found]),
        np.array([[v[c].flagged(4) for c in order] for v in found]),
    )


def error(truth: Scores, said: Scores) -> float:
    return float(np.abs(said - truth).mean())


def test_a_hostile_reviewer_moves_the_median_little_and_the_mean_much() -> None:
    truth, calm = scored(hostile=False)
    median, flags = medians(calm)
    assert error(truth, median) == pytest.approx(0.36, abs=0.04)
    assert flags.mean() <= 0.15
    truth, angry = scored(hostile=True)
    median, flags = medians(angry)
    assert error(truth, median) <= 0.48
    assert error(truth, angry.mean(axis=1)) >= 0.65
    assert flags.mean() >= 0.75


def test_reading_another_first_makes_it_worse_most_of_all_when_that_one_is_hostile() -> None:
    truth, unseen = scored(hostile=True)
    _, opened = scored(hostile=True, read_first=0.5)
    hidden, seen = error(truth, medians(unseen)[0]), error(truth, medians(opened)[0])
    assert hidden <= 0.6 * seen
    truth, calm = scored(hostile=False, read_first=0.5)
    assert error(truth, medians(calm)[0]) < seen


def test_the_lower_of_two_middle_scores_counts_and_the_order_does_not() -> None:
    two = {"a": {"x": 2_000}, "b": {"x": 9_000}}
    assert verdicts(two)["x"].score == 2_000
    assert verdicts(dict(reversed(two.items()))) == verdicts(two)
    assert verdicts({}) == {}
    with pytest.raises(UsageError, match="between 0 and 10000 thousandths, got 10001"):
        verdicts({"a": {"x": 10_001}})


def test_nobodys_words_are_more_than_twice_as_long_as_the_shortest() -> None:
    cut = equal_shares({"long": "x" * 5_000, "short": "y" * 200, "middle": "z" * 300})
    assert max(map(len, cut.values())) <= 2 * min(map(len, cut.values()))
    assert cut["middle"] == "z" * 300
    assert fmean(map(len, equal_shares({"a": "x" * 90, "b": ""}).values())) == 45
    assert equal_shares({}) == {}


def test_a_rubric_without_criteria_or_with_an_unknown_key_is_refused() -> None:
    with pytest.raises(UsageError, match=r"line 1: .*needs a criterion and a role"):
        rubric_from("name: x\ndescription: d\nof: y\ncriteria: {}\nroles: {}\n")
    with pytest.raises(UsageError, match="unknown field `weights`"):
        rubric_from("name: x\ndescription: d\nof: y\ncriteria: {}\nroles: {}\nweights: 1\n")
