"""Exchanges: read from a question's messages, by its outcome or by reviews."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

import pytest

from waggledance.consensus import majority
from waggledance.core import (
    UNIT,
    Decision,
    Judgement,
    Message,
    MessageId,
    Proposal,
    Seat,
    UsageError,
    Verdict,
    after,
    everyone,
    local_peer_id,
    swarm_id,
)
from waggledance.core._message import compose
from waggledance.protocols import Debate
from waggledance.testing import simulate
from waggledance.topology import Complete, Exchange, Feedback, Ring, by_outcome, by_review, reviews_due

NAMES = ("ann", "bob", "cat", "dan", "eve")
ROSTER = tuple(local_peer_id(name) for name in NAMES)


def say(name: str, key: str | None, *refs: Message[Proposal], round: int = 0) -> Message[Proposal]:
    body = Proposal(round=round, key=key, text=f"{name} {round}", refs=tuple(m.id for m in refs))
    return compose(local_peer_id(name), body, round + 1, MessageId(bytes(32)) if round else None,
                   (), round + 1, 0, swarm_id("test"), "q")[0]  # fmt: skip


def judge(name: str, *verdicts: Verdict) -> Message[Judgement]:
    return compose(local_peer_id(name), Judgement(verdicts=verdicts), 9, MessageId(bytes(32)),
                   (), 9, 0, swarm_id("test"), "q")[0]  # fmt: skip


ANN, BOB, CAT = say("ann", "4"), say("bob", "5"), say("cat", "6")


def told(found: tuple[Exchange, ...]) -> set[tuple[str, str, int]]:
    names = dict(zip(ROSTER, NAMES, strict=True))
    return {(names[e.speaker], names[e.listener], e.quality_ppm) for e in found}


def test_moving_to_what_was_decided_credits_who_said_it() -> None:
    moved = say("bob", "4", BOB, ANN, CAT, round=1)
    assert told(by_outcome([ANN, BOB, CAT, moved], "4")) == {("ann", "bob", UNIT)}


def test_moving_away_from_what_was_decided_blames_who_led_there() -> None:
    moved = say("ann", "5", ANN, BOB, CAT, round=1)
    assert told(by_outcome([ANN, BOB, CAT, moved], "4")) == {("bob", "ann", 0)}


@pytest.mark.parametrize("key", ["5", "6"])
def test_staying_or_moving_between_errors_says_nothing(key: str) -> None:
    assert by_outcome([ANN, BOB, CAT, say("bob", key, BOB, ANN, CAT, round=1)], "4") == ()


def test_a_move_to_what_nobody_heard_said_credits_nobody() -> None:
    assert by_outcome([ANN, BOB, CAT, say("bob", "4", BOB, CAT, round=1)], "4") == ()
    assert by_outcome([say("ann", None, ANN, BOB, round=1), ANN, BOB], "4") == ()
    assert by_outcome([], "4") == ()


def test_the_order_of_messages_changes_nothing() -> None:
    messages = [*simulate(Debate(rounds=3, topology=Ring()), "2+2?", peers=6).log]
    found = by_outcome(messages, "4")
    assert found == by_outcome(Random(1).sample(messages, k=len(messages)) + messages[:3], "4")
    assert found


def test_reviews_share_out_to_whom_was_heard_and_count_one_voice_a_reviewer() -> None:
    moved = say("bob", "4", BOB, ANN, round=1)
    better = Verdict((BOB.id, moved.id), (0, UNIT))
    worse = Verdict((moved.id, BOB.id), (0, UNIT))
    assert told(by_review([ANN, BOB, moved, judge("cat", better), judge("dan", worse)])) == {("ann", "bob", UNIT // 2)}
    assert told(by_review([ANN, BOB, moved, judge("cat", better, better)])) == {("ann", "bob", UNIT)}
    tie = Verdict((moved.id, BOB.id), (7, 7))
    assert told(by_review([ANN, BOB, moved, judge("cat", tie)])) == {("ann", "bob", UNIT // 2)}


def test_who_took_part_does_not_review_itself() -> None:
    moved = say("bob", "4", BOB, ANN, round=1)
    better = Verdict((BOB.id, moved.id), (0, UNIT))
    assert by_review([ANN, BOB, moved, judge("ann", better), judge("bob", better)]) == ()


def test_verdicts_on_something_else_are_no_reviews() -> None:
    moved = say("bob", "4", BOB, ANN, round=1)
    others = (Verdict((ANN.id, moved.id), (0, UNIT)), Verdict((moved.id,), (UNIT,)), Verdict((CAT.id, BOB.id), (1, 2)))
    assert by_review([ANN, BOB, CAT, moved, judge("dan", *others)]) == ()


def test_reviewers_are_drawn_among_those_who_took_no_part_and_are_as_many_as_asked() -> None:
    said = [ANN, BOB, CAT, say("dan", "4"), say("eve", "4")]
    revised = [say("ann", "5", ANN, BOB, round=1), say("bob", "4", BOB, ANN, CAT, round=1), say("cat", "6", round=1)]
    for seed in range(20):
        due = {name: reviews_due(said, revised, local_peer_id(name), ROSTER, seed) for name in NAMES}
        pairs = [(name, {a.id, b.id}) for name, given in due.items() for a, b in given]
        assert [name for name, pair in pairs if revised[1].id in pair] == ["dan", "eve"]
        assert len([name for name, pair in pairs if revised[0].id in pair]) == 2
        assert not {"ann", "bob"} & {name for name, pair in pairs if revised[0].id in pair}
        assert len(pairs) == 4


def test_no_reviewer_at_all_is_refused() -> None:
    with pytest.raises(UsageError, match="reviewers=0"):
        reviews_due([], [], ROSTER[0], ROSTER, 0, reviewers=0)


@dataclass(frozen=True)
class Reviewed:
    """Propose, hear, revise, and let drawn peers review what hearing did."""

    async def __call__(self, seat: Seat, /) -> Decision:
        in_time = everyone | after(30)
        mine = await seat.publish(await seat.propose())
        said = await seat.collect(Proposal, 0, until=in_time)
        near = Ring().speakers(seat.me, 0, seat.roster, said, seat.seed)
        await seat.publish(await seat.revise(mine, [m for m in said if m.author in near]))
        revised = await seat.collect(Proposal, 1, until=in_time)
        await seat.publish(await seat.compare(reviews_due(said, revised, seat.me, seat.roster, seat.seed)))
        await seat.collect(Judgement, 0, until=in_time)
        return majority(revised, (), seat.weights)


def test_a_swarm_reviews_learns_and_makes_the_same_plan_again_from_its_log() -> None:
    past = [by_review(simulate(Reviewed(), f"{i}+2?", peers=6, seed=i).log) for i in range(6)]
    assert all(len(question) == 12 for question in past)
    topology = Feedback.fit(past)
    run = simulate(Debate(rounds=1, topology=topology), "2+2?", peers=6)
    opening = next(m for m in run.log if m.kind == "opening/1")
    assert opening.body.topology == topology.name


def test_outcomes_of_talk_where_all_hear_all_can_be_learnt_from() -> None:
    past = [by_outcome(simulate(Debate(rounds=2, topology=Complete()), f"{i}+2?", peers=5, seed=i).log, "4")
            for i in range(8)]  # fmt: skip
    assert sum(map(len, past)) > 10
    assert {e.quality_ppm for question in past for e in question} <= {0, UNIT}
