"""What liars cannot do to a decision or to a sum of vectors: rows of the threat catalogue."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from random import Random

import pytest

from waggledance.consensus import (
    Aggregator,
    History,
    LearntVote,
    dependence,
    em_answers,
    flag,
    geometric_median,
    majority,
    mean,
    median,
)
from waggledance.core import UNIT, Message, PeerId, Proposal, local_peer_id
from waggledance.testing import ATTACKS, W5, Attack

Say = Callable[..., Message[Proposal]]

# -- B3: poisoned gradients -------------------------------------------------------------------------------------------


def trained(rule: Aggregator, attack: Attack, seed: int, bad: int = 2) -> float:
    """Return how often a classifier is right that seven peers train, two of whom lie."""
    return W5(peers=7, bad=bad, attack=attack, seed=seed).train(rule, steps=80)


@pytest.mark.parametrize("attack", ATTACKS)
@pytest.mark.parametrize("rule", [geometric_median, flag, median])
def test_attack_b3_f_of_3f_plus_1_poisoned_gradients_cost_less_than_a_twentieth(
    rule: Aggregator, attack: Attack
) -> None:
    seeds = range(1, 3)
    clean = sum(trained(mean, attack, seed, bad=0) for seed in seeds)
    assert sum(trained(rule, attack, seed) for seed in seeds) > 0.95 * clean
    if attack == "reverse":
        assert sum(trained(mean, attack, seed) for seed in seeds) < 0.2 * clean, "a plain mean is lost"


# -- B5: a sleeper that earns a record and then lies ------------------------------------------------------------------

HONEST, SLEEPERS = ("a", "b", "c"), ("s", "t")


def votes(seed: int, say: Say) -> list[Message[Proposal]]:
    """Return a question's votes after the sleepers have woken up: they say one false thing, others are mostly right."""
    rng = Random(seed)
    honest = [say(name, "4" if rng.random() < 0.7 else rng.choice("123")) for name in HONEST]
    return [*honest, *(say(name, "5") for name in SLEEPERS)]


def record(asleep: bool, questions: int = 60) -> LearntVote:
    """Return a rule learnt from a past in which the sleepers were always right, or lied as they do now."""
    rng = Random(5)
    rows: list[Mapping[PeerId, str | None]] = []
    for _ in range(questions):
        said = {name: "4" if rng.random() < 0.7 else rng.choice("123") for name in HONEST}
        said |= dict.fromkeys(SLEEPERS, "4" if asleep else "5")
        rows.append({local_peer_id(name): key for name, key in said.items()})
    history = History.of(rows)
    return LearntVote.of(em_answers(history, known=history.known(["4"] * questions)))


def test_attack_b5_a_good_record_buys_a_sleeper_nothing_where_a_vote_is_a_vote(say: Say) -> None:
    fooled = 0
    for seed in range(200):
        cast = votes(seed, say)
        decision = majority(cast, (), {})
        support = {key: sum(m.body.key == key for m in cast) * UNIT for key in {m.body.key for m in cast}}
        assert decision.support == support, "nothing but the votes of this question counts"
        fooled += decision.key == "5"
    assert fooled < 200 * 0.35, "two votes win where not two of three honest ones agree"


def test_attack_b5_weights_learnt_from_the_past_are_what_a_sleeper_lies_with(say: Say) -> None:
    asleep, awake = record(asleep=True), record(asleep=False)
    fooled = [sum(rule(votes(seed, say), (), {}).key == "5" for seed in range(100)) for rule in (asleep, awake)]
    assert fooled[1] == 0, "who was seen to lie has no say"
    assert fooled[0] > 90, "who was always right and turns is believed: learn weights only where that may be"


# -- C7: one voice in many mouths -------------------------------------------------------------------------------------


def test_attack_c7_five_copies_of_one_model_count_as_about_one_witness(say: Say) -> None:
    rng, single, copies = Random(7), ("a", "b", "c"), ("k", "l", "m", "n", "o")
    truth = [rng.choice("ABCDEF") for _ in range(300)]
    rows: list[Mapping[PeerId, str | None]] = []

    def guess(right: str) -> str:
        return right if rng.random() < 0.6 else rng.choice("ABCDEF")

    for right in truth:
        echoed = guess(right)
        rows.append({
            **{local_peer_id(name): guess(right) for name in single}, **{local_peer_id(name): echoed for name in copies}
        })  # fmt: skip
    history = History.of(rows)
    known = history.known(truth)
    reliability = em_answers(history, known=known)
    found = dependence(history, reliability, known=known)
    cast = [*(say(name, "A") for name in single), *(say(name, "B") for name in copies)]
    assert majority(cast, (), {}).key == "B"
    assert LearntVote.of(reliability)(cast, (), {}).key == "B"
    assert LearntVote.of(reliability, found)(cast, (), {}).key == "A"
