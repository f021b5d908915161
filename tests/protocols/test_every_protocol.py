"""Laws that every protocol keeps: it ends, it is deterministic, it decides alike, and it decides with what is there."""

import pytest

from waggledance import Budget, Swarm
from waggledance.core import Decision, Dissent, Proposal, Question
from waggledance.network import Silent, Simulated
from waggledance.protocols import (
    PROTOCOLS,
    AskProtocol,
    Audit,
    Bargaining,
    ConfidenceDebate,
    Conversation,
    Debate,
    Institution,
    NestSite,
    OutlinePaths,
    PeerRanking,
    Refinement,
    RoundTable,
    Society,
    Vote,
)
from waggledance.testing import Kept, Opinionated, check_protocol, simulate

EVERY = [
    Vote(samples=2, patience_s=30),
    Vote(samples=6, patience_s=30, stop="settled"),
    Vote(samples=6, patience_s=30, stop="likely"),
    Debate(rounds=2, patience_s=30),
    Debate(rounds=3, patience_s=30, stop="agreed"),
    ConfidenceDebate(rounds=2, patience_s=30),
    ConfidenceDebate(rounds=1, patience_s=30, drafts=2),
    RoundTable(rounds=2, patience_s=30),
    RoundTable(rounds=2, patience_s=30, examples={"p0": "what convinced p0", "p1": "what convinced p1"}),
    Conversation(patience_s=30, silence_s=5),
    Society("01/10", patience_s=30),
    OutlinePaths(patience_s=30),
    PeerRanking(patience_s=30),
    Refinement(patience_s=30),
    Audit(patience_s=30),
    NestSite(patience_s=30),
    Institution("shogunate", patience_s=30),
    Bargaining(patience_s=30),
]
PARK = Question(text="What for the park?", expects="package", options=("a pond", "a lawn", "swings"), spend=2)


def question_for(protocol: AskProtocol) -> Question:
    """What people want is asked of a bargain, what is the case of all others."""
    return PARK if isinstance(protocol, Bargaining) else Question(text="2+2?")


every_protocol = pytest.mark.parametrize("protocol", EVERY, ids=lambda protocol: protocol.name)


def peers(n: int = 5) -> list[Opinionated]:
    return [Opinionated(f"p{i}") for i in range(n)]


def asked(protocol: AskProtocol, budget: Budget, n: int = 5) -> Decision:
    """Ask in virtual time, so that a wait that should not be is seen in `seconds` and costs none."""
    return Swarm(peers(n), network=Simulated(seed=3), protocol=protocol, seed=3).ask_sync(
        question_for(protocol), budget=budget
    )


def test_every_protocol_of_the_register_is_tried_here() -> None:
    others = ("plan", "team")  # of another room
    assert {type(protocol) for protocol in EVERY} == {kind for name, kind in PROTOCOLS.items() if name not in others}


@every_protocol
def test_a_protocol_keeps_the_laws(protocol: AskProtocol) -> None:
    check_protocol(protocol, question=question_for(protocol), seeds=(1,))


@every_protocol
def test_all_but_one_silent_still_ends_in_a_decision_of_that_one(protocol: AskProtocol) -> None:
    run = simulate(protocol, question_for(protocol), faults=[Silent(f"p{i}") for i in range(1, 5)])
    assert run.decisions["p0"].key is not None
    assert run.virtual_s < 30 * 4 + 1
    if isinstance(protocol, Institution | Conversation):
        return  # who is heard by nobody governs or talks by itself as well, and the swarm tells of any of the five
    assert run.decision.key == run.decisions["p0"].key
    assert {run.decision.name(peer) for peer in run.decision.silent} == {"p1", "p2", "p3", "p4"}


@pytest.mark.parametrize(
    "protocol",
    [
        p
        for p in EVERY
        if isinstance(p, Vote | Debate | ConfidenceDebate | RoundTable | Society | PeerRanking | NestSite)
    ],
    ids=lambda protocol: protocol.name,
)
def test_a_silent_peer_costs_one_patience_and_not_one_a_round(protocol: AskProtocol) -> None:
    run = simulate(protocol, "2+2?", faults=[Silent("p3")])
    assert 30 <= run.virtual_s < 31
    assert len({decision.id for decision in run.honest}) == 1


@every_protocol
@pytest.mark.parametrize("limit", ["calls", "tokens", "messages", "seconds", "usd"])
def test_a_budget_of_nothing_ends_at_once_without_an_answer_and_says_so(protocol: AskProtocol, limit: str) -> None:
    decision = asked(protocol, Budget(**{limit: 0}))
    assert decision.key is None
    assert decision.cost.calls == 0
    assert decision.seconds < 30
    assert any("budget" in note for note in decision.notes)


@every_protocol
@pytest.mark.parametrize("messages", [1, 3, 5, 7, 10, 14, 16, 25])
def test_a_budget_of_messages_is_kept_and_nobody_waits_for_those_who_may_not_speak(
    protocol: AskProtocol, messages: int
) -> None:
    kept = Kept()
    swarm = Swarm(peers(), network=Simulated(seed=3), protocol=protocol, seed=3, log=kept)
    decision = swarm.ask_sync(question_for(protocol), budget=Budget(messages=messages))
    assert len([m for m in kept.messages if m.author in decision.names]) <= messages
    assert decision.key is not None
    assert decision.seconds < 30
    wanted_all = decision.used and not any("budget" in note for note in decision.notes)
    assert wanted_all or any("messages" in note for note in decision.notes)


@every_protocol
def test_calls_that_run_out_on_the_way_leave_a_decision_on_what_was_said(protocol: AskProtocol) -> None:
    decision = asked(protocol, Budget(calls=6))
    assert decision.key is not None
    assert decision.cost.calls <= 6
    assert decision.seconds < 30


@every_protocol
def test_a_decision_names_only_messages_that_are_in_the_channel(protocol: AskProtocol) -> None:
    run = simulate(protocol, question_for(protocol))
    assert set(run.decision.used) <= {message.id for message in run.log}
    assert all(isinstance(d, Dissent) and d.key != run.decision.key for d in run.decision.dissent)


@every_protocol
def test_the_winner_says_the_answer(protocol: AskProtocol) -> None:
    run = simulate(protocol, question_for(protocol), seed=11)
    [winner] = [m for m in run.log if m.id == run.decision.winner]
    assert isinstance(winner.body, Proposal)
    assert winner.body.key == run.decision.key
    assert winner.body.text == run.decision.text
