"""First answers that nobody can copy: committed to by all before any is shown, and counted only where that was kept."""

from __future__ import annotations

from collections.abc import Mapping
from random import Random
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from waggledance import Swarm
from waggledance.core import (
    UNIT,
    Channel,
    Decision,
    Message,
    Opening,
    PeerId,
    Proposal,
    Question,
    Seat,
    UsageError,
    local_peer_id,
    swarm_id,
)
from waggledance.network import Lie, Silent, Simulated, Slow
from waggledance.protocols import (
    AskProtocol,
    Bargaining,
    ConfidenceDebate,
    Debate,
    Institution,
    NestSite,
    OutlinePaths,
    PeerRanking,
    Refinement,
    Reveal,
    RoundTable,
    Sealed,
    Society,
    Vote,
    as_opened,
    by_name,
    check_spelled,
    commitment_of,
    opened,
    spelled,
)
from waggledance.testing import Opinionated, check_protocol, simulate

ALL = [Vote(), Debate(rounds=1), ConfidenceDebate(rounds=1), RoundTable(rounds=1), Society("01"), OutlinePaths(),
       PeerRanking(), Refinement(), NestSite(), Bargaining()]  # fmt: skip
NAMES = ("a", "b", "c", "d")
IDS = {name: local_peer_id(name) for name in NAMES}
WEIGHTS = dict.fromkeys(IDS.values(), UNIT)
PARK = Question(text="What for the park?", expects="package", options=("a pond", "a lawn", "swings"), spend=2)


def asked(protocol: AskProtocol) -> str | Question:
    return PARK if isinstance(protocol, Bargaining) else "2+2?"


def nonce(name: str) -> bytes:
    return name.encode() * 16


class Table:
    """A channel in which each step is written by hand."""

    def __init__(self) -> None:
        self.channel = Channel(swarm_id("s"), "q")
        self.commitments: list[Message[Any]] = []
        self.reveals: list[Message[Any]] = []
        self.proposals: list[Message[Any]] = []

    def commits(self, name: str, key: str) -> Message[Any]:
        body = commitment_of("q", IDS[name], nonce(name), Proposal(key=key))
        self.commitments.append(self.channel.publish(IDS[name], body, [], 0))
        return self.commitments[-1]

    def reveals_to(self, name: str, key: str, seen: list[Message[Any]], *, by: str = "") -> None:
        body = Reveal(nonce=nonce(by or name), seen=tuple(m.id for m in seen))
        self.reveals.append(self.channel.publish(IDS[name], body, [], 0))
        self.proposals.append(self.channel.publish(IDS[name], Proposal(key=key), [], 0))

    def keys(self) -> list[str]:
        found = opened(self.commitments, self.reveals, self.proposals, WEIGHTS)
        return sorted(m.body.key for m in self.proposals if m.id in found.counted)

    def faults(self) -> Mapping[PeerId, str]:
        return opened(self.commitments, self.reveals, self.proposals, WEIGHTS).faults


def test_answers_that_were_committed_to_and_known_to_the_others_count() -> None:
    table = Table()
    sealed = [table.commits(name, name) for name in NAMES]
    for name in NAMES:
        table.reveals_to(name, name, sealed)
    assert table.keys() == ["a", "b", "c", "d"]
    assert not table.faults()


def test_an_answer_that_is_not_what_was_committed_to_is_a_fault() -> None:
    table = Table()
    sealed = [table.commits(name, name) for name in NAMES]
    for name in NAMES:
        table.reveals_to(name, "a" if name == "d" else name, sealed)
    assert table.keys() == ["a", "b", "c"]
    assert table.faults() == {IDS["d"]: "answered something else than it had committed to"}


def test_a_commitment_that_was_copied_binds_nobody_else() -> None:
    table = Table()
    sealed = [table.commits(name, name) for name in NAMES[:3]]
    copied = table.channel.publish(IDS["d"], sealed[0].body, [], 0)
    table.commitments.append(copied)
    for name in NAMES[:3]:
        table.reveals_to(name, name, [*sealed, copied])
    table.reveals_to("d", "a", sealed, by="a")  # with the nonce that a has shown
    assert table.keys() == ["a", "b", "c"]
    assert IDS["d"] in table.faults()


