"""Peer ranking: what judging gains over voting on synthetic judges, when it loses and says so, and who counts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import replace
from math import exp, log
from random import Random
from typing import NamedTuple

import pytest

from waggledance.consensus import (
    borda,
    bradley_terry,
    condorcet,
    from_probes,
    majority,
    pairs,
    win_rate,
)
from waggledance.core import UNIT, Decision, Judgement, Message, PeerId, Proposal, local_peer_id

Say = Callable[..., Message[Proposal]]
Judge = Callable[..., Message[Judgement]]
OPTIONS = "ABCD"
RANKING = {"borda": borda, "condorcet": condorcet, "bradley-terry": bradley_terry, "win-rate": win_rate}


class Round(NamedTuple):
    truth: str
    said: list[Message[Proposal]]
    judged: list[Message[Judgement]]
    liars: frozenset[int]


def play(say: Say, judge: Judge, rng: Random, peers: int, recognise: tuple[float, float], liars: int = 0) -> Round:
    """Play one question with the cheap schedule.

    Base accuracy .35 to .75, common difficulty N(0, 1.2) in logits, an error is the question's distractor with .6, else
    any. A judge recognises truth with the first chance if it gave it, the second if not, the same way all question
    long; between two errors it prefers its own, else one by chance. Liars give and prefer the distractor.
    """
    truth, *errors = rng.sample(OPTIONS, k=4)
    distractor, shift = errors[0], rng.gauss(0, 1.2)
    answers: list[str] = []
    for i in range(peers):
        base = 0.35 + 0.4 * i / (peers - 1)
        knows = rng.random() < 1 / (1 + exp(-(log(base / (1 - base)) + shift)))
        answers.append(truth if knows else distractor if rng.random() < 0.6 else rng.choice(errors))
    false = frozenset(rng.sample(range(peers), k=liars))
    answers = [distractor if i in false else answer for i, answer in enumerate(answers)]
    said = [say(f"p{i}", answer) for i, answer in enumerate(answers)]
    seed = rng.getrandbits(30)
    judged: list[Message[Judgement]] = []
    for i, own in enumerate(answers):
        sees = rng.random() < recognise[own != truth]
        tastes = {option: rng.random() for option in OPTIONS} | {own: 2.0} | {truth: 3.0 if sees else -1.0}
        if i in false:
            tastes[distractor] = 4.0
        due = pairs(said, local_peer_id(f"p{i}"), seed)
        orders = [sorted(pair, key=lambda m: -tastes[str(m.body.key)]) for pair in due]
        judged.append(judge(f"p{i}", *orders))
    return Round(truth, said, judged, false)


def percent(rounds: list[Round], decide: Callable[[Round], Decision]) -> float:
    return 100 * sum(decide(r).key == r.truth for r in rounds) / len(rounds)


def test_judging_gains_15_points_over_majority_at_15_peers(say: Say, judge: Judge) -> None:
    rng = Random(1)
    rounds = [play(say, judge, rng, 15, (0.9, 0.5)) for _ in range(500)]
    right = {name: percent(rounds, lambda r, rule=rule: rule(r.said, r.judged, {})) for name, rule in RANKING.items()}
    voted = percent(rounds, lambda r: majority(r.said, (), {}))
    assert right["bradley-terry"] >= voted + 15
    assert right["condorcet"] >= voted + 20
    assert abs(right["bradley-terry"] - right["win-rate"]) <= 3
    comparisons = sum(len(m.body.verdicts) for r in rounds for m in r.judged) / (15 * len(rounds))
    assert comparisons < 5


@pytest.mark.parametrize("peers", [15, 35])
def test_judges_that_stand_by_their_own_lose_to_majority_and_are_reported(say: Say, judge: Judge, peers: int) -> None:
    reported: dict[float, float] = {}
    for recognise in ((0.9, 0.5), (0.8, 0.2)):
        rng = Random(2)
        rounds = [play(say, judge, rng, peers, recognise) for _ in range(150)]
        contested = [r for r in rounds if len({m.body.key for m in r.said}) > 1]
        decisions = [condorcet(r.said, r.judged, {}) for r in contested]
        marked = sum(any(note.startswith("judges look unreliable") for note in d.notes) for d in decisions)
        reported[recognise[0]] = marked / len(contested)
    bt = percent(rounds, lambda r: bradley_terry(r.said, r.judged, {}))
    assert bt < percent(rounds, lambda r: majority(r.said, (), {}))
    assert reported[0.8] > 0.75
    assert reported[0.9] < 0.4


def test_judges_that_throw_coins_are_reported_though_they_answered_nothing(say: Say, judge: Judge) -> None:
    a, b = said = [say("ann", "A"), say("bob", "B")]
    rng, marked = Random(3), 0
    for _ in range(100):
        judged = [judge(f"j{i}", rng.sample([a, b], k=2)) for i in range(9)]
        marked += any(note.startswith("judges look unreliable") for note in condorcet(said, judged, {}).notes)
    assert marked > 60
    assert condorcet(said, [judge(f"j{i}", [a, b]) for i in range(9)], {}).notes == ()


def probe_weights(rng: Random, peers: int, liars: frozenset[int]) -> Mapping[PeerId, int]:
    outcomes = [
        (local_peer_id(f"p{i}"), i not in liars and rng.random() < 0.7) for i in range(peers) for _ in range(40)
    ]
    return from_probes(outcomes)


def test_weights_from_probes_hold_against_7_colluders_of_15_where_equal_weights_fall(say: Say, judge: Judge) -> None:
    rng = Random(4)
    right: Counter[str] = Counter()
    for _ in range(200):
        r = play(say, judge, rng, 15, (0.9, 0.5), liars=7)
        probed = replace(bradley_terry, judge_weights=probe_weights(rng, 15, r.liars))
        right["equal"] += bradley_terry(r.said, r.judged, {}).key == r.truth
        right["probed"] += probed(r.said, r.judged, {}).key == r.truth
    assert right["equal"] < 0.3 * 200
    assert right["probed"] > 0.65 * 200


def test_given_judge_weights_replace_seat_weights_and_who_is_not_named_counts_nothing(say: Say, judge: Judge) -> None:
    a, b = said = [say("ann", "A"), say("bob", "B")]
    judged = [judge("ann", [a, b]), judge("bob", [b, a]), judge("cy", [b, a])]
    weighted = replace(condorcet, judge_weights={local_peer_id("ann"): UNIT, local_peer_id("bob"): UNIT // 2})
    assert condorcet(said, judged, {}).key == "B"
    assert weighted(said, judged, {}).key == "A"
    nobody = replace(condorcet, judge_weights={})
    assert "decided by plain majority" in nobody(said, judged, {}).notes[0]


def test_on_proposals_the_best_text_presents_the_answer(say: Say, judge: Judge) -> None:
    good, poor, other = said = [say("ann", "A"), say("bob", "A"), say("cy", "B")]
    judged = [judge(f"j{i}", [good, other, poor]) for i in range(3)]
    for rule in RANKING.values():
        decision = replace(rule, unit="proposal")(said, judged, {})
        assert (decision.key, decision.winner) == ("A", good.id)
        assert decision.rule == f"{rule.name} on proposals"
    swapped = [judge(f"j{i}", [poor, other, good]) for i in range(3)]
    assert replace(borda, unit="proposal")(said, swapped, {}).winner == poor.id
