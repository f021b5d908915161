"""Policies of admission, and what the learned one learns."""

from __future__ import annotations

from random import Random

import pytest

from waggledance.core import UNIT, UsageError
from waggledance.memory import RecordId
from waggledance.memory._admission import Candidate, Credit, UsageLogit, half_at_random, hand_rule


def relevant(ppm: int, number: int = 0) -> Candidate:
    return Candidate(id=RecordId(number.to_bytes(32)), key="key", relevance_ppm=ppm)


def test_a_logit_learns_to_admit_what_was_used_and_not_what_was_only_read() -> None:
    logit = UsageLogit((0, 0, 0, 0, 0, 0))
    for _ in range(200):
        logit = logit.learn([Credit(relevant(UNIT), 0, UNIT), Credit(relevant(0), 0, -UNIT)])
    assert logit(relevant(UNIT), 0) > 0 > logit(relevant(0), 0)


def test_learning_is_blind_to_the_order_of_credits_and_weights_are_named() -> None:
    credits = [Credit(relevant(i * 90_000, i), i, (i - 5) * 100_000) for i in range(11)]
    learnt = {UsageLogit().learn(Random(seed).sample(credits, 11)) for seed in range(5)}
    assert len(learnt) == 1
    assert learnt.pop().name != UsageLogit().name


def test_weights_stay_within_bounds_whatever_the_reward() -> None:
    logit = UsageLogit().learn([Credit(relevant(UNIT), 0, 10**15)], rate=1e6)
    assert max(logit.weights_ppm) == 1_000 * UNIT
    assert 0 <= logit.chance(relevant(10**12), 0) <= 1


@pytest.mark.parametrize("rate", [0.0, -1.0, float("nan"), float("inf")])
def test_a_learning_rate_that_is_no_positive_number_is_refused(rate: float) -> None:
    with pytest.raises(UsageError, match="rate"):
        UsageLogit().learn([], rate)


def test_a_logit_with_other_weights_than_its_features_is_refused() -> None:
    with pytest.raises(UsageError):
        UsageLogit((1, 2))
    with pytest.raises(UsageError):
        UsageLogit((0, 2_000 * UNIT, 0, 0, 0, 0))


def test_the_hand_rule_admits_the_relevant_and_the_used() -> None:
    assert hand_rule(relevant(500_000), 0) == 0
    assert hand_rule(relevant(500_001), 0) > 0
    assert hand_rule(relevant(0), 1) > 0


def test_half_at_random_is_a_half() -> None:
    admitted = sum(half_at_random(relevant(0, i), 0) > 0 for i in range(1_000))
    assert 440 < admitted < 560
