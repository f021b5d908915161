from typing import Any

import pytest

from waggledance import Budget, FunctionPeer, Swarm
from waggledance.consensus import Bargained, borda, majority
from waggledance.core import UNIT, Decision, Question, UsageError
from waggledance.models import Request, Scripted
from waggledance.network import Crash, Lie, Silent
from waggledance.peers import Agent, Stakeholder
from waggledance.protocols import Bargaining, Debate, Institution, Vote, by_name, rule_by_name
from waggledance.testing import W6, Run, simulate

OPTIONS = tuple(f"item {i}" for i in range(12))


def asked_of(conflict: float, number: int) -> tuple[Question, list[Stakeholder]]:
    s = W6(conflict, seed=8).scenario(number)
    question = Question(text=f"W6 {number}", expects="package", options=OPTIONS, costs=s.costs, spend=s.budget)
    values = {g: dict(zip(OPTIONS, (v / UNIT for v in vs), strict=True)) for g, vs in s.utilities.items()}
    return question, [Stakeholder(group, worth) for group, worth in values.items()]


def run_of(number: int, conflict: float = 1.0, **more: Any) -> Run:
    question, peers = asked_of(conflict, number)
    return simulate(Bargaining(patience_s=30), question, peers=peers, **more)


def worst(decision: Decision) -> tuple[float, float]:
    """Return what the worst-off has without a bargain and with it, as the notes tell."""
    after, before = (part.split("worst-off ")[1].split(",")[0] for part in decision.notes[1].split("; without"))
    return float(before), float(after)


@pytest.mark.parametrize("number", range(6))
def test_a_bargain_keeps_to_the_budget_and_to_the_worst_off(number: int) -> None:
    run = run_of(number)
    before, after = worst(run.decision)
    assert after >= before
    question, _ = asked_of(1.0, number)
    assert question.affords(run.decision.key)
    assert len({d.id for d in run.decisions.values()}) == 1


def test_talk_finds_better_packages_than_the_wishes() -> None:
    gains: list[float] = []
    for number in range(12):
        question, peers = asked_of(1.0, number)
        talked = Swarm(peers, protocol=Bargaining()).ask_sync(question)
        wished = Swarm(peers, protocol=Bargaining(rounds=0)).ask_sync(question)
        score = [max(d.support.values()) for d in (talked, wished)]
        assert score[0] >= score[1]
        gains.append(score[0] - score[1])
    assert sum(gain > 0 for gain in gains) >= 3


@pytest.mark.parametrize("fault", [Silent("group-2"), Crash("group-2", at_s=0.15)])
def test_one_silent_peer_costs_one_patience_and_no_decision(fault: Any) -> None:
    run = run_of(1, faults=[fault])
    assert run.decision.key is not None
    assert run.virtual_s < 65
    assert len({d.key for d in run.honest}) == 1


def test_a_package_that_costs_too_much_is_left_out() -> None:
    run = run_of(2, faults=[Lie("group-1", key="A+B+C+D+E+F+G+H+I+J+K+L")])
    question, _ = asked_of(1.0, 2)
    assert all(question.affords(decision.key) for decision in run.decisions.values())


def test_what_two_offers_make_together_is_put_on_the_table_and_may_be_taken() -> None:
    """Rarely: of the first 40 of these scenarios it is put there in 33, and taken in this one."""
    run = run_of(34)
    together = {m.body.key for m in run.log if getattr(m.body, "text", "").startswith("two offers together")}
    assert run.decision.key in together


def test_what_is_best_for_both_is_found_though_neither_wished_for_it() -> None:
    question = Question(text="?", expects="package", options=("a", "b", "c"), costs=(2, 2, 2), spend=4)
    peers = [Stakeholder("ann", {"a": 10, "c": 4}), Stakeholder("bob", {"b": 10, "c": 4})]
    assert Swarm(peers, protocol=Bargaining()).ask_sync(question).key == "A+B"


def test_values_are_not_put_to_rules_of_truth_nor_facts_to_a_bargain() -> None:
    question, peers = asked_of(0.6, 0)
    for protocol in (Vote(), Debate(), Institution("khanate")):
        able = [Full(peer) for peer in peers]
        with pytest.raises(UsageError, match="choose the protocol 'bargain'"):
            Swarm(able, protocol=protocol).ask_sync(question)
    with pytest.raises(UsageError, match="ask for a 'package'"):
        Swarm(peers, protocol=Bargaining()).ask_sync("2 + 2?")
    for rule, why in ((majority, "a minority is noise"), (borda, "needs judgements")):
        with pytest.raises(UsageError, match=why):
            by_name("bargain", rule=rule)
    with pytest.raises(UsageError, match="needs utilities"):
        by_name("peer-ranking", rule=Bargained())
    assert rule_by_name("bargained(every)") == Bargained("every")


class Full(Stakeholder):
    """A stakeholder that says it can do everything, so that only the question is refused."""

    def __init__(self, other: Stakeholder) -> None:
        super().__init__(other.name, other.values)

    @property
    def skills(self) -> frozenset[str]:
        return frozenset({"propose", "revise", "compare", "critique", "note"})


def test_a_budget_of_two_messages_a_peer_ends_after_the_wishes_are_graded() -> None:
    question, peers = asked_of(1.0, 0)
    decision = Swarm(peers, protocol=Bargaining()).ask_sync(question, budget=Budget(messages=10))
    assert "5 of 5 peers graded" in decision.notes[0]
    assert any("allows each of 5 peers 2" in note for note in decision.notes)


def test_agents_take_part_by_grading_packages() -> None:
    def says(request: Request) -> str:
        asked = request.turns[-1].text
        if "Grade:" in asked:
            return "Grade: 9\nWater." if "answers A" in asked or "Answer: A" in asked else "Grade: 2\nNo water."
        return "We need water.\nAnswer: A\nConfidence: 90%"

    question = Question(text="What for?", expects="package", options=("a pond", "a lawn"), costs=(2, 1), spend=2)
    agents = [Agent(name, Scripted(says)) for name in ("ann", "bob")]
    decision = Swarm([*agents, Stakeholder("cyd", {"a pond": 1, "a lawn": 3})], protocol=Bargaining()).ask_sync(
        question
    )
    assert decision.key in ("A", "B")
    assert "3 of 3 peers graded" in decision.notes[0]


def test_functions_take_part_too() -> None:
    def grades(_question: str, package: str) -> float:
        return 1.0 if package == "B" else 0.5

    question = Question(text="?", expects="package", options=("a pond", "a lawn"))
    peers = [FunctionPeer(n, lambda _q, n=n: n, critique=grades) for n in ("A", "B")]
    assert Swarm(peers, protocol=Bargaining()).ask_sync(question).key == "B"


def test_a_negative_number_of_rounds_is_refused() -> None:
    with pytest.raises(UsageError, match="0 or more rounds"):
        Bargaining(rounds=-1)
