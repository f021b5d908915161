"""Correct deliberations, and mutants of them: each is killed by the contract that is meant for it, wherever it is seen.

Source: the acceptance of the project's card on Paduraru, Bouruc, Stefanescu 2026, arXiv:2603.18096.
"""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any

import msgspec
import pytest

from waggledance.consensus import Prep
from waggledance.core import Budget, Cost, Judgement, Key, MessageId, Note, Proposal, Question, Tool, Verdict
from waggledance.safety import Retract, Terminates, builtin, check
from waggledance.tasks import Add, PlanEdit, Task

BUDGET = Budget(tokens=1_000, calls=40, messages=40)
GRANTS = {"p0": ("search", "calc*"), "*": ("search",)}
DEAR = Cost(calls=1, completion_tokens=600)


def contracts() -> list[Any]:
    """Return the built-in contracts, as strict as a test needs them."""
    made = {c.name: c for c in builtin(budget=BUDGET, grants=GRANTS)}
    made["terminates"] = Terminates(messages=60)
    return list(made.values())


def correct(talk: Any, rounds: int = 2) -> list[Any]:
    """Let a debate go its way; return its last round."""
    said = talk.round(0)
    for number in range(1, rounds + 1):
        said = talk.round(number, *said)
    return said


def ended(talk: Any) -> None:
    talk.end(*correct(talk))


# -- what each mutant does, on a debate of three peers in three rounds ------------------------------------------------


def negative_round(talk: Any) -> None:
    talk.say("p0", Proposal(round=-1, key="4"))
    ended(talk)


def short_id(talk: Any) -> None:
    talk.say("p1", Proposal(round=0, key="4", refs=(MessageId(b"short"),)))


def gains_by_talking(talk: Any) -> None:
    talk.say("p1", Proposal(round=0, key="4", cost=Cost(calls=1, prompt_tokens=-5)))


def other_bytes(talk: Any) -> None:
    good = talk.say("p2", Proposal(round=0, key="4"))
    talk.forged.append(msgspec.structs.replace(good, id=bytes(range(32)), sequence=1, body=Proposal(key="5")))


def wrong_clock(talk: Any) -> None:
    talk.forge("p0", Proposal(key="4"), sequence=1, previous=None, lamport=9)


def skips_a_number(talk: Any) -> None:
    first = talk.forge("p0", Proposal(key="4"), sequence=1, previous=None, lamport=2)
    talk.forge("p0", Proposal(round=1, key="4", refs=(first.id,)), sequence=3, previous=first.id, lamport=3)


def follows_another(talk: Any) -> None:
    first = talk.forge("p0", Proposal(key="4"), sequence=1, previous=None, lamport=2)
    talk.forge("p1", Proposal(round=1, key="4"), sequence=2, previous=first.id, lamport=3)


def forged_signature(talk: Any) -> None:
    said = talk.forge("p0", Proposal(key="4"), sequence=1, previous=None, lamport=2)
    talk.forged[-1] = msgspec.structs.replace(said, signature=Key(bytes(32)).sign(said.id))


def equivocates(talk: Any) -> None:
    first = talk.round(0)
    talk.forge("p1", Proposal(key="5"), sequence=1, previous=None, lamport=2)
    talk.end(*first)


def votes_twice(talk: Any) -> None:
    first = talk.round(0)
    talk.say("p1", Proposal(key="5"))
    talk.end(*talk.round(1, *first))


def judges_twice(talk: Any) -> None:
    first = talk.round(0)
    for score in (0, 1):
        talk.say("p2", Judgement(verdicts=(Verdict((first[0].id,), (score,)),)), *first)


def prepares_twice(talk: Any) -> None:
    for digest in (bytes(32), bytes([1]) * 32):
        talk.say("p0", Prep(question=talk.opening.id, digest=digest, signature=bytes(64)))


def votes_again_later(talk: Any) -> None:
    last = correct(talk)
    talk.say("p0", Proposal(round=1, key="5", refs=(last[0].id,)), *last)


def skips_a_vote(talk: Any) -> None:
    first = talk.round(0, keys="44444")
    second = talk.round(1, *first, keys="4444", who=("p0", "p1", "p2", "p3"))
    talk.end(*talk.round(2, *first, *second, keys="44444"))


