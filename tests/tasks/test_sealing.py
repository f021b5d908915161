"""What peers at work on a plan seal: by a majority, in turns, and nothing where too few are left to agree."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from waggledance.core import PeerId, UsageError
from waggledance.network import Constant, Crash
from waggledance.tasks import Add, Claiming, Planned, PlanResult, PlanSeal, Result, SealBacking, Task, Work
from waggledance.tasks._sealing import SEAL_EVERY, sealing_order
from waggledance.testing import Run, simulate

LEASE_S = 20.0


async def work_a_while(work: Work) -> Result:
    await asyncio.sleep(4)
    return Result("so")


def run(n: int, *, peers: int = 5, **more: Any) -> Run:
    quorum = more.pop("seal_quorum", None)
    claiming = Claiming(in_flight=4, lease_s=LEASE_S, stagger_s=0.2)
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


@pytest.mark.parametrize("quorum", [0, 2, 6])
def test_a_quorum_of_less_than_a_majority_or_of_more_than_there_are_is_refused(quorum: int) -> None:
    with pytest.raises(UsageError, match=rf"3 to 5 of 5 members, got a quorum of {quorum}"):
        run(1, seal_quorum=quorum)
