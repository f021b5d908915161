"""Judging on W2: what the card of Fortytwo promises, with margins for the number of questions."""

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from waggledance import Swarm
from waggledance.consensus import PeerRanked, bradley_terry, condorcet, majority, win_rate
from waggledance.core import Decision, Judgement, MessageId, Proposal, UsageError, local_peer_id
from waggledance.protocols import NestSite, PeerRanking
from waggledance.testing import W1, W2, judged, proposed

QUESTIONS = 500


def judging(world: W2, questions: int) -> tuple[Counter[str], int]:
    """Return how often each rule was right, and how often Bradley-Terry doubted its judges."""
    right, doubted = Counter[str](), 0
    for number in range(questions):
        truth, proposals = world.case(number).truth, proposed(world, number)
        judgements = judged(world, number, proposals)
        for rule in (majority, bradley_terry, win_rate, condorcet):
            decision = rule(proposals, judgements, {})
            right[rule.name] += decision.key == truth
            doubted += rule is bradley_terry and any("judges look unreliable" in note for note in decision.notes)
    return right, doubted


def test_judging_at_15_peers_gains_what_the_card_says() -> None:
    right, doubted = judging(W2(15, seed=1), QUESTIONS)
    assert right["bradley-terry"] - right["majority"] >= 0.15 * QUESTIONS
    assert 0 <= right["bradley-terry"] - right["win-rate"] <= 0.03 * QUESTIONS
    assert abs(right["condorcet"] / QUESTIONS - 0.91) < 3 * 0.013
    assert doubted < 0.5 * QUESTIONS


def test_at_equal_calls_fifteen_who_judge_each_other_beat_a_vote_of_more_answers() -> None:
    """The direction test of the card on Yang et al. 2025, arXiv:2505.22960: a vote of 75 saturates at 66 to 68 %."""
    world, crowd, questions = W2(15, seed=1), W2(75, seed=1), 400
    right, calls = Counter[str](), 0
    for number in range(questions):
        proposals = proposed(world, number)
        judgements = judged(world, number, proposals)
        calls += 15 + sum(len(m.body.verdicts) for m in judgements)
        right["judged"] += bradley_terry(proposals, judgements, {}).key == world.case(number).truth
        right["vote"] += majority(proposed(crowd, number), (), {}).key == crowd.case(number).truth
    assert calls <= 75 * questions  # the vote has more to spend
    assert abs(right["vote"] / questions - 0.67) < 3 * 0.024
    assert right["judged"] > right["vote"] + 0.1 * questions


def test_judges_that_do_not_recognise_what_they_did_not_find_lose_against_majority_and_are_doubted() -> None:
    right, doubted = judging(W2(15, seed=1, if_right=0.8, if_wrong=0.2), 200)
    assert right["bradley-terry"] < right["majority"] - 0.05 * 200
    assert doubted > 0.6 * 200


def test_answers_are_those_of_w1() -> None:
    for number in range(50):
        one, other = W1(7, seed=4).answers(number), W2(7, seed=4).answers(number)
        assert one.truth == other.truth
        assert one.said.tolist() == other.said.tolist()


def test_judges_recognise_truth_as_often_as_told_and_else_prefer_their_own_error() -> None:
    world = W2(15, seed=2, if_right=0.9, if_wrong=0.5)
    seen: dict[bool, list[bool]] = {True: [], False: []}
    for number in range(600):
        answers, grades = world.answers(number), world.grades(number)
        for judge, own in enumerate(answers.said.tolist()):
            place = grades[judge].argsort()[::-1].tolist()
            recognises = place[0] == answers.truth
            assert recognises or place[-1] == answers.truth, "the truth is better or worse than every error"
            if own != answers.truth:
                assert place.index(own) == int(recognises), "of errors its own comes first"
            seen[own == answers.truth].append(recognises)
    assert abs(np.mean(seen[True]) - 0.9) < 0.02
    assert abs(np.mean(seen[False]) - 0.5) < 0.03


@pytest.mark.parametrize("rule", [bradley_terry, condorcet], ids=lambda rule: rule.name)
def test_the_fast_path_and_the_protocol_in_a_swarm_decide_alike(rule: PeerRanked) -> None:
    world = W2(9, seed=5)
    swarm = Swarm(world.seats(), protocol=PeerRanking(decide=rule))
    alike, close, questions = 0, 0, 60
    for number in range(questions):
        decision = swarm.ask_sync(world.case(number).question, seed=number)
        proposals = proposed(world, number)
        fast = rule(proposals, judged(world, number, proposals), {})
        assert decision.support == fast.support
        top = sorted(fast.support.values())[-2:]
        close += len(top) == 2 and top[0] == top[1]
        alike += decision.key == fast.key
    assert alike >= questions - close, "only ties, which a hash of the channel breaks, may differ"


def test_the_nest_site_quorum_beats_majority_and_errs_less_the_larger_the_quorum() -> None:
    world, questions = W2(15, seed=1), 120
    plain = sum(majority(proposed(world, n), (), {}).key == world.case(n).truth for n in range(questions))
    right, wrong = dict[float, int](), dict[float, int]()
    for quorum in (0.3, 0.8):
        swarm = Swarm(world.seats(), protocol=NestSite(quorum=quorum))
        decisions = [(swarm.ask_sync(c.question, seed=n), c.truth) for n in range(questions) for c in [world.case(n)]]
        right[quorum] = sum(d.key == truth for d, truth in decisions)
        wrong[quorum] = sum(d.key != truth and not d.notes for d, truth in decisions)
    assert right[0.8] >= plain + 0.10 * questions
    assert wrong[0.8] <= wrong[0.3] // 2


async def test_a_grade_and_a_comparison_never_clash() -> None:
    world = W2(4, seed=6)
    swarm = Swarm(world.seats(), protocol=PeerRanking())
    grades_of = {local_peer_id(peer.name): peer.index for peer in world.seats()}
    compared = 0
    for number in range(20):
        said = dict[MessageId, str | None]()
        async for event in swarm.watch(world.case(number).question):
            if isinstance(event, Decision):
                continue
            if isinstance(event.body, Proposal):
                said[event.id] = event.body.key
            if isinstance(event.body, Judgement):
                grade = world.grades(number)[grades_of[event.author]]
                for verdict in event.body.verdicts:
                    one, other = ("ABCD".index(str(said[id])) for id in verdict.subjects)
                    assert (verdict.scores[0] > verdict.scores[1]) == (grade[one] > grade[other])
                    compared += 1
    assert compared > 20


def test_chances_out_of_range_are_refused() -> None:
    with pytest.raises(UsageError, match=r"if_right=1\.5"):
        W2(3, if_right=1.5)


def test_on_the_paper_s_own_schedule_win_rate_and_bradley_terry_differ_by_a_point_at_most() -> None:
    world, questions = W2(15, seed=42), 300
    right: Counter[str] = Counter()
    for number in range(questions):
        proposals = proposed(world, number)
        judgements = judged(world, number, proposals, comparisons=3 * 15, unit="proposal")
        for rule in (bradley_terry, win_rate):
            key = replace(rule, unit="proposal")(proposals, judgements, {}).key
            right[rule.name] += key == world.case(number).truth
    assert abs(right["bradley-terry"] - right["win-rate"]) <= questions / 100
