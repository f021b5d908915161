import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import pytest

from waggledance.consensus import Rule, confidence_bins, majority
from waggledance.core import (
    Call,
    Decision,
    Message,
    PeerId,
    Proposal,
    Seat,
    UsageError,
    everyone,
    local_peer_id,
    swarm_id,
)
from waggledance.core._message import compose
from waggledance.network import Silent
from waggledance.protocols import AskProtocol, ConfidenceDebate, Debate, RoundTable, agreed, deliberate
from waggledance.protocols._round_table import grouped
from waggledance.testing import Opinionated, simulate
from waggledance.testing._simulate import NetworkOptions
from waggledance.topology import Complete, Hearing, Hyperedge, Topology, heard_in

TALKS: list[AskProtocol] = [
    Debate(rounds=4, patience_s=30),
    ConfidenceDebate(rounds=4, patience_s=30),
    RoundTable(rounds=4, patience_s=30),
]


class Stubborn(Opinionated):
    """Says one answer, whatever it hears."""

    def __init__(self, name: str, key: str) -> None:
        super().__init__(name)
        self.key = key

    async def propose(self, call: Call) -> Proposal:
        return Proposal.of(self.key, f"I say {self.key}", confidence=0.7)

    async def revise(self, call: Call, mine: Message[Proposal], heard: Sequence[Message[Proposal]]) -> Proposal:
        return mine.body


def at_odds(n: int) -> list[Stubborn]:
    return [Stubborn(f"p{i}", str(i % 2)) for i in range(n)]


@pytest.mark.parametrize("protocol", TALKS)
def test_a_silent_peer_costs_one_patience_however_many_rounds_there_are(protocol: AskProtocol) -> None:
    run = simulate(protocol, "2+2?", peers=at_odds(5), faults=[Silent("p3")])
    assert 30 <= run.virtual_s < 31
    assert {m.body.round for m in run.log if isinstance(m.body, Proposal)} == {0, 1, 2, 3, 4}
    assert len({decision.id for decision in run.honest}) == 1


class Slow(Stubborn):
    """Takes its time."""

    def __init__(self, name: str, key: str, first_s: float) -> None:
        super().__init__(name, key)
        self.first_s = first_s

    async def propose(self, call: Call) -> Proposal:
        await asyncio.sleep(self.first_s)
        return await super().propose(call)

    async def revise(self, call: Call, mine: Message[Proposal], heard: Sequence[Message[Proposal]]) -> Proposal:
        await asyncio.sleep(20)
        return await super().revise(call, mine, heard)


@pytest.mark.parametrize("protocol", TALKS)
def test_who_missed_a_round_is_waited_for_again_once_it_has_spoken(protocol: AskProtocol) -> None:
    peers = [Slow(f"p{i}", str(i % 2), first_s=40 if i == 3 else 1) for i in range(5)]
    run = simulate(protocol, "2+2?", peers=peers)
    last = {
        m.author for m in run.log if isinstance(m.body, Proposal) and m.body.round == 4 and m.id in run.decision.used
    }
    assert len(last) == 5
    assert run.virtual_s < 31 + 10 + 4 * 21


def test_agreement_is_of_all_who_spoke_on_an_answer_and_not_on_none() -> None:
    def said(*keys: str | None) -> list[Message[Proposal]]:
        peers = [local_peer_id(f"p{i}") for i in range(len(keys))]
        return [
            compose(p, Proposal.of(k), 1, None, (), 1, 0, swarm_id("s"), "c")[0]
            for p, k in zip(peers, keys, strict=True)
        ]

    assert agreed(said("4", "4"))
    assert agreed(said("4"))
    assert not agreed(said("4", "5"))
    assert not agreed(said("4", None))
    assert not agreed(said(None, None))
    assert not agreed(said())


def test_a_debate_that_stops_when_agreed_decides_what_the_whole_one_decides_while_nobody_leaves_what_all_share() -> (
    None
):
    saved = 0
    for seed in range(12):
        whole, short = (
            simulate(Debate(rounds=4, stop=stop), "2+2?", seed=seed).decision for stop in ("never", "agreed")
        )
        assert short.key == whole.key
        fewer = whole.cost.calls - short.cost.calls
        assert (fewer > 0) == any(f"rounds of talk: {fewer} calls saved" in note for note in short.notes)
        saved += fewer
    assert saved > 0