def test_a_second_answer_beside_the_one_committed_to_is_a_fault_and_neither_counts() -> None:
    table = Table()
    sealed = [table.commits(name, name) for name in NAMES]
    for name in NAMES:
        table.reveals_to(name, name, sealed)
    table.proposals.append(table.channel.publish(IDS["d"], Proposal(key="a"), [], 0))
    assert table.keys() == ["a", "b", "c"]


@pytest.mark.parametrize(("knew", "counts"), [(0, False), (1, False), (2, True), (3, True)])
def test_who_commits_when_answers_can_be_read_counts_only_if_half_the_others_had_known_it_before(
    knew: int, counts: bool
) -> None:
    table = Table()
    sealed = [table.commits(name, name) for name in NAMES[:3]]
    late = table.commits("d", "a")
    for i, name in enumerate(NAMES[:3]):
        table.reveals_to(name, name, [*sealed, late] if i < knew else sealed)
    table.reveals_to("d", "a", [*sealed, late])
    assert table.keys() == (["a", "a", "b", "c"] if counts else ["a", "b", "c"])
    assert not table.faults()


def test_who_answers_without_a_commitment_is_at_fault_and_who_never_answers_is_not() -> None:
    table = Table()
    sealed = [table.commits(name, name) for name in NAMES[:3]]
    for name in NAMES[:2]:
        table.reveals_to(name, name, sealed)
    table.proposals.append(table.channel.publish(IDS["d"], Proposal(key="a"), [], 0))
    found = opened(table.commitments, table.reveals, table.proposals, WEIGHTS)
    assert found.faults == {IDS["d"]: "answered without having committed to an answer"}
    assert found.hidden == {IDS["c"]}
    assert table.keys() == ["a", "b"]


def test_what_guests_without_weight_say_they_knew_counts_for_nothing() -> None:
    table = Table()
    sealed = [table.commits(name, name) for name in ("a", "b", "c")]
    late = table.commits("d", "a")
    for name in ("a", "b", "c"):
        table.reveals_to(name, name, [*sealed, late] if name == "c" else sealed)
    table.reveals_to("d", "a", [])
    weights = {**WEIGHTS, IDS["c"]: 0}
    found = opened(table.commitments, table.reveals, table.proposals, weights)
    assert found.late == {IDS["d"]}


def test_one_liar_of_three_who_says_it_knew_nothing_shuts_nobody_out() -> None:
    table = Table()
    sealed = [table.commits(name, name) for name in ("a", "b", "d")]
    for name in ("a", "b"):
        table.reveals_to(name, name, sealed)
    table.reveals_to("d", "d", [])
    assert table.keys() == ["a", "b", "d"]


@settings(max_examples=60)
@given(st.randoms(use_true_random=False), st.lists(st.sampled_from(["plain", "late", "false", "hidden", "open"]),
                                                   min_size=4, max_size=4))  # fmt: skip
def test_what_counts_is_a_function_of_the_set(rng: Random, ways: list[str]) -> None:
    table = Table()
    sealed = [table.commits(n, n) for n, way in zip(NAMES, ways, strict=True) if way not in ("late", "open")]
    for name, way in zip(NAMES, ways, strict=True):
        if way == "late":
            table.commits(name, name)
        if way == "open":
            table.proposals.append(table.channel.publish(IDS[name], Proposal(key="x"), [], 0))
        elif way != "hidden":
            table.reveals_to(name, "x" if way == "false" else name, sealed)
    first = opened(table.commitments, table.reveals, table.proposals, WEIGHTS)
    for said in (table.commitments, table.reveals, table.proposals):
        rng.shuffle(said)
    assert opened(table.commitments, table.reveals, table.proposals, WEIGHTS) == first
    assert first.faults.keys() == {IDS[n] for n, w in zip(NAMES, ways, strict=True) if w in ("false", "open")}
    assert first.hidden == {IDS[n] for n, w in zip(NAMES, ways, strict=True) if w == "hidden"}