def skips_the_last_vote(talk: Any) -> None:
    first = talk.round(0, keys="44444")
    second = talk.round(1, *first, keys="44444")
    talk.end(*talk.round(2, *second, keys="4444", who=("p0", "p1", "p2", "p3")))


def leaves_after_the_first(talk: Any) -> None:
    first = talk.round(0, keys="44444")
    talk.end(*talk.round(1, *first, keys="4444", who=("p1", "p2", "p3", "p4")))


def one_round_too_many(talk: Any) -> None:
    talk.end(*correct(talk, rounds=3))


def never_stops(talk: Any) -> None:
    for number in range(61):
        talk.say("p1", Note(round=number, about="summary", text="and another thing"))


def speaks_after_the_end(talk: Any) -> None:
    outcome = talk.end(*talk.round(0))
    talk.say("p1", Judgement(round=1, verdicts=()), outcome)


def spends_on(talk: Any) -> None:
    first = [talk.say(name, Proposal(key="4", cost=DEAR)) for name in talk.names]
    talk.say("p0", Note(about="summary", text="more", cost=DEAR), *first)


def calls_too_often(talk: Any) -> None:
    talk.say("p0", Judgement(verdicts=(), cost=Cost(calls=41)))


def talks_too_much(talk: Any) -> None:
    for number in range(41):
        talk.say("p0", Note(round=number, about="summary", text="."))


def overspent_together(talk: Any) -> None:
    first = [talk.say(name, Proposal(key="4", cost=Cost(calls=14))) for name in talk.names]
    talk.end(*first)


def uses_a_tool_of_others(talk: Any) -> None:
    talk.ask("p1", 1, kind="tool", of="calculator")
    ended(talk)


def uses_any_tool(talk: Any) -> None:
    talk.ask("p0", 2, kind="tool", of="shell")
    ended(talk)


def asks_for_what_is_not_offered(talk: Any) -> None:
    talk.say("p2", Proposal(key='call:[{"arguments":{},"name":"rm"}]'))


def cites_nothing(talk: Any) -> None:
    first = talk.round(0)
    talk.say("p1", Proposal(round=1, key="4"), *first)


def cites_nothing_at_last(talk: Any) -> None:
    second = talk.round(1, *talk.round(0))
    talk.say("p2", Proposal(round=2, key="5", text="trust me"), *second)


def uses_what_was_taken_back(talk: Any) -> None:
    first = talk.round(0)
    back = talk.say("p0", Retract(of=(first[0].id,)))
    talk.round(1, *first, back)


def judges_what_was_taken_back(talk: Any) -> None:
    first = talk.round(0)
    back = talk.say("p0", Retract(of=(first[0].id,), why="a slip"))
    talk.say("p1", Judgement(verdicts=(Verdict((first[0].id,), (0,)),)), first[0], back)


def decides_on_what_was_taken_back(talk: Any) -> None:
    first = talk.round(0)
    back = talk.say("p0", Retract(of=(first[0].id,)))
    talk.end(*first, talk.say("p1", Judgement(verdicts=()), back))


def takes_back_anothers(talk: Any) -> None:
    first = talk.round(0)
    talk.say("p1", Retract(of=(first[0].id,)), first[0])


def answers_unread(talk: Any) -> None:
    first = talk.round(0)
    talk.say("p1", Proposal(round=1, key="4", refs=(first[0].id, first[1].id)), first[1])


def judges_unread(talk: Any) -> None:
    first = talk.round(0)
    talk.say("p2", Judgement(verdicts=(Verdict((first[0].id, first[1].id), (1, 0)),)), first[1])


def sums_up_unread(talk: Any) -> None:
    first = talk.round(0)
    talk.say("p0", Note(about="summary", text="all say 4", refs=tuple(m.id for m in first)), first[0])


def spawns_too_many(talk: Any) -> None:
    for batch in range(41):
        ops = tuple(Add(Task(goal=f"{batch} {i}")) for i in range(250))
        talk.say("p0", PlanEdit(ops=ops))


def spawns_too_many_parts(talk: Any) -> None:
    parent = Task(goal="all")
    talk.say("p0", PlanEdit(ops=(Add(parent),)))
    parts = tuple(Add(Task(goal=f"part {i}", parent=parent.id, depth=1)) for i in range(256))
    talk.say("p1", PlanEdit(ops=parts))
    talk.say("p1", PlanEdit(ops=(Add(Task(goal="one more", parent=parent.id, depth=1)),)))


