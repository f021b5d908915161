"""The five ways to say a contract: each lets the right thing pass and kills the wrong one."""

from __future__ import annotations

from typing import Any

import pytest

from waggledance.core import Cost, Judgement, Note, Proposal, UsageError, Verdict
from waggledance.safety import at_most, check, contract, each, every, sum_of


def broken(talk: Any, rule: Any) -> list[Any]:
    found = check(talk.messages, [contract("rule", rule)])
    assert not found.faulty
    return [violation.at for violation in found.violations]


def test_followed_by_is_judged_at_the_outcome_and_not_before(new_talk: Any) -> None:
    talk = new_talk()
    rule = every("note/1").followed_by("proposal/1", re="refs")
    one = talk.say("p0", Note(about="ask", text="?"))
    other = talk.say("p1", Note(about="ask", text="?"))
    answer = talk.say("p2", Proposal(key="4", refs=(one.id,)), one)
    assert broken(talk, rule) == []
    end = talk.end(answer, other)
    assert broken(talk, rule) == [end.id]


def test_followed_by_knows_what_the_outcome_does_not_rest_on(new_talk: Any) -> None:
    talk = new_talk()
    first = talk.round(0)
    talk.say("p1", Note(about="ask", text="late, and no part of what was decided"))
    talk.end(*first)
    assert broken(talk, every("note/1").followed_by("proposal/1", re="refs")) == []


def test_an_outcome_by_somebody_else_seals_nothing(new_talk: Any) -> None:
    from waggledance.core import Outcome

    talk = new_talk()
    ask = talk.say("p1", Note(about="ask", text="?"))
    talk.say("p2", Outcome(status="decided", key="4", rule="majority", decision=bytes(32)), ask)
    assert broken(talk, every("note/1").followed_by("proposal/1", re="refs")) == []


def test_followed_by_can_go_by_fields_and_by_how_late_it_is(new_talk: Any) -> None:
    talk = new_talk()
    ask = talk.say("p0", Note(round=1, about="ask", text="?"))
    soon = talk.say("p1", Proposal(round=1, key="4"), ask)
    rule = every("note/1").followed_by("proposal/1", per=("round",))
    assert broken(talk, rule) == []
    again = talk.say("p0", Note(round=2, about="ask", text="?"), soon)
    for _ in range(5):
        soon = talk.say("p2", Note(round=3, about="talk", text="."), soon)
    late = talk.say("p1", Proposal(round=2, key="4", refs=(again.id,)), soon, again)
    assert broken(talk, every("note/1").followed_by("proposal/1", per=("round",), within=3)) == [late.id]
    assert broken(talk, every("note/1").followed_by("proposal/1", per=("round",), within=40)) == []


def test_preceded_by_wants_what_is_named_to_have_been_seen(new_talk: Any) -> None:
    talk = new_talk()
    first = talk.round(0)
    rule = every("judgement/1").preceded_by("proposal/1", per=("author",))
    talk.say("p0", Judgement(verdicts=()))
    assert broken(talk, rule) == []
    guess = talk.say("p1", Note(about="sum", text="", refs=(first[0].id,)))
    by_id = every("note/1").preceded_by("proposal/1", re="refs")
    assert broken(talk, by_id) == [guess.id]


def test_preceded_by_fields_kills_who_has_not_begun(new_talk: Any) -> None:
    talk = new_talk()
    early = talk.say("p0", Judgement(verdicts=()))
    assert broken(talk, every("judgement/1").preceded_by("proposal/1", per=("author",))) == [early.id]
    anything = new_talk()
    early = anything.say("p0", Judgement(verdicts=()))
    assert broken(anything, every("judgement/1").preceded_by("proposal/1")) == [early.id]
    assert broken(anything, every("judgement/1").preceded_by("opening/1")) == []


def test_at_most_counts_what_is_alike(new_talk: Any) -> None:
    talk = new_talk()
    first = talk.round(0)
    third = talk.say("p0", Note(about="a", text="3"), *first)
    assert broken(talk, at_most(3, "proposal/1")) == []
    assert broken(talk, at_most(0, "note/1")) == [third.id]
    assert broken(talk, at_most(1, "proposal/1", per=("author",))) == []
    assert third.id in broken(talk, at_most(2, "proposal/1")), "who has seen three knows"


def test_sums_add_up_and_go_by_a_number_or_a_field(new_talk: Any) -> None:
    talk = new_talk()
    first = talk.say("p0", Proposal(key="4", cost=Cost(calls=3), confidence_ppm=4))
    second = talk.say("p0", Proposal(round=1, key="4", cost=Cost(calls=2), confidence_ppm=5, refs=(first.id,)))
    assert broken(talk, sum_of("proposal/1", "cost.calls").at_most(5)) == []
    assert broken(talk, sum_of("proposal/1", "cost.calls").at_most(4)) == [second.id]
    assert broken(talk, sum_of("proposal/1", "cost.calls", per=("round",)).at_most(3)) == []
    assert broken(talk, sum_of("proposal/1", "cost.calls", per=("author",)).at_most(field="confidence_ppm")) == []
    assert broken(talk, sum_of("proposal/1", lambda m: 10).at_most(field="confidence_ppm")) == [first.id]


def test_each_sees_the_message_and_its_past(new_talk: Any) -> None:
    talk = new_talk()
    first = talk.round(0)
    told = talk.say("p1", Judgement(verdicts=(Verdict((first[0].id,), (1,)),)), first[0])
    rule = each("judgement/1", lambda message, past: "knows p0's" if first[0].id in past else None)
    assert broken(talk, rule) == [told.id]


def test_a_scope_can_name_channels(new_talk: Any) -> None:
    talk = new_talk()
    talk.round(0)
    assert broken(talk, at_most(0, "proposal/1 in blobs*")) == []
    assert len(broken(talk, at_most(0, "proposal/* in q*"))) == 3


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: at_most(-1, "x"),
        lambda: sum_of("x", "y").at_most(),
        lambda: sum_of("x", "y").at_most(1, field="z"),
        lambda: every("x").followed_by("y"),
        lambda: every("x").followed_by("y", re="of", per=("round",)),
        lambda: every("x").preceded_by("y", re="of", per=("round",)),
    ],
)
def test_what_makes_no_sense_is_refused(wrong: Any) -> None:
    with pytest.raises(UsageError):
        wrong()


def test_a_sum_of_words_is_a_fault_of_the_contract(new_talk: Any) -> None:
    talk = new_talk()
    talk.round(0)
    found = check(talk.messages, [contract("words", sum_of("proposal/1", "text").at_most(1))])
    assert "has no whole number in 'text'" in found.faulty[0].why