@pytest.mark.parametrize("protocol", ALL, ids=lambda p: p.name)
async def test_where_all_keep_the_seal_the_decision_is_the_same_as_without_it(protocol: AskProtocol) -> None:
    peers = [Opinionated(f"p{i}") for i in range(5)]
    plain = await Swarm(peers, protocol=protocol, seed=3).ask(asked(protocol))
    sealed = await Swarm(peers, protocol=Sealed(protocol), seed=3).ask(asked(protocol))
    if not isinstance(protocol, NestSite | PeerRanking | Refinement | Bargaining):  # these draw by ids or by luck
        assert (sealed.key, sealed.support) == (plain.key, plain.support)
    assert sealed.status == "decided"
    assert sealed.silent == ()
    assert not any("does not count" in note for note in sealed.notes)


@pytest.mark.parametrize("protocol", [p for p in ALL if not isinstance(p, Bargaining)], ids=lambda p: p.name)
def test_a_sealed_protocol_keeps_the_laws_of_protocols(protocol: AskProtocol) -> None:
    check_protocol(Sealed(protocol))


def test_in_the_simulator_who_shows_another_answer_than_committed_is_left_out_and_named() -> None:
    run = simulate(Sealed(Debate(rounds=1, patience_s=30)), "2+2?", peers=5, seed=7, faults=[Lie("p3", "99")])
    for decision in run.decisions.values():
        assert "99" not in decision.support
        assert any(note.startswith("p3 answered something else") for note in decision.notes)
    plain = simulate(Debate(rounds=1, patience_s=30), "2+2?", peers=5, seed=7, faults=[Lie("p3", "99")])
    assert all("99" in decision.support for decision in plain.decisions.values())


def test_who_says_nothing_costs_one_patience_and_who_is_too_slow_does_not_count() -> None:
    swarm = Swarm([Opinionated(f"p{i}") for i in range(5)], protocol=Sealed(Vote(patience_s=30)),
                  network=Simulated(seed=3, faults=[Silent("p1")]))  # fmt: skip
    decision = swarm.ask_sync("2+2?")
    assert [decision.name(peer) for peer in decision.silent] == ["p1"]
    assert 30 <= decision.seconds < 35
    network = Simulated(seed=3, faults=[Slow("p1", 100.0)])
    slow = Swarm(swarm.peers, protocol=Sealed(Vote(patience_s=30)), network=network).ask_sync("2+2?")
    assert slow.status == "decided"
    assert "p1" in {slow.name(peer) for peer in slow.silent}


def test_protocols_with_several_first_answers_or_offices_cannot_be_sealed() -> None:
    for protocol in (Vote(samples=2), ConfidenceDebate(drafts=2), Institution("shogunate"), Sealed(Vote())):
        with pytest.raises(UsageError, match="seal"):
            Sealed(protocol)


def test_a_sealed_protocol_goes_by_its_name_with_a_word_before_it() -> None:
    made = by_name("sealed debate(rounds=3)", patience_s=7)
    assert made == Sealed(Debate(rounds=3, patience_s=7))
    name, topology, rule = spelled(made)
    assert (name, topology, rule) == ("sealed debate(rounds=3, patience_s=7)", "complete", "majority")
    check_spelled(made)
    opening = Opening(question=Question(text="?"), members=(), protocol=name, topology=topology, rule=rule)
    assert as_opened(opening) == made
    assert as_opened(msgspec.structs.replace(opening, rule="confidence")) != made


async def test_a_function_can_be_sealed_too() -> None:
    async def bare(seat: Seat) -> Decision:
        return await Vote()(seat)

    decision = await Swarm([Opinionated("a"), Opinionated("b")], protocol=Sealed(bare)).ask("2+2?")
    assert decision.status == "decided"
