"""What one peer hears of a round, by a plan."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from random import Random
from typing import TypeVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from waggledance import Budget, FunctionPeer, Swarm
from waggledance.consensus import majority
from waggledance.core import (
    Body,
    Decision,
    Message,
    Note,
    PeerId,
    Proposal,
    Seat,
    UsageError,
    after,
    everyone,
    local_peer_id,
    swarm_id,
)
from waggledance.core._message import compose
from waggledance.network import Silent, Simulated
from waggledance.protocols._hearing import hear, heard_through, spokesman
from waggledance.protocols._reading import tokens_read
from waggledance.testing import Opinionated, Run, simulate
from waggledance.topology import Complete, Hearing, Hyperedge, KRegular, Ring, Star, Topology, heard_in

ME, ANN, BOB, CAT = (local_peer_id(name) for name in ("me", "ann", "bob", "cat"))
B = TypeVar("B", bound=Body)
NAMES = {local_peer_id(name): name for name in ("me", "ann", "bob", "cat")}
ALL = frozenset(NAMES)


def write(author: PeerId, body: B) -> Message[B]:
    message, _ = compose(
        author=author, body=body, sequence=1, previous=None, parents=(), lamport=1, wall_ms=0,
        swarm=swarm_id("test"), channel="q",
    )  # fmt: skip
    return message


def round_of(round: int, **answers: str) -> list[Message[Proposal]]:
    return [
        write(local_peer_id(name), Proposal(round=round, key=key, text=f"{name} in round {round} gives {key}"))
        for name, key in answers.items()
    ]


SAID = round_of(0, me="4", ann="4", bob="5", cat="5")
NEW = round_of(1, ann="7", bob="8")


def told(plan: Hearing, me: PeerId = ME, new: Sequence[Message[Proposal]] = NEW) -> Mapping[str, str]:
    """Return what a peer reads of whom."""
    return {NAMES[m.author]: m.body.text for m in heard_through(plan, me, SAID, new, round=0, seed=0)}


def edge(speakers: Sequence[PeerId], listeners: Sequence[PeerId], **rest: int) -> Hyperedge:
    return Hyperedge(frozenset(speakers), frozenset(listeners), **rest)  # type: ignore[arg-type]


@pytest.mark.parametrize("topology", [Complete(), Ring(), Star(), KRegular(2)])
@given(seed=st.integers(0, 99))
def test_a_plan_of_whole_texts_is_heard_as_the_fast_way_hears_it(topology: Topology, seed: int) -> None:
    plan = topology.plan(0, tuple(ALL), SAID, seed)
    for me in ALL:
        assert {m.author for m in heard_through(plan, me, SAID, round=0, seed=seed)} == heard_in(plan, me)


def test_a_later_layer_hears_the_new_words_of_earlier_ones() -> None:
    plan = (edge([ANN], [BOB], layer=1), edge([ANN, BOB, CAT], [ME], layer=2))
    assert told(plan, BOB) == {"ann": "ann in round 1 gives 7"}
    assert told(plan) == {
        "ann": "ann in round 1 gives 7", "bob": "bob in round 1 gives 8", "cat": "cat in round 0 gives 5"
    }  # fmt: skip


def test_those_of_one_layer_hear_each_others_last_words() -> None:
    plan = (edge([ANN, BOB], [ANN, BOB], layer=1), edge([CAT], [ANN, BOB], layer=1))
    assert told(plan, ANN) == {"bob": "bob in round 0 gives 5", "cat": "cat in round 0 gives 5"}


def test_words_that_did_not_come_in_time_are_the_last_ones() -> None:
    assert told((edge([ANN], [ME], layer=1),), new=()) == {"ann": "ann in round 0 gives 4"}


def test_texts_to_be_judged_are_not_answered_to() -> None:
    assert told((Hyperedge(ALL, ALL, mode="judge"),)) == {}


def test_what_is_heard_whole_takes_nothing_from_another_edges_budget() -> None:
    size = tokens_read([m for m in SAID if m.author == BOB])
    plan = (edge([ANN, BOB], [ME], budget_tokens=size), edge([ANN], [ME]))
    assert told(plan) == {"ann": "ann in round 0 gives 4", "bob": "bob in round 0 gives 5"}


@given(budget=st.integers(0, 80), seed=st.integers(0, 20), rng=st.randoms(use_true_random=False))
def test_a_budget_holds_in_any_order_of_arrival(budget: int, seed: int, rng: Random) -> None:
    plan = (Hyperedge(ALL, ALL, budget_tokens=budget),)
    heard = heard_through(plan, ME, SAID, round=0, seed=seed)
    again = heard_through(plan, ME, rng.sample(SAID, k=len(SAID)), round=0, seed=seed)
    assert tokens_read(heard) <= budget
    assert [(m.id, m.body) for m in heard] == [(m.id, m.body) for m in again]


@pytest.mark.parametrize("wrong", [{"layer": -1}, {"budget_tokens": -1}])
def test_an_edge_below_nothing_is_refused(wrong: dict[str, int]) -> None:
    with pytest.raises(UsageError, match="-1"):
        edge([ANN], [ME], **wrong)


# -- summaries ----------------------------------------------------------------------------------------------------


def test_a_group_is_heard_as_one_who_gives_its_leading_answer_and_all_its_counts() -> None:
    group = round_of(0, ann="4", bob="5", cat="4")
    note = write(BOB, Note(about="summary", text="Two multiply, one adds."))
    spoken = spokesman(group, note)
    assert spoken is not None
    assert (spoken.id, spoken.author, spoken.body.key) == (note.id, BOB, "4")
    assert spoken.body.text == "Of 3 peers 2 answer 4, 1 answers 5. Two multiply, one adds."


@pytest.mark.parametrize("note", [None, write(BOB, Note(about="summary", text="", lapse="no answer within 3 s"))])
def test_without_words_the_shortest_text_for_the_leading_answer_stands_for_a_group(note: Message[Note] | None) -> None:
    group = [write(ANN, Proposal(key="4", text="because of many reasons")), write(CAT, Proposal(key="4", text="so")),
             write(BOB, Proposal(key="5", text="x"))]  # fmt: skip
    spoken = spokesman(group, note)
    assert spoken is not None
    assert spoken.body.text == "Of 3 peers 2 answer 4, 1 answers 5. so"
    assert spoken.id == group[1].id


@given(budget=st.integers(0, 40), words=st.text(st.sampled_from("ab \n"), max_size=80))
def test_a_summary_keeps_to_its_budget_and_never_cuts_the_answer(budget: int, words: str) -> None:
    spoken = spokesman(round_of(0, ann="42", bob="42"), write(ANN, Note(about="summary", text=words)), budget)
    assert spoken is None or (tokens_read([spoken]) <= budget and spoken.body.key == "42")
    assert (spoken is None) == (budget < 1)


def test_ties_in_a_group_favour_no_answer() -> None:
    leads: list[str | None] = []
    for i in range(300):
        spoken = spokesman([_in(m, f"channel {i}") for m in round_of(0, ann="4", bob="5")], None)
        assert spoken is not None
        leads.append(spoken.body.key)
    assert 110 <= leads.count("4") <= 190, leads.count("4")  # 150 ± 4.6 s.d.


def test_a_group_without_answers_says_nothing() -> None:
    assert spokesman([], None) is None
    assert spokesman([write(ANN, Proposal(key=None, text="hm"))], None) is None


def _in(message: Message[Proposal], channel: str) -> Message[Proposal]:
    made, _ = compose(
        author=message.author, body=message.body, sequence=1, previous=None, parents=(), lamport=1, wall_ms=0,
        swarm=swarm_id("test"), channel=channel,
    )  # fmt: skip
    return made


# -- in a swarm ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Two:
    """Two halves: whole texts inside, one summary of each half for the other. A topology as a user may write it."""

    name: str = "two"

    def plan(self, round: int, roster: Sequence[PeerId], said: Sequence[Message[Proposal]], seed: int) -> Hearing:
        peers = sorted(roster)
        one, other = frozenset(peers[::2]), frozenset(peers[1::2])
        return (
            Hyperedge(one, one), Hyperedge(other, other),
            Hyperedge(one, other, mode="summary"), Hyperedge(other, one, mode="summary"),
        )  # fmt: skip

    def speakers(
        self, me: PeerId, round: int, roster: Sequence[PeerId], said: Sequence[Message[Proposal]], seed: int
    ) -> frozenset[PeerId] | None:
        return heard_in(self.plan(round, roster, said, seed), me)


@dataclass(frozen=True)
class Chain(Two):
    """One after the other, in order of ids: each hears the one before it."""

    name: str = "chain"

    def plan(self, round: int, roster: Sequence[PeerId], said: Sequence[Message[Proposal]], seed: int) -> Hearing:
        peers = sorted(roster)
        return tuple(edge([a], [b], layer=i + 1) for i, (a, b) in enumerate(pairwise(peers)))


@dataclass(frozen=True)
class Talk:
    """The least that peers who hear each other do."""

    topology: Topology
    rounds: int = 1
    patience_s: float = 30.0

    async def __call__(self, seat: Seat, /) -> Decision:
        in_time = everyone | after(self.patience_s)
        mine = await seat.publish(await seat.propose())
        for round in range(self.rounds):
            said = await seat.collect(Proposal, round, until=in_time)
            heard = hear(self.topology, seat, round, said, patience_s=self.patience_s)
            heard = heard if isinstance(heard, tuple) else await heard
            mine = await seat.publish(await seat.revise(mine, heard))
        return majority(await seat.collect(Proposal, self.rounds, until=in_time), (), seat.weights)


def notes_of(run: Run) -> list[Message[Note]]:
    return [m for m in run.log if isinstance(m.body, Note)]


def revisions(run: Run, round: int = 1) -> list[Message[Proposal]]:
    return [m for m in run.log if isinstance(m.body, Proposal) and m.body.round == round]


def test_one_of_each_half_sums_it_up_and_all_of_the_other_read_it() -> None:
    run = simulate(Talk(Two(), 2), "2+2?", peers=6)
    notes = notes_of(run)
    assert sorted(n.body.round for n in notes) == [1, 1, 2, 2]
    assert all(n.body.about == "summary" and len(n.body.refs) == 3 for n in notes)
    ids = {n.id: n for n in notes}
    for message in revisions(run):
        (read,) = [ids[ref] for ref in message.body.refs if ref in ids]
        assert message.author not in {m.author for m in run.log if m.id in read.body.refs}
        assert len(message.body.refs) == 1 + 2 + 1  # its own, two team mates, a summary
    assert run.virtual_s < 10


def test_a_writer_who_falls_silent_is_replaced_by_an_extract() -> None:
    whole = simulate(Talk(Two()), "2+2?", peers=6)
    names = whole.decision.names
    writer = names[notes_of(whole)[0].author]
    faults = [Silent(writer, from_s=0.001)]
    run = simulate(Talk(Two()), "2+2?", peers=6, faults=faults)
    assert len(notes_of(run)) == 1
    assert all(len(m.body.refs) == 4 for m in revisions(run) if names[m.author] != writer)
    assert run.virtual_s < 91


def test_peers_who_cannot_write_are_heard_by_extract_without_waiting() -> None:
    peers = [FunctionPeer(f"f{i}", lambda question: "4", revise=lambda question, mine, heard: mine) for i in range(4)]
    decision = Swarm(peers, network=Simulated(seed=1), protocol=Talk(Two(), 1)).ask_sync("2+2?")
    assert decision.key == "4"
    assert decision.seconds < 10


def test_where_messages_are_counted_nobody_writes_a_summary() -> None:
    swarm = Swarm([Opinionated(f"p{i}") for i in range(4)], network=Simulated(seed=1), protocol=Talk(Two()))
    decision = swarm.ask_sync("2+2?", budget=Budget(messages=8))
    assert len(decision.used) == 4
    assert all("spent" in note for note in decision.notes)  # and not: who had no message left
    assert decision.cost.calls == 8


def test_a_chain_speaks_in_turn_and_each_hears_the_new_words_of_the_one_before() -> None:
    run = simulate(Talk(Chain(), 1), "2+2?", peers=5)
    order = sorted(revisions(run), key=lambda m: m.author)
    for one, next_one in pairwise(order):
        assert one.id in next_one.body.refs


def test_a_chain_that_is_broken_ends_in_time() -> None:
    names = simulate(Talk(Chain()), "2+2?", peers=5).decision.names
    second = sorted(names)[1]
    faults = [Silent(names[second], from_s=0.001)]
    run = simulate(Talk(Chain()), "2+2?", peers=5, faults=faults)
    assert run.virtual_s < 91
    assert len({decision.id for decision in run.honest}) == 1
    assert {m.author for m in revisions(run)} == set(names) - {second}
