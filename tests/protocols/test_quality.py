import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from waggledance.core import UNIT, Judgement, Message, MessageId, PeerId, UsageError, Verdict, local_peer_id, swarm_id
from waggledance.protocols import evaluators, quality, weak

PEERS = [local_peer_id(f"p{i}") for i in range(9)]
ONE, TWO = MessageId(bytes(32)), MessageId(bytes([1] * 32))


def judged(by: PeerId, *verdicts: tuple[MessageId, float]) -> Message[Judgement]:
    body = Judgement(verdicts=tuple(Verdict((subject,), (round(grade * UNIT),)) for subject, grade in verdicts))
    return Message(MessageId(by), by, body, 1, None, (), 1, 0, swarm_id("s"), "q1")


@given(st.lists(st.sampled_from(PEERS), unique=True), st.integers(0, 5), st.integers(0, 99), st.integers(0, 3))
def test_everybody_is_evaluated_by_as_many_others_and_evaluates_as_many(
    authors: list[PeerId], count: int, seed: int, round: int
) -> None:
    drawn = evaluators(authors, count, seed, round)
    expected = min(count, max(0, len(authors) - 1))
    assert set(drawn) == set(authors)
    assert all(peer not in by and len(by) == expected for peer, by in drawn.items())
    assert all(sum(peer in by for by in drawn.values()) == expected for peer in authors)
    assert drawn == evaluators(authors[::-1] + authors, count, seed, round)


def test_seed_and_round_draw_other_evaluators() -> None:
    drawn = {tuple(sorted(evaluators(PEERS, 1, seed, round).items())) for seed in range(4) for round in range(4)}
    assert len(drawn) == 16


def test_quality_is_the_median_of_the_drawn_evaluators_grades() -> None:
    by = {ONE: frozenset(PEERS[:3]), TWO: frozenset(PEERS[3:5])}
    told = [judged(PEERS[0], (ONE, 0.1)), judged(PEERS[1], (ONE, 0.5)), judged(PEERS[2], (ONE, 0.9)),
            judged(PEERS[3], (TWO, 0.2)), judged(PEERS[4], (TWO, 0.7))]  # fmt: skip
    assert quality(told, by) == quality(told[::-1] + told, by) == {ONE: UNIT // 2, TWO: 450_000}


def test_uninvited_grades_and_preferences_do_not_count() -> None:
    by = {ONE: frozenset(PEERS[:1])}
    pair = Judgement(verdicts=(Verdict((ONE, TWO), (0, UNIT)),))
    preferring = Message(TWO, PEERS[0], pair, 2, None, (), 1, 0, swarm_id("s"), "q1")
    assert quality([judged(PEERS[5], (ONE, 0.0), (TWO, 1.0)), preferring], by) == {}


def test_of_several_grades_of_one_evaluator_the_lowest_counts() -> None:
    assert quality([judged(PEERS[0], (ONE, 0.9), (ONE, 0.2), (ONE, 0.7))], {ONE: frozenset(PEERS[:1])}) == {
        ONE: 200_000
    }


def test_the_gate_parts_the_weak_from_those_that_pass() -> None:
    grades = {ONE: 599_999, TWO: 600_000}
    assert weak(grades, 0.6) == {ONE}
    assert weak({ONE: 0, TWO: UNIT}, 0.0) == frozenset()
    assert weak({ONE: 0, TWO: UNIT}, 1.0) == {ONE, TWO}


@pytest.mark.parametrize("gate", [-0.1, 1.1, math.nan, math.inf])
def test_a_gate_out_of_range_is_refused(gate: float) -> None:
    with pytest.raises(UsageError, match="from 0 to 1"):
        weak({}, gate)