def test_an_unknown_way_to_stop_is_refused() -> None:
    with pytest.raises(UsageError, match="stop='sometimes'"):
        Debate(stop="sometimes")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


def test_a_protocol_of_ones_own_is_deliberate_with_other_parts() -> None:
    def nothing(seat: Seat, round: int, said: Sequence[Message[Proposal]]) -> tuple[Message[Proposal], ...]:
        return ()

    async def alone(seat: Seat) -> Decision:
        return await deliberate(seat, majority, rounds=2, patience_s=30, view=nothing)

    run = simulate(alone, "2+2?", peers=3)
    rounds = [m.body for m in run.log if isinstance(m.body, Proposal)]
    assert {body.round for body in rounds} == {0, 1, 2}
    assert all(len(body.refs) == min(1, body.round) for body in rounds), "each refers to its own earlier answer alone"


@dataclass(frozen=True)
class Chain:
    """Everybody hears the one before it, in one round: the first the last round, the others what is new."""

    name: str = "chain"

    def plan(self, round: int, roster: Sequence[PeerId], said: Sequence[Message[Proposal]], seed: int) -> Hearing:
        peers = sorted(roster)
        return tuple(
            Hyperedge(frozenset({one}), frozenset({next_one}), layer=layer)
            for layer, (one, next_one) in enumerate(pairwise(peers), start=1)
        )

    def speakers(
        self, me: PeerId, round: int, roster: Sequence[PeerId], said: Sequence[Message[Proposal]], seed: int
    ) -> frozenset[PeerId] | None:
        return heard_in(self.plan(round, roster, said, seed), me)


def test_in_a_layered_plan_who_speaks_later_hears_what_is_new_in_the_round() -> None:
    run = simulate(Debate(rounds=2, topology=Chain()), "2+2?", peers=4, seed=3)
    said = {m.id: m for m in run.log if isinstance(m.body, Proposal)}
    for message in said.values():
        heard = [said[ref].body.round for ref in message.body.refs if said[ref].author != message.author]
        assert heard == (
            [message.body.round] if message.body.round and message.author != min(run.decision.names) else []
        )
    assert run.virtual_s < 5


def test_a_silent_peer_in_a_chain_costs_the_round_it_misses_and_not_every_round() -> None:
    run = simulate(Debate(rounds=3, topology=Chain(), patience_s=30), "2+2?", peers=4, faults=[Silent("p1")])
    assert run.virtual_s < 61
    assert run.decision.key is not None


@dataclass(frozen=True)
class PlainDebate:
    """Debate, written out."""

    rounds: int
    name: str = "debate"
    topology: Topology = Complete()
    decide: Rule = majority

    async def __call__(self, seat: Seat) -> Decision:
        mine = await seat.publish(await seat.propose())
        for round in range(self.rounds):
            said = await seat.collect(Proposal, round, until=everyone)
            mine = await seat.publish(await seat.revise(mine, [m for m in said if m.author != seat.me]))
        return self.decide(await seat.collect(Proposal, self.rounds, until=everyone), (), seat.weights)


@dataclass(frozen=True)
class PlainRoundTable:
    """Round table, written out."""

    rounds: int
    name: str = "round-table"
    decide: Rule = confidence_bins
    gives: frozenset[str] = frozenset({"confidence"})

    async def __call__(self, seat: Seat) -> Decision:
        mine = await seat.publish(await seat.propose())
        said = await seat.collect(Proposal, 0, until=everyone)
        for round in range(1, self.rounds + 1):
            if len({m.body.key for m in said}) == 1:
                break
            mine = await seat.publish(await seat.revise(mine, grouped(said, seat.me)))
            said = await seat.collect(Proposal, round, until=everyone)
        return self.decide(said, (), seat.weights)


@pytest.mark.parametrize("network", [{}, {"loss": 0.3, "duplicate": 0.2, "reorder": 0.3}], ids=["calm", "loss"])
@pytest.mark.parametrize(
    ("preset", "written_out"),
    [(Debate(rounds=3), PlainDebate(3)), (RoundTable(rounds=4), PlainRoundTable(4))],
    ids=["debate", "round-table"],
)
def test_a_preset_writes_the_very_bytes_of_the_protocol_written_out(
    preset: AskProtocol, written_out: AskProtocol, network: NetworkOptions
) -> None:
    for seed in range(4):
        one, other = (simulate(p, "2+2?", peers=6, seed=seed, **network) for p in (preset, written_out))
        assert one.transcript == other.transcript
        assert one.decision == other.decision