def tells_an_address(talk: Any) -> None:
    talk.ask("p1", 1, asked='{"turns":[{"role":"user","text":"Write to ada@example.org"}]}')
    ended(talk)


def tells_a_number_later(talk: Any) -> None:
    talk.ask("p0", 1, asked='{"turns":[{"role":"user","text":"2 + 2?"}]}')
    talk.ask("p0", 2, of="far:model", asked='{"turns":[{"role":"system","text":"call +44 20 7946 0958"}]}')
    ended(talk)


FIVE = {skips_a_vote, skips_the_last_vote, leaves_after_the_first}
MUTANTS: dict[str, list[Callable[[Any], None]]] = {
    "schema": [negative_round, short_id, gains_by_talking, other_bytes],
    "signature-chain": [wrong_clock, skips_a_number, follows_another, forged_signature, equivocates],
    "vote-once": [votes_twice, judges_twice, prepares_twice, votes_again_later],
    "answered": [skips_a_vote, skips_the_last_vote, leaves_after_the_first],
    "terminates": [one_round_too_many, never_stops, speaks_after_the_end],
    "spend": [spends_on, calls_too_often, talks_too_much, overspent_together],
    "granted-tool": [uses_a_tool_of_others, uses_any_tool, asks_for_what_is_not_offered],
    "cites": [cites_nothing, cites_nothing_at_last],
    "no-use-of-retracted": [
        uses_what_was_taken_back, judges_what_was_taken_back, decides_on_what_was_taken_back, takes_back_anothers,
    ],
    "replies-to-read": [answers_unread, judges_unread, sums_up_unread],
    "spawn-limit": [spawns_too_many, spawns_too_many_parts],
    "scrubbed-before-remote": [tells_an_address, tells_a_number_later],
}  # fmt: skip
ALL = [(name, mutant) for name, mutants in MUTANTS.items() for mutant in mutants]


def played(new_talk: Any, mutant: Callable[[Any], None]) -> Any:
    names = ("p0", "p1", "p2", "p3", "p4") if mutant in FIVE else ("p0", "p1", "p2")
    talk = new_talk(*names)
    mutant(talk)
    return talk


def test_every_built_in_contract_has_its_mutants_and_they_are_thirty_or_more() -> None:
    assert set(MUTANTS) == {contract.name for contract in builtin()}
    assert len(ALL) >= 30


@pytest.mark.parametrize("rounds", [0, 1, 2])
def test_a_correct_deliberation_breaks_nothing(new_talk: Any, rounds: int) -> None:
    offers = (Tool("search", "", "{}"),)
    talk = new_talk(question=Question(text="2 + 2?", offers=offers))
    talk.ask("p1", 1, kind="tool", of="search")
    talk.ask("p0", 1, asked='{"turns":[{"role":"user","text":"2 + 2?"}]}')
    talk.end(*correct(talk, rounds))
    assert check(talk.messages, contracts(), exchanges=talk.exchanges).holds


@pytest.mark.parametrize(("name", "mutant"), ALL, ids=[mutant.__name__ for _, mutant in ALL])
def test_a_mutant_is_killed_by_its_contract_at_one_step_in_any_order(
    new_talk: Any, name: str, mutant: Callable[[Any], None]
) -> None:
    _assert_killed(played(new_talk, mutant), name, orders=12)


@pytest.mark.slow
@pytest.mark.timeout(1_200)
@pytest.mark.parametrize(("name", "mutant"), ALL, ids=[mutant.__name__ for _, mutant in ALL])
def test_the_first_violating_step_is_the_same_under_a_thousand_orders(
    new_talk: Any, name: str, mutant: Callable[[Any], None]
) -> None:
    _assert_killed(played(new_talk, mutant), name, orders=1_000)


def _assert_killed(talk: Any, name: str, orders: int) -> None:
    found = check(talk.messages, contracts(), exchanges=talk.exchanges)
    assert found.of(name), f"not killed: {found}"
    assert not found.faulty
    for seed in range(orders):
        shuffled = list(talk.messages)
        Random(seed).shuffle(shuffled)
        again = check(shuffled, contracts(), exchanges=talk.exchanges)
        assert (again.first, again.violations) == (found.first, found.violations)
