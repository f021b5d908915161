"""Audits on a world of auditors: how often they object to wrong and to right answers, and what thinking again does."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from waggledance import Swarm
from waggledance._replay import decide_again
from waggledance.consensus import borda, confidence_vote, majority
from waggledance.core import (
    UNIT,
    Budget,
    Call,
    Decision,
    Judgement,
    Message,
    Note,
    Proposal,
    Question,
    UsageError,
    Verdict,
)
from waggledance.network import Silent
from waggledance.protocols import AskProtocol, Audit, Audited, Vote, auditors, rule_by_name
from waggledance.protocols._audit import last_versions
from waggledance.testing import Kept, Opinionated, simulate

pytestmark = pytest.mark.usefixtures("stopped_wall_clock")

KEYS = tuple("ABCD")


class World:
    """Peers that share a question's difficulty; auditors that catch and mistake; a chance to be right when told so.

    Args:
        catches: the chance that an auditor objects to a wrong answer.
        mistakes: the chance that it objects to a right one.
        again: the chance that a peer that revises with an objection in hand is right.
    """

    def __init__(self, *, catches: float, mistakes: float, again: float = 0.6) -> None:
        self.catches, self.mistakes, self.again = catches, mistakes, again

    def truth(self, number: int) -> tuple[str, float]:
        """Return the true key and the chance of a peer to know it, the same for all."""
        rng = Random(f"case {number}")
        return rng.choice(KEYS), rng.choice((0.2, 0.8, 0.9))


def _number(call: Call) -> int:
    return int(call.question.text.split()[1])


class Auditor(Opinionated):
    def __init__(self, name: str, world: World) -> None:
        super().__init__(name)
        self.world = world
        self.seen: list[tuple[tuple[Message[Note], ...], tuple[Message[Proposal], ...]]] = []

    async def propose(self, call: Call) -> Proposal:
        truth, share = self.world.truth(_number(call))
        return self._said(call, truth, share)

    async def revise(self, call: Call, mine: Message[Proposal], heard: Sequence[Message[Proposal]]) -> Proposal:
        self.seen.append((call.guide, tuple(heard)))
        return self._said(call, self.world.truth(_number(call))[0], self.world.again)

    async def critique(self, call: Call, proposal: Message[Proposal]) -> Verdict:
        right = proposal.body.key == self.world.truth(_number(call))[0]
        objects = Random(call.seed).random() < (self.world.mistakes if right else self.world.catches)
        return Verdict((proposal.id,), (UNIT // 5 if objects else UNIT - 1,), "it is wrong" if objects else "fine")

    def _said(self, call: Call, truth: str, share: float) -> Proposal:
        rng = Random(call.seed)
        key = truth if rng.random() < share else rng.choice([key for key in KEYS if key != truth])
        return Proposal.of(key, f"I say {key}", confidence=0.5)


class Said(Kept):
    """What was said, of one kind."""

    def of(self, body: type[Any], round: int) -> list[Message[Any]]:
        return [m for m in self.messages if isinstance(m.body, body) and m.body.round == round]


def asked(
    protocol: AskProtocol, number: int, world: World, n: int = 5, **options: Any
) -> tuple[Said, Decision, list[Auditor]]:
    kept, peers = Said(), [Auditor(f"p{i}", world) for i in range(n)]
    swarm = Swarm(peers, protocol=protocol, seed=number, log=kept)
    question = Question(text=f"Case {number}", expects="choice", options=KEYS)
    return kept, swarm.ask_sync(question, **options), peers


def measured(protocol: AskProtocol, world: World, questions: int) -> float:
    """Return in how many per cent of questions the decision is right."""
    right = sum(asked(protocol, q, world)[1].key == world.truth(q)[0] for q in range(questions))
    return 100 * right / questions


def test_auditors_who_can_tell_gain_and_auditors_who_cannot_lose() -> None:
    n = 120
    sharp, blind = World(catches=0.8, mistakes=0.1), World(catches=0.6, mistakes=0.6, again=0.4)
    unaudited = measured(Vote(), sharp, n)
    audited, always_again = measured(Audit(), sharp, n), measured(Audit(), World(catches=1.0, mistakes=1.0), n)
    assert audited - unaudited >= 5
    assert audited - always_again >= 5, "the gain is the auditors', not that of thinking again"
    assert measured(Audit(), blind, n) - unaudited <= -5


OBJECTING, CONTENT = World(catches=1.0, mistakes=1.0), World(catches=0.0, mistakes=0.0)


def test_an_objection_that_all_share_is_answered_once_with_the_objections_in_hand() -> None:
    kept, decision, peers = asked(Audit(), 7, OBJECTING)
    leading = kept.of(Judgement, 1)[0].body.verdicts[0].subjects[0]
    notes = kept.of(Note, 1)
    assert len(notes) == len(kept.of(Judgement, 1)) == 3
    assert all(note.body.about == "objection" and note.body.refs == (leading,) for note in notes)
    assert len(kept.of(Proposal, 1)) == 5
    assert not kept.of(Proposal, 2)
    for peer in peers:
        [(guide, heard)] = peer.seen
        assert {m.id for m in guide} == {m.id for m in notes}
        assert {m.id for m in heard} <= {leading}
    assert sum(len(peer.seen[0][1]) for peer in peers) == 4, "its own author does not hear it again"
    assert any("3 of 3 auditors objected; the swarm thought again" in note for note in decision.notes)


def test_a_decision_that_no_auditor_objects_to_is_that_of_the_first_answers() -> None:
    kept, decision, peers = asked(Audit(), 7, CONTENT)
    first = kept.of(Proposal, 0)
    assert decision.key == majority(first, (), {}).key
    assert not kept.of(Proposal, 1)
    assert not any(peer.seen for peer in peers)
    assert set(decision.used) == {m.id for m in (*first, *kept.of(Judgement, 1))}


def test_a_lone_objection_stands_as_dissent_with_its_reason() -> None:
    for number in range(40):
        kept, decision, _ = asked(Audit(), number, World(catches=0.35, mistakes=0.35))
        objecting = [m.author for m in kept.of(Judgement, 1) if m.body.verdicts[0].scores[0] < UNIT // 2]
        if len(objecting) == 1:
            assert not kept.of(Proposal, 1)
            told = [d for d in decision.dissent if d.reason == "objects: it is wrong"]
            assert [d.peer for d in told] == objecting
            assert any(
                "1 of 3 auditors objected, too few to think again: it is wrong" in note for note in decision.notes
            )
            return
    raise AssertionError("no question had a lone objection")


@pytest.mark.parametrize("world", [OBJECTING, CONTENT, World(catches=0.5, mistakes=0.5)])
def test_an_audited_decision_is_decided_again_from_the_log_alone(world: World) -> None:
    for number in range(5):
        kept, decision, _ = asked(Audit(auditors=3), number, world)
        again = decide_again(kept.messages)
        assert (again.id, again.rule) == (decision.id, "audited(majority, 3)")


def test_a_rule_is_found_again_by_its_name() -> None:
    rule = rule_by_name("audited(quorum(0.8), 5)")
    assert isinstance(rule, Audited)
    assert (rule.name, rule.count) == ("audited(quorum(0.8), 5)", 5)


def proposals(n: int) -> list[Message[Proposal]]:
    return asked(Vote(), 1, CONTENT, n)[0].of(Proposal, 0)


@given(st.integers(1, 7), st.integers(0, 9), st.randoms(use_true_random=False))
@settings(max_examples=20)
def test_auditors_are_drawn_from_the_others_whatever_the_order(n: int, count: int, rng: Random) -> None:
    said = proposals(n)
    leading = rng.choice(said)
    drawn = auditors(said, leading.id, count)
    assert leading.author not in drawn
    assert len(drawn) == min(count, n - 1)
    rng.shuffle(said)
    assert auditors(said + said[:1], leading.id, count) == drawn


def test_other_answers_draw_other_auditors() -> None:
    drawn = set[frozenset[bytes]]()
    for number in range(12):
        said = asked(Vote(), number, CONTENT, 7)[0].of(Proposal, 0)
        drawn.add(frozenset(auditors(said, said[0].id, 3)))
    assert len(drawn) > 6


def test_uninvited_objections_change_nothing() -> None:
    kept, decision, _ = asked(Audit(), 7, CONTENT, 7)
    first, audits = kept.of(Proposal, 0), kept.of(Judgement, 1)
    leading = audits[0].body.verdicts[0].subjects[0]
    drawn = auditors(first, leading, 3)
    outsiders = [m for m in first if m.author not in drawn]
    bad = Judgement(round=1, verdicts=(Verdict((leading,), (0,), "no"),))
    uninvited = [Message(m.id, m.author, bad, 9, None, (), 9, 0, m.swarm, m.channel) for m in outsiders]
    again = Audited()(first, [*audits, *uninvited], {})
    assert (again.key, again.notes) == (decision.key, ())


def test_the_last_version_of_each_counts_when_the_swarm_thinks_again() -> None:
    kept, decision, _ = asked(Audit(), 7, OBJECTING)
    second = kept.of(Proposal, 1)
    assert decision.key == majority(second, (), {}).key
    assert last_versions([*second, *kept.of(Proposal, 0)]) == tuple(sorted(second))


@pytest.mark.parametrize(
    ("messages", "audits", "again"), [(5, False, False), (10, True, False), (15, True, True), (20, True, True)]
)
def test_a_budget_of_messages_buys_the_audit_first_then_thinking_again(
    messages: int, audits: bool, again: bool
) -> None:
    kept, decision, _ = asked(Audit(), 7, OBJECTING, budget=Budget(messages=messages))
    assert (bool(kept.of(Judgement, 1)), bool(kept.of(Proposal, 1))) == (audits, again)
    assert decision.key is not None
    if audits and not again:
        assert any("nobody could think again" in note for note in decision.notes)


def test_two_peers_audit_each_other_and_one_alone_just_answers() -> None:
    kept, _, _ = asked(Audit(), 1, CONTENT, 2)
    assert len(kept.of(Judgement, 1)) == 1
    first = kept.of(Proposal, 0)[:1]
    assert Audited()(first, (), {}).key == first[0].body.key
    assert Audited()((), (), {}).status == "undecided"


def test_a_silent_auditor_costs_one_wait_more_and_counts_as_content() -> None:
    run = simulate(Audit(patience_s=30), "2+2?", peers=4, seed=4, faults=[Silent("p3")])
    assert len({decision.id for decision in run.honest}) == 1
    assert run.virtual_s < 91


def test_options_that_make_no_sense_are_refused() -> None:
    with pytest.raises(UsageError, match="at least one auditor"):
        Audit(auditors=0)
    with pytest.raises(UsageError, match="needs them of all"):
        Audit(decide=borda)
    assert Audited(confidence_vote).needs == {"confidence"}
