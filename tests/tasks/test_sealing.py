"""What peers at work on a plan seal: by a majority, in turns, and nothing where too few are left to agree."""

from __future__ import annotations

import asyncio
from itertools import combinations
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from waggledance.core import (
    UNIT,
    Budget,
    Channel,
    LoopClock,
    Message,
    MessageId,
    Meter,
    PeerId,
    Question,
    Seat,
    Table,
    UsageError,
    local_peer_id,
    swarm_id,
)
from waggledance.network import Constant, Crash, Partition
from waggledance.tasks import Add, Claiming, Plan, Planned, PlanResult, PlanSeal, Result, SealBacking, Task, Work
from waggledance.tasks._sealing import SEAL_EVERY, Sealing, sealing_order
from waggledance.testing import Opinionated, Run, simulate

LEASE_S = 20.0


async def work_a_while(work: Work) -> Result:
    await asyncio.sleep(4)
    return Result("so")


def run(n: int, *, peers: int = 5, **more: Any) -> Run:
    quorum = more.pop("seal_quorum", None)
    claiming = Claiming(in_flight=4, lease_s=more.pop("lease_s", LEASE_S), stagger_s=0.2)
    ops = tuple(Add(Task(goal=f"t{i}")) for i in range(n))
    planned = Planned(ops=ops, execute=work_a_while, claiming=claiming, seal_quorum=quorum)
    return simulate(planned, "Do it", peers=peers, seed=5, delay=Constant(0.05), limit_s=5_000, **more)


def first_in_turn(seen: Run, number: int = 0) -> PeerId:
    plan = PlanResult.of(seen.log)
    return sealing_order(plan.channel, number, tuple(plan.names))[0]


def test_a_seal_counts_for_every_so_many_tasks_that_are_over_and_all_copies_fold_alike() -> None:
    seen = run(3 * SEAL_EVERY + 9)
    plan = PlanResult.of(seen.log).plan
    assert plan.sealed >= 2
    assert plan.complete
    written = [m for m in seen.log if isinstance(m.body, PlanSeal)]
    assert {m.author for m in written if m.body.number == 0} == {first_in_turn(seen)}
    assert len({d.key for d in seen.honest}) == 1


def test_another_peer_seals_when_the_one_whose_turn_it_is_is_dead() -> None:
    names = PlanResult.of(run(1).log).names
    whole = run(3 * SEAL_EVERY)
    dead = names[first_in_turn(whole)]
    seen = run(8 * SEAL_EVERY, faults=[Crash(dead, at_s=1.5)])
    plan = PlanResult.of(seen.log).plan
    assert plan.complete
    assert plan.sealed >= 1
    assert all(names[m.author] != dead for m in seen.log if isinstance(m.body, PlanSeal | SealBacking))


def test_two_of_five_seal_nothing_and_work_goes_on() -> None:
    seen = run(4 * SEAL_EVERY, faults=[Crash(f"p{n}", at_s=1.5) for n in range(3)])
    plan = PlanResult.of(seen.log).plan
    assert plan.complete
    assert any(isinstance(m.body, PlanSeal) for m in seen.log)
    assert plan.sealed == 0


def test_a_plan_that_asks_for_all_is_sealed_by_all_and_not_without_one_that_is_dead() -> None:
    assert PlanResult.of(run(2 * SEAL_EVERY, seal_quorum=5).log).plan.sealed >= 1
    seen = run(2 * SEAL_EVERY, seal_quorum=5, faults=[Crash("p1", at_s=0.5)])
    assert PlanResult.of(seen.log).plan.sealed == 0


