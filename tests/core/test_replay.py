"""From a channel's messages back to what was asked, who sat there, and what the outcome rests on."""

from __future__ import annotations

from typing import Any

from waggledance import FunctionPeer, Swarm
from waggledance.core import (
    Channel,
    Cut,
    Log,
    Member,
    Message,
    Opening,
    Outcome,
    Proposal,
    Question,
    Roster,
    cut_of,
    local_peer_id,
    members_of,
    opening_of,
    outcome_of,
    swarm_id,
)

ASKER, ADA, EVE = (local_peer_id(name) for name in ("asker", "ada", "eve"))


def an_opening(text: str = "2+2?") -> Opening:
    return Opening(question=Question(text=text), members=(Member(ADA, "ada"),))


async def test_a_logged_question_says_what_was_asked_who_sat_there_and_what_it_rests_on(tmp_path: Any) -> None:
    with Log(tmp_path / "log.db") as log:
        swarm = Swarm([FunctionPeer(f"p{n}", lambda question: "4") for n in range(3)], log=log, seed=7)
        decision = await swarm.ask("2 + 2?", expects="number")
    with Log(tmp_path / "log.db", "r") as log:
        messages = log.read(decision.channel)
    opening, outcome = opening_of(messages), outcome_of(messages)
    assert opening is not None
    assert outcome is not None
    assert (opening.body.question.text, opening.body.seed) == ("2 + 2?", 7)
    assert [member.name for member in members_of(messages)] == ["p0", "p1", "p2"]
    assert (outcome.body.key, outcome.body.decision) == ("4", decision.id)
    assert cut_of(messages) == decision.used


def test_cuts_that_belong_together_are_put_together() -> None:
    desk = Channel(swarm_id("bees"), "q1")
    opening = desk.publish(ASKER, an_opening(), [], 0)
    early = desk.publish(ASKER, Cut(ids=(opening.id,)), [], 0)
    desk.publish(ASKER, Roster(members=()), [], 0)
    said = [desk.publish(ADA, Proposal(key=str(n)), [opening], 0) for n in range(4)]
    for part in (said[:2], said[2:]):
        desk.publish(ASKER, Cut(ids=tuple(m.id for m in part)), [], 0)
    desk.publish(ASKER, Outcome(status="decided", key="4", rule="majority", decision=bytes(32)), [], 0)
    assert cut_of(desk.messages()) == tuple(sorted(m.id for m in said))
    assert early.id not in cut_of(desk.messages())


def test_rosters_of_the_asker_alone_add_members() -> None:
    desk = Channel(swarm_id("bees"), "q1")
    opening = desk.publish(ASKER, an_opening(), [], 0)
    desk.publish(ASKER, Roster(members=(Member(local_peer_id("bea"), "bea"),)), [], 0)
    desk.publish(EVE, Roster(members=(Member(EVE, "eve"),)), [opening], 0)
    assert [member.name for member in members_of(desk.messages())] == ["ada", "bea"]


def test_a_second_opening_and_a_strangers_outcome_confuse_nobody() -> None:
    desk = Channel(swarm_id("bees"), "q1")
    fakes = [desk.publish(local_peer_id(f"eve{n}"), an_opening("3+3?"), [], 0) for n in range(5)]
    opening = desk.publish(ASKER, an_opening(), [], 0)
    desk.publish(ADA, Proposal(key="4"), [opening], 0)
    desk.publish(fakes[0].author, Outcome(status="decided", key="6", rule="mine", decision=bytes(32)), [], 0)
    messages = desk.messages()
    assert opening_of(messages) == opening
    assert outcome_of(messages) is None
    assert cut_of(messages) == ()


def test_a_channel_without_an_opening_says_nothing() -> None:
    nothing: tuple[Message[Any], ...] = ()
    assert (opening_of(nothing), members_of(nothing), outcome_of(nothing), cut_of(nothing)) == (None, (), None, ())
