"""What failed is repaired by those near it, further out only when that is not enough, and never beyond the budget."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from waggledance.core import Channel, Message, MessageId, PeerId, RunFailed, Seat, UsageError, swarm_id
from waggledance.network import Constant, Crash, Silent
from waggledance.tasks import (
    Add,
    Atomic,
    Cascade,
    Claiming,
    Gate,
    Infeasible,
    Link,
    Offered,
    Op,
    Plan,
    Planned,
    PlanResult,
    RepairCancel,
    RepairCommit,
    Repaired,
    RepairOffer,
    RepairRequest,
    Replanned,
    Result,
    Supply,
    Task,
    TaskId,
    Work,
    awarded,
    scope,
)
from waggledance.tasks._repair_gate import Ask, Commit
from waggledance.tasks._repair_messages import mark_of_request
from waggledance.testing import Run, simulate

FAST = Claiming(in_flight=1, lease_s=20.0, stagger_s=0.2)
PEERS = [PeerId(bytes([n] * 32)) for n in range(40)]


def drive(gate: Gate, stock: dict[PeerId, int], amount: int, *, lost: Sequence[PeerId] = ()) -> tuple[Any, list[Ask]]:
    """Play a repair on a line of peers, one each hop; offers of the lost ones are gone when they are taken."""
    steps = gate.repair(amount, lambda hops: PEERS[:hops], len(PEERS), lambda: 0.0)
    asked: list[Ask] = []
    try:
        step = next(steps)
        while True:
            if isinstance(step, Ask):
                asked.append(step)
                step = steps.send([Offered(p, stock.get(p, 0), key=p) for p in step.peers])
            else:
                assert isinstance(step, Commit)
                step = steps.send([offer for offer in step.picked if offer.peer in lost])
    except StopIteration as end:
        return end.value, asked


def test_the_circle_widens_only_while_what_was_offered_is_not_enough_and_says_why() -> None:
    came, asked = drive(Gate(growth=2), {PEERS[0]: 1, PEERS[2]: 1}, 2)
    assert isinstance(came, Repaired)
    assert [ask.hops for ask in asked] == [1, 2, 4]
    assert [ask.why for ask in asked] == [f"{n} of 2 units can be had" for n in (0, 1, 1)]
    assert [set(ask.peers) for ask in asked] == [set(PEERS[:1]), set(PEERS[1:2]), set(PEERS[2:4])]
    assert came.messages == 2 * 4 + 2
    assert drive(Gate(messages=10), {PEERS[0]: 1, PEERS[2]: 1}, 2)[0] == came
    assert isinstance(drive(Gate(messages=9), {PEERS[0]: 1, PEERS[3]: 1}, 2)[0], Infeasible)
    assert [ask.hops for ask in drive(Gate(growth=1), {PEERS[2]: 2}, 2)[1]] == [1, 2, 3]


def test_an_offer_that_another_was_faster_to_take_sends_the_loser_back_to_its_gate() -> None:
    came, asked = drive(Gate(), {PEERS[0]: 1, PEERS[1]: 1}, 1, lost=PEERS[:1])
    assert isinstance(came, Repaired)
    assert [offer.peer for offer in came.picked] == [PEERS[1]]
    assert len(asked) == 2


@settings(max_examples=60)
@given(
    limit=st.integers(0, 90), growth=st.integers(1, 4), amount=st.integers(1, 12), rng=st.randoms(use_true_random=False)
)
def test_no_repair_costs_more_messages_than_its_budget_and_one_that_does_not_fit_says_so(
    limit: int, growth: int, amount: int, rng: Random
) -> None:
    stock = {peer: rng.randrange(2) for peer in PEERS}
    lost = [peer for peer in PEERS if rng.random() < 0.2]
    came, asked = drive(Gate(growth=growth, messages=limit), stock, amount, lost=lost)
    assert came.messages <= limit
    assert all(ask.messages_left is not None and ask.messages_left >= 0 for ask in asked)
    if isinstance(came, Infeasible):
        assert came.why.startswith(("infeasible within budget", "infeasible: nobody is left to ask"))
    elif not lost:
        assert sum(offer.amount for offer in came.picked) >= amount


def test_time_that_is_over_is_said() -> None:
    steps = Gate(seconds=1.0).repair(1, lambda _: PEERS, 3, lambda: 1.0)
    with pytest.raises(StopIteration) as end:
        next(steps)
    assert end.value.value.why == "infeasible within budget: 1 s are over; 0 of 1 units can be had"


@pytest.mark.parametrize("wrong", [{"growth": 0}, {"messages": -1}, {"seconds": 0.0}, {"seconds": float("nan")}])
def test_numbers_out_of_range_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match="a repair's circle grows 1 to 1,000 times"):
        Gate(**wrong)
    with pytest.raises(UsageError, match="1 unit or more, got 0"):
        next(Gate().repair(0, lambda _: (), 1, lambda: 0.0))
    with pytest.raises(UsageError, match="answers are waited for"):
        Cascade(wait_s=float("nan"))
    with pytest.raises(UsageError, match="1 to 1,000 peers, got 0"):
        RepairRequest(task=TaskId(bytes(32)), amount=1, hops=1, asked=())


# -- in a plan ----------------------------------------------------------------------------------------------------


class Whole:
    async def expand(self, work: Work) -> Atomic:
        return Atomic()

    async def aggregate(self, work: Work) -> Result:
        raise AssertionError("nothing was broken up")


async def execute(work: Work) -> Result:
    await asyncio.sleep(2)
    if work.task.goal.startswith("drill") and "another way" not in work.task.goal:
        raise RunFailed("the drill broke")
    return Result(f"{work.task.goal.split()[0]}({','.join(sorted(work.inputs.values()))})")


def drills(n: int = 1) -> list[Op]:
    ops: list[Op] = []
    for i in range(n):
        drill, last = Task(goal=f"drill{i}", tries=1), Task(goal=f"last{i}")
        ops += [Add(drill), Add(last), Link(drill.id, last.id)]
    return ops


def stocked(**stock: int) -> Any:
    def supply(seat: Seat, task: Task) -> Supply | None:
        return Supply(stock[seat.name], price=len(seat.name)) if seat.name in stock else None

    return supply


def play(cascade: Cascade, ops: Sequence[Op] | None = None, *, peers: int = 6, faults: Any = (), loss: float = 0.0,
         seed: int = 7, window_s: float = 1.0) -> Run:  # fmt: skip
    planner = Replanned(Whole(), cascade, window_s=window_s)
    protocol = Planned(ops=tuple(ops or drills()), planner=planner, execute=execute, claiming=FAST)
    return simulate(protocol, "Do it", peers=peers, faults=faults, loss=loss, seed=seed, delay=Constant(0.05),
                    limit_s=5_000)  # fmt: skip


def plan_of(run: Run) -> Plan:
    return PlanResult.of(run.log).plan


def said(run: Run, kind: type[Any]) -> list[Message[Any]]:
    return [m for m in run.log if isinstance(m.body, kind)]


EVERYBODY = stocked(p0=1, p1=1, p2=1, p3=1, p4=1, p5=1)


def test_a_failed_task_is_taken_over_with_its_links_by_whoever_offered() -> None:
    seen = play(Cascade(supply_of=EVERYBODY))
    assert seen.decision.key == "last0(drill0())"
    assert len(said(seen, RepairCommit)) == 1
    assert not said(seen, RepairCancel)


def test_who_is_not_asked_stays_silent() -> None:
    seen = play(Cascade(supply_of=EVERYBODY))
    asked = {(m.id, peer) for m in said(seen, RepairRequest) for peer in m.body.asked}
    answered = {(m.body.request, m.author) for m in said(seen, RepairOffer)}
    assert answered <= asked
    assert all(m.body.round == mark_of_request(m.body.request) for m in said(seen, RepairOffer))


def test_shares_of_several_peers_become_one_result() -> None:
    seen = play(Cascade(supply_of=EVERYBODY, amount=lambda _task: 3))
    shares = [entry.task for entry in plan_of(seen).entries.values() if "Share" in entry.task.goal]
    assert len(shares) == 3
    assert seen.decision.key == "last0(drill0(drill0(),drill0(),drill0()))"


def test_what_nobody_can_repair_is_said_and_not_passed_over_in_silence() -> None:
    async def also(work: Work) -> Result:
        return Result("fine") if work.task.goal == "fine" else await execute(work)

    planner = Replanned(Whole(), Cascade(gate=Gate(messages=6), supply_of=None))
    ops = (*drills(), Add(Task(goal="fine")))
    protocol = Planned(ops=ops, planner=planner, execute=also, claiming=FAST)
    seen = simulate(protocol, "Do it", peers=6, delay=Constant(0.05), limit_s=5_000)
    assert seen.decision.status == "undecided"
    (cancel,) = said(seen, RepairCancel)
    assert cancel.body.why.startswith("infeasible within budget: 6 messages do not go further")
    replan = next(entry for entry in plan_of(seen).entries.values() if entry.task.kind == "replan")
    assert "infeasible within budget" in (plan_of(seen).result(replan.task.id) or "")
    calls_and_answers = sum(len(m.body.asked) for m in said(seen, RepairRequest)) + len(said(seen, RepairOffer))
    assert calls_and_answers <= 6


def test_two_repairs_that_want_one_spare_unit_give_it_to_one_of_them() -> None:
    ops = drills(2)
    seen = play(Cascade(supply_of=stocked(p0=1)), ops, window_s=0.0)
    won = awarded(seen.log)
    assert len(won) == 1
    assert sum(1 for e in plan_of(seen).entries.values() if "another way" in e.task.goal) == 1


@pytest.mark.parametrize("seed", range(3))
def test_a_fifth_of_the_messages_lost_and_a_dead_neighbour_do_not_keep_it_from_being_repaired(seed: int) -> None:
    seen = play(Cascade(supply_of=EVERYBODY), faults=[Crash("p1", at_s=1.0), Silent("p2")], loss=0.2, seed=seed)
    assert seen.decision.status == "decided"


def test_scope_follows_the_links_both_ways_and_nothing_else() -> None:
    seen = play(Cascade(supply_of=EVERYBODY), drills(2))
    plan = plan_of(seen)
    for id, entry in plan.entries.items():
        assert scope(plan, id, 0) == entry.claimants
        beside = {link.before for link in entry.before} | set(entry.after)
        assert scope(plan, id, 1) == frozenset().union(*(plan.entries[i].claimants for i in {id, *beside}))
    assert scope(plan, TaskId(bytes(32)), 3) == frozenset()
    assert scope(plan, next(iter(plan.entries)), -1) == frozenset()


@settings(max_examples=40)
@given(rng=st.randoms(use_true_random=False))
def test_what_is_awarded_depends_on_the_set_of_messages_and_never_exceeds_a_stock(rng: Random) -> None:
    messages = _contest(rng)
    some = rng.sample(messages, len(messages) - rng.randrange(4))
    won = awarded(some)
    assert won == awarded([*rng.sample(some, len(some)), *some[:2]])
    by_id = {m.id: m for m in some}
    taken: dict[PeerId, int] = {}
    for commit in won.values():
        for id in commit.body.offers:
            offer = by_id[MessageId(id)]
            taken[offer.author] = taken.get(offer.author, 0) + offer.body.amount
            assert taken[offer.author] <= 2
    named = [id for commit in won.values() for id in commit.body.offers]
    assert len(set(named)) == len(named)


def _contest(rng: Random) -> list[Message[Any]]:
    """Let three peers ask three others, who have two units each, and take what they like, in a random order."""
    channel = Channel(swarm_id("contest"), "contest")
    askers, suppliers = PEERS[:3], PEERS[3:6]
    made: list[Message[Any]] = []
    for asker in askers:
        body = RepairRequest(task=TaskId(bytes(32)), amount=2, hops=1, asked=tuple(suppliers))
        made.append(channel.publish(asker, body, [], 0))
    for request in made[:3]:
        for peer in suppliers:
            offer = RepairOffer(request=request.id, round=mark_of_request(request.id), amount=rng.randrange(3), stock=2)
            made.append(channel.publish(peer, offer, [request], 0))
    for _ in range(6):
        asker = rng.choice(askers)
        own = {m.id for m in made[:3] if m.author == asker or rng.random() < 0.1}
        offers = [m for m in made if isinstance(m.body, RepairOffer) and m.body.request in own]
        picked = rng.sample(offers, rng.randrange(1, 3))
        commit = RepairCommit(request=picked[0].body.request, offers=tuple([m.id for m in picked]))
        made.append(channel.publish(asker, commit, rng.sample(made, 3), 0))
        if rng.random() < 0.2:
            made.append(channel.publish(asker, RepairCancel(request=picked[0].body.request, why="enough"), [], 0))
    return made