def test_members_that_sealed_apart_agree_again_when_they_hear_each_other(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("waggledance.tasks._sealing.SEAL_EVERY", 8)
    apart = [Partition(pair, from_s=0.5, until_s=40.0) for pair in (("p0", "p1"), ("p2", "p3"))]
    seen = run(150, faults=apart, lease_s=5.0)
    plan = PlanResult.of(seen.log).plan
    first = [m for m in seen.log if isinstance(m.body, PlanSeal) and m.body.number == 0]
    assert len(first) >= 2  # written apart, none by a quorum
    assert any(m.body.round for m in seen.log if isinstance(m.body, SealBacking))  # so in a later epoch
    assert plan.sealed >= 2
    assert plan.complete


class Apart:
    """Members of one plan, each with a copy of its own, who vote on seals and hear each other when they are told to."""

    def __init__(self, n: int) -> None:
        self.now, opening = 0.0, Question(text="?")
        self.peers = [local_peer_id(f"p{i}") for i in range(n)]
        table = Table(opening, tuple(self.peers), {}, dict.fromkeys(self.peers, UNIT), 0)
        self.copies = [Channel(swarm_id("test"), "plan") for _ in self.peers]
        clock = LoopClock()
        self.seats = [
            Seat(me=me, peer=Opinionated("p"), table=table, channel=copy, clock=clock, meter=Meter(Budget(), clock))
            for me, copy in zip(self.peers, self.copies, strict=True)
        ]
        self.news = [seat.listen() for seat in self.seats]
        self.plans = [Plan(self.peers) for _ in self.peers]
        self.sealing = [Sealing(seat, LEASE_S, None) for seat in self.seats]

    def hear(self, i: int, j: int, most: int | None = None) -> None:
        """Let a member hear what another holds, or of what is new the earliest so many messages."""
        for message in [m for m in self.copies[j].messages() if m.id not in self.copies[i]][:most]:
            self.copies[i].add(message, b"")

    def restart(self, i: int) -> None:
        """Let a member forget all but what is in its copy."""
        self.sealing[i] = Sealing(self.seats[i], LEASE_S, None)

    def votes_of(self, i: int) -> list[Message[SealBacking]]:
        """Return what a member has voted, by its own copy, in the order in which it did."""
        said = [m for m in self.copies[i].messages() if m.author == self.peers[i]]
        return [m for m in said if isinstance(m.body, SealBacking)]

    async def turn(self, i: int) -> None:
        self.plans[i].take(await self.news[i].next(0.0))
        await self.sealing[i].turn(self.plans[i], self.now, ended=False)
        self.plans[i].take(await self.news[i].next(0.0))

    def chains(self) -> list[list[MessageId]]:
        """Return what counts by every copy, by all of them together, and by every two."""
        sets = [copy.messages() for copy in self.copies]
        sets += [(*a, *b) for a, b in combinations(sets, 2)]
        sets.append(tuple(message for each in sets[: len(self.copies)] for message in each))
        plans = [Plan.fold(messages, self.peers) for messages in sets]
        return [[seal.id for seal in plan.seals] for plan in plans]


async def schedule(apart: Apart, rng: Random, steps: int) -> None:
    """Let members hear some of what others said, vote, wait and forget, in an order by luck."""
    n, hears = len(apart.peers), rng.choice((0.15, 0.3, 0.6))
    for _ in range(steps):
        i, luck = rng.randrange(n), rng.random()
        if luck < hears:
            apart.hear(i, rng.randrange(n), rng.choice((1, 2, None)))
        elif luck < 0.9:
            await apart.turn(i)
        elif luck < 0.97:
            apart.now += rng.choice((5, 30, 100, 300))
        else:
            apart.restart(i)


@pytest.fixture
def always_due(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a seal be due as soon as the one before it counts."""
    monkeypatch.setattr("waggledance.tasks._sealing.SEAL_EVERY", 0)


@pytest.mark.usefixtures("always_due")
@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(n=st.integers(2, 5), seed=st.integers(0, 10**6), dead=st.integers(0, 1))
def test_whoever_hears_whom_there_is_one_chain_and_a_majority_that_hears_each_other_goes_on_with_it(
    n: int, seed: int, dead: int
) -> None:
    async def main() -> None:
        apart = Apart(n)
        await schedule(apart, Random(seed), 80 * n)
        chains, alive = apart.chains(), range(dead if n > 2 else 0, n)
        before = max(map(len, chains))
        for _ in range(30):
            apart.now += LEASE_S
            for i in alive:
                for j in alive:
                    apart.hear(i, j)
                await apart.turn(i)
        chains += apart.chains()
        longest = max(chains, key=len)
        assert all(chain == longest[: len(chain)] for chain in chains)
        assert min(apart.plans[i].sealed for i in alive) >= before + 3

    asyncio.run(main())


def seal_and_votes(apart: Apart, author: int, backers: tuple[int, ...], epoch: int = 0) -> Message[PlanSeal]:
    """Let a member seal nothing much, and others back it in an epoch, each in its own copy."""
    body = PlanSeal(number=0, after=None, quorum=3)
    seal = apart.copies[author].publish(apart.peers[author], body, [], author)
    for i in backers:
        apart.copies[i].add(seal, b"")
        apart.copies[i].publish(apart.peers[i], SealBacking(seal=seal.id, round=epoch), [seal], 0)
    return seal


@pytest.mark.usefixtures("always_due")
async def test_who_is_locked_to_a_seal_backs_that_one_whatever_most_others_back() -> None:
    apart = Apart(5)
    seal = seal_and_votes(apart, 0, (1, 2))
    for i in (1, 2):
        apart.hear(0, i)
    await apart.turn(0)
    assert [(m.body.seal, m.body.round) for m in apart.votes_of(0) if m.body.firm] == [(seal.id, 0)]
    other = seal_and_votes(apart, 3, (4,), epoch=1)
    for i in (1, 2):
        apart.copies[i].add(other, b"")
        apart.copies[i].publish(apart.peers[i], SealBacking(seal=other.id, round=2), [other], 0)
    for i in (1, 2, 3, 4):
        apart.hear(0, i)
    for _ in range(3):
        apart.now += 10 * LEASE_S
        await apart.turn(0)
    assert apart.plans[0].seal_votes.support(other.id) > apart.plans[0].seal_votes.support(seal.id)
    assert max(m.body.round for m in apart.votes_of(0)) > 0
    assert {m.body.seal for m in apart.votes_of(0)} == {seal.id}


@pytest.mark.usefixtures("always_due")
async def test_who_has_gone_on_to_an_epoch_backs_nothing_firmly_of_one_before() -> None:
    apart = Apart(5)
    first = seal_and_votes(apart, 0, (1, 2))
    other = seal_and_votes(apart, 3, (4,))
    apart.hear(3, 4)
    apart.hear(3, 0)
    for _ in range(2):  # three have voted, and no two more have come in a lease
        await apart.turn(3)
        apart.now += 2 * LEASE_S
    assert [(m.body.seal, m.body.round, m.body.firm) for m in apart.votes_of(3)] == [(other.id, 1, False)]
    for i in (1, 2):
        apart.hear(3, i)
    for _ in range(3):
        await apart.turn(3)
        apart.now += 10 * LEASE_S
    assert not any(m.body.firm for m in apart.votes_of(3))
    assert apart.plans[3].seal_votes.lock() == (0, first.id)


@pytest.mark.parametrize("quorum", [0, 2, 6])
def test_a_quorum_of_less_than_a_majority_or_of_more_than_there_are_is_refused(quorum: int) -> None:
    with pytest.raises(UsageError, match=rf"3 to 5 of 5 members, got a quorum of {quorum}"):
        run(1, seal_quorum=quorum)
