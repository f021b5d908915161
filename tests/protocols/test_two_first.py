"""Two try first: when they agree nobody else is asked, when not they change nothing, and any log decides it again."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from waggledance import FunctionPeer, Log, Swarm
from waggledance._replay import decide_again
from waggledance.consensus import majority
from waggledance.core import UNIT, Budget, Channel, Message, Opening, Proposal, Question, UsageError, swarm_id
from waggledance.core import local_peer_id as peer
from waggledance.network import Silent, Simulated
from waggledance.protocols import (
    AgreedFirst,
    AskProtocol,
    Audit,
    Debate,
    Institution,
    NestSite,
    PeerRanking,
    Refinement,
    Sealed,
    Tried,
    TwoFirst,
    Vote,
    agreed_on,
    as_opened,
    by_name,
    check_spelled,
    drawn,
    rule_by_name,
    spelled,
)
from waggledance.safety import builtin, check
from waggledance.tasks import Planned
from waggledance.testing import Opinionated, check_protocol, simulate

INSIDE = [Vote(patience_s=30), Vote(samples=3, stop="settled", patience_s=30), Debate(rounds=1, patience_s=30),
          PeerRanking(patience_s=30), Refinement(patience_s=30), Audit(patience_s=30), NestSite(patience_s=30),
          Institution("shogunate", patience_s=30), Sealed(Vote(patience_s=30))]  # fmt: skip
each_inside = pytest.mark.parametrize("inside", INSIDE, ids=lambda protocol: protocol.name)
WEIGHTS = {peer(name): UNIT for name in "abcde"}


class Counted:
    """Peers of which each answers as it is told to, and who was asked."""

    def __init__(self, answer: Callable[[int], str]) -> None:
        self.asked: list[int] = []
        self._answer = answer

    def peers(self, n: int = 5) -> list[FunctionPeer]:
        return [FunctionPeer(f"p{i}", self._saying(i)) for i in range(n)]

    def _saying(self, i: int) -> Callable[[str], str]:
        def say(_question: str) -> str:
            self.asked.append(i)
            return self._answer(i)

        return say


def said(tries: str, others: str) -> list[Message[Any]]:
    """Return proposals by a, b, …: first those who tried, then the others."""
    channel = Channel(swarm_id("t"), "c")
    for name, key in zip("abcde", tries, strict=False):
        channel.publish(peer(name), Tried(key=key), [], 0)
    for name, key in zip("abcde", others, strict=False):
        channel.publish(peer(name), Proposal(key=key), [], 0)
    return list(channel.messages())


async def test_where_the_two_agree_only_they_are_asked() -> None:
    counted = Counted(lambda _: "4")
    decision = await Swarm(counted.peers(), protocol=TwoFirst(Vote())).ask("2+2?", expects="number")
    assert (decision.key, len(counted.asked)) == ("4", 2)
    assert decision.support == {"4": 2 * UNIT}
    assert len(decision.silent) == 3
    assert "nobody else was asked" in decision.notes[-1]


async def test_where_they_differ_the_whole_swarm_decides_as_without_them_for_one_answer_more() -> None:
    alone = await Swarm(Counted(lambda i: str(i % 2)).peers(), protocol=Vote()).ask("?", expects="number")
    asked: set[int] = set()
    for seed in range(12):
        counted = Counted(lambda i: str(i % 2))
        swarm = Swarm(counted.peers(), protocol=TwoFirst(Vote()), seed=seed)
        decision = await swarm.ask("?", expects="number")
        asked.add(len(counted.asked))
        if len(counted.asked) == 6:
            assert (decision.key, decision.support) == (alone.key, alone.support)
            assert "did not agree" in decision.notes[-1]
    assert asked == {2, 6}


async def test_over_many_questions_everybody_is_among_the_two() -> None:
    counted = Counted(lambda _: "4")
    swarm = Swarm(counted.peers(), protocol=TwoFirst(Vote()))
    for _ in range(20):
        await swarm.ask("2+2?", expects="number")
    assert set(counted.asked) == set(range(5))


@each_inside
def test_a_protocol_with_two_first_keeps_the_laws_of_protocols(inside: AskProtocol) -> None:
    check_protocol(TwoFirst(inside), seeds=(1,))


@each_inside
async def test_the_log_decides_it_again_and_no_contract_is_broken(inside: AskProtocol, tmp_path: Path) -> None:
    rules: set[str] = set()
    with Log(tmp_path / "log.db") as log:
        swarm = Swarm([Opinionated(f"p{i}") for i in range(5)], protocol=TwoFirst(inside), log=log)
        tries: set[bool] = set()
        for seed in range(6):
            decision = await swarm.ask("2+2?", seed=seed)
            log.flush_now()
            messages = log.read(decision.channel)
            assert decide_again(messages).id == decision.id
            assert check(messages, builtin()).holds
            tries.add("nobody else" in decision.notes[-1])
            rules.add(decision.rule)
    assert tries == {True, False}
    assert all(rule.startswith("two-first(") for rule in rules)


@given(tries=st.text("xy", max_size=2), others=st.text("xyz", max_size=5), rng=st.randoms(use_true_random=False))
def test_the_rule_is_blind_to_order_and_those_who_tried_never_sway_the_others(
    tries: str, others: str, rng: Any
) -> None:
    messages = said(tries, others)
    decision = AgreedFirst()(messages, (), WEIGHTS)
    rng.shuffle(messages)
    assert AgreedFirst()(messages, (), WEIGHTS) == decision
    if others:
        alone = majority([m for m in messages if not isinstance(m.body, Tried)], (), WEIGHTS)
        assert (decision.key, decision.support) == (alone.key, alone.support)
    assert set(decision.used) == {m.id for m in messages}


def test_agreeing_takes_two_peers_and_two_equal_answers() -> None:
    assert agreed_on(said("xx", ""))
    assert not agreed_on(said("xy", ""))
    assert not agreed_on(said("x", ""))
    assert not agreed_on([])
    twice = said("x", "")
    assert not agreed_on([*twice, *twice])
    silent = Channel(swarm_id("t"), "c")
    for name in "ab":
        silent.publish(peer(name), Tried(key=None), [], 0)
    assert not agreed_on(list(silent.messages()))


def test_who_has_no_vote_is_not_drawn_and_one_voter_is_too_few() -> None:
    assert drawn("c", {**dict.fromkeys(WEIGHTS, 0), peer("a"): UNIT}) is None
    assert drawn("c", {}) is None
    two = drawn("c", {**dict.fromkeys(WEIGHTS, 0), peer("a"): UNIT, peer("b"): 1})
    assert two is not None
    assert set(two) == {peer("a"), peer("b")}


async def test_a_single_peer_and_a_budget_of_messages_go_by_the_protocol_alone() -> None:
    counted = Counted(lambda _: "4")
    one = await Swarm(counted.peers(1), protocol=TwoFirst(Vote())).ask("2+2?", expects="number")
    assert (one.key, one.rule, counted.asked) == ("4", "majority", [0])
    some = await Swarm(counted.peers(), protocol=TwoFirst(Vote())).ask(
        "2+2?", expects="number", budget=Budget(messages=20)
    )
    assert (some.key, some.rule, len(counted.asked)) == ("4", "majority", 6)


def test_one_of_the_two_who_is_silent_costs_one_patience_and_the_swarm_answers() -> None:
    two = drawn_by_name()
    run = Swarm([Opinionated(f"p{i}") for i in range(5)], network=Simulated(seed=3, faults=[Silent(two[1])]),
                protocol=TwoFirst(Vote(patience_s=30)), seed=3).ask_sync("2+2?")  # fmt: skip
    assert run.status == "decided"
    assert 30 <= run.seconds < 70
    assert two[1] in {run.name(who) for who in run.silent}


def drawn_by_name() -> list[str]:
    """Return who is drawn for the first question of a simulated swarm with seed 3."""
    run = Swarm([Opinionated(f"p{i}") for i in range(5)], network=Simulated(seed=3),
                protocol=TwoFirst(Vote()), seed=3).ask_sync("2+2?")  # fmt: skip
    two = drawn(run.channel, dict.fromkeys(run.names, UNIT))
    assert two is not None
    return [run.names[who] for who in two]


def test_it_goes_by_its_protocols_name_with_a_word_before_it() -> None:
    made = by_name("two-first sealed debate(rounds=3)", patience_s=7)
    assert made == TwoFirst(Sealed(Debate(rounds=3, patience_s=7)))
    name, topology, rule = spelled(made)
    assert (name, rule) == ("two-first sealed debate(rounds=3, patience_s=7)", "two-first(majority)")
    check_spelled(made)
    opening = Opening(question=Question(text="?"), members=(), protocol=name, topology=topology, rule=rule)
    assert as_opened(opening) == made
    other = msgspec.structs.replace(opening, rule="two-first(confidence)")
    assert as_opened(other) != made
    assert rule_by_name("two-first(quorum(0.8))").name == "two-first(quorum(0.8))"  # type: ignore[attr-defined]  # pyright: ignore


def test_what_has_no_single_answer_and_what_asks_two_first_already_is_refused() -> None:
    for make in (lambda: TwoFirst(TwoFirst(Vote())), lambda: TwoFirst(Planned()), lambda: Sealed(TwoFirst(Vote()))):
        with pytest.raises(UsageError, match="protocol"):
            make()


def test_in_the_simulator_all_honest_peers_decide_alike() -> None:
    run = simulate(TwoFirst(Debate(rounds=1, patience_s=30)), "2+2?", peers=5, seed=7, faults=[Silent("p3")])
    assert len({decision.key for decision in run.honest}) == 1
