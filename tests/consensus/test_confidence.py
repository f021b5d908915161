"""Confidence votes and log-odds: the bins, missing statements, and the published comparison on synthetic peers."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import pytest
from numpy.typing import NDArray

from waggledance.consensus import (
    CalibratedLogOdds,
    Table,
    auroc,
    bins_reconcile,
    confidence_bins,
    confidence_vote,
    ece,
    majority,
)
from waggledance.core import UNIT, Message, Proposal, UsageError, local_peer_id

Say = Callable[..., Message[Proposal]]
Ints = NDArray[np.int64]
OPTIONS = 4


@pytest.mark.parametrize(
    ("stated", "weight"),
    [(0, 0.1), (0.6, 0.1), (0.601, 0.3), (0.799, 0.3), (0.8, 0.5), (0.899, 0.5), (0.9, 0.8), (0.999, 0.8), (1, 1)],
)
def test_bins_are_those_of_the_papers_code(stated: float, weight: float) -> None:
    assert bins_reconcile(round(stated * UNIT)) == round(weight * UNIT)


def test_one_sure_peer_outweighs_two_doubtful_ones(say: Say) -> None:
    said = [
        say("a", "4", confidence_ppm=UNIT),
        say("b", "5", confidence_ppm=400_000),
        say("c", "5", confidence_ppm=500_000),
    ]
    assert confidence_vote(said, (), {}).support == {"4": UNIT, "5": 900_000}
    assert confidence_bins(said, (), {}).support == {"4": UNIT, "5": 200_000}
    assert majority(said, (), {}).key == "5"


def test_who_states_no_confidence_counts_as_half_sure_and_that_is_said(say: Say) -> None:
    said = [say("a", "4"), say("b", "5", confidence_ppm=700_000)]
    decision = confidence_vote(said, (), {})
    assert decision.support == {"4": 500_000, "5": 700_000}
    assert decision.notes == ("1 of 2 peers stated no confidence; counted as 50 %",)


def test_log_odds_are_majority_until_every_peer_has_a_record(say: Say) -> None:
    record = Table.fit([(900_000, True)] * 50)
    said = [say("a", "4", confidence_ppm=900_000), say("b", "5"), say("c", "5")]
    short = CalibratedLogOdds({local_peer_id("a"): record, local_peer_id("b"): record})
    decision = short(said, (), {})
    assert decision.key == "5"
    assert decision.support == {"4": UNIT, "5": 2 * UNIT}
    assert decision.notes == ("1 of 3 peers have fewer than 50 settled answers: decided by plain majority",)
    assert short(said, (), {local_peer_id("c"): 0}).notes == ()


def test_a_proven_peer_outweighs_two_that_guess_and_a_liar_speaks_against_its_answer(say: Say) -> None:
    good, guess, liar = (Table.fit([(UNIT, i < right) for i in range(100)]) for right in (95, 25, 0))
    tables = {local_peer_id("a"): good, local_peer_id("b"): guess, local_peer_id("c"): guess, local_peer_id("d"): liar}
    said = [say("a", "4", confidence_ppm=UNIT), say("b", "5", confidence_ppm=UNIT), say("c", "5", confidence_ppm=UNIT)]
    decision = CalibratedLogOdds(tables)(said, (), {})
    assert decision.key == "4"
    assert decision.confidence == pytest.approx(0.94, abs=0.02)
    torn = [said[1], say("d", "6", confidence_ppm=UNIT)]
    assert CalibratedLogOdds(tables)(torn, (), {}).support["6"] == 0


def test_log_odds_need_two_options() -> None:
    with pytest.raises(UsageError, match="options=1"):
        CalibratedLogOdds(options=1)


class Sample(NamedTuple):
    """Questions × peers: the true answer, answers, whether right, stated confidence in parts per million."""

    truth: Ints
    answers: Ints
    right: NDArray[np.bool_]
    stated: Ints


def synthetic(peers: int, questions: int, slope: float, seed: int) -> Sample:
    """Return over-confident peers: ability logit .4 + N(0, 1.3) a question + N(0, .4) + a fixed spread of ±.5.

    An error is the question's distractor with .6, else any error. Stated logit: 1.6 + slope · ability + N(0, .6).
    """
    rng = np.random.default_rng(seed)
    shape = (questions, peers)
    ability = 0.4 + rng.normal(0, 1.3, (questions, 1)) + rng.normal(0, 0.4, shape) + np.linspace(-0.5, 0.5, peers)
    right = rng.random(shape) < 1 / (1 + np.exp(-ability))
    truth = rng.integers(0, OPTIONS, questions)
    distractor = rng.integers(1, OPTIONS, (questions, 1))
    miss = np.where(rng.random(shape) < 0.6, distractor, rng.integers(1, OPTIONS, shape))
    answers = (truth[:, None] + np.where(right, 0, miss)) % OPTIONS
    stated = np.round(20 / (1 + np.exp(-(1.6 + slope * ability + rng.normal(0, 0.6, shape))))) * UNIT / 20
    return Sample(truth, answers, right, stated.astype(np.int64))


def tables_of(sample: Sample) -> list[Table]:
    columns = range(sample.answers.shape[1])
    return [Table.fit(zip(sample.stated[:, i].tolist(), sample.right[:, i].tolist(), strict=True)) for i in columns]


def scores_of(sample: Sample, weights: Ints) -> Ints:
    """Return questions × options; an option that nobody named has the least there is."""
    rows = np.arange(len(sample.truth))
    scores = np.zeros((len(rows), OPTIONS), np.int64)
    named = np.zeros((len(rows), OPTIONS), np.bool_)
    for i in range(sample.answers.shape[1]):
        scores[rows, sample.answers[:, i]] += weights[:, i]
        named[rows, sample.answers[:, i]] = True
    return np.where(named, scores, -(10**12))


def percent_right(sample: Sample, weights: Ints) -> float:
    """Return how often the best score is the truth's, a tie counting by its share."""
    scores = scores_of(sample, weights)
    best = scores == scores.max(axis=1, keepdims=True)
    return float((best[np.arange(len(best)), sample.truth] / best.sum(axis=1)).mean() * 100)


def weights_of(sample: Sample, tables: list[Table]) -> dict[str, Ints]:
    """Return what our scales and tables weigh every vote, by rule."""
    levels = sample.stated // (UNIT // 20)
    bins = np.array([bins_reconcile(level * UNIT // 20) for level in range(21)])
    odds = [np.array([t.weight_ppm(level * UNIT // 20, OPTIONS) for level in range(21)]) for t in tables]
    return {
        "majority": np.full_like(sample.stated, UNIT),
        "confidence": sample.stated,
        "confidence-bins": bins[levels],
        "log-odds": np.stack([odds[i][levels[:, i]] for i in range(len(tables))], axis=1),
    }


@pytest.mark.parametrize(
    ("peers", "slope", "informed"),
    [(3, 0.6, True), (5, 0.6, True), (9, 0.6, True), (3, 0.2, False), (3, 0.0, False), (3, -0.5, False)],
)
def test_bins_gain_where_confidence_informs_and_log_odds_lose_nowhere(peers: int, slope: float, informed: bool) -> None:
    """ReConcile card: 35,000 questions, s.e. .25 points; records from 5,000 others."""
    sample = synthetic(peers, 35_000, slope, seed=1)
    statements = list(zip(sample.stated.ravel().tolist(), sample.right.ravel().tolist(), strict=True))
    assert (auroc(statements) >= 0.7) == informed
    if informed:
        assert ece(statements) == pytest.approx(0.25, abs=0.02)
    weights = weights_of(sample, tables_of(synthetic(peers, 5_000, slope, seed=2)))
    right = {rule: percent_right(sample, weight) for rule, weight in weights.items()}
    if informed:
        assert right["confidence-bins"] >= right["majority"] + 1.5
        assert right["log-odds"] >= right["confidence-bins"]
    elif slope <= 0:
        assert right["confidence-bins"] < right["majority"]
    assert right["log-odds"] >= right["majority"] - 0.5


def test_the_rules_score_as_the_comparison_above_does(say: Say) -> None:
    sample = synthetic(5, 60, 0.6, seed=3)
    tables = tables_of(synthetic(5, 500, 0.6, seed=4))
    rules = (
        majority,
        confidence_vote,
        confidence_bins,
        CalibratedLogOdds({local_peer_id(f"p{i}"): t for i, t in enumerate(tables)}),
    )
    for rule in rules:
        scores = scores_of(sample, weights_of(sample, tables)[rule.name])
        for question in range(60):
            said = [
                say(f"p{i}", str(sample.answers[question, i]), confidence_ppm=int(sample.stated[question, i]))
                for i in range(5)
            ]
            support = rule(said, (), {}).support
            lowest = min(0, *(int(scores[question, int(key)]) for key in support))
            assert support == {key: int(scores[question, int(key)]) - lowest for key in support}
