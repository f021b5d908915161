"""When something happens, one peer plans again, once for all that happened, and only what nobody has begun changes."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from waggledance import NobodyAnswered
from waggledance.core import RunFailed, UsageError
from waggledance.network import Constant, Crash
from waggledance.tasks import (
    Add,
    AnotherWay,
    Atomic,
    Cause,
    Claim,
    Claiming,
    Drop,
    FailedTask,
    Link,
    NewFact,
    Op,
    Parts,
    Plan,
    Planned,
    PlanResult,
    Replace,
    Replanned,
    Result,
    Revision,
    SparePeer,
    Task,
    TaskId,
    Work,
    causes_of,
    replan_task,
)
from waggledance.tasks._task import REPLAN
from waggledance.testing import Run, simulate

FAST = Claiming(in_flight=1, lease_s=20.0, stagger_s=0.2)


class Whole:
    """Leaves tasks as they are."""

    async def expand(self, work: Work) -> Atomic | Parts:
        return Atomic()

    async def aggregate(self, work: Work) -> Result:
        raise AssertionError("nothing was broken up")


async def only_another_way(work: Work) -> Result:
    await asyncio.sleep(2)
    if work.task.goal.startswith("hard") and "another way" not in work.task.goal:
        raise RunFailed("it is hard")
    return Result(f"{work.task.goal.split()[0]}({','.join(sorted(work.inputs.values()))})")


def plan_of(run: Run) -> Plan:
    return PlanResult.of(run.log).plan


def replans(run: Run) -> list[Task]:
    return [entry.task for entry in plan_of(run).entries.values() if entry.task.kind == REPLAN]


def play(ops: Sequence[Op], planner: Any, execute: Any = only_another_way, *, peers: int = 4, faults: Any = (),
         loss: float = 0.0, seed: int = 7) -> Run:  # fmt: skip
    protocol = Planned(ops=tuple(ops), planner=planner, execute=execute, claiming=FAST)
    return simulate(protocol, "Do it", peers=peers, faults=faults, loss=loss, seed=seed, delay=Constant(0.05),
                    limit_s=5_000)  # fmt: skip


def hard(n: int = 1) -> list[Op]:
    tasks = [Task(goal=f"hard{i}", tries=1) for i in range(n)]
    last = Task(goal="last")
    return [*map(Add, [*tasks, last]), *[Link(task.id, last.id) for task in tasks]]


def test_what_failed_is_replaced_and_what_waited_for_it_goes_on() -> None:
    with pytest.raises(NobodyAnswered, match="it is hard"):
        play(hard(), Whole())
    seen = play(hard(), Replanned(Whole(), AnotherWay()))
    assert seen.decision.status == "decided"
    assert seen.decision.key == "last(hard0())"


def test_everything_that_happens_within_a_window_is_one_round() -> None:
    seen = play(hard(4), Replanned(Whole(), AnotherWay(), window_s=5.0))
    assert seen.decision.key == "last(hard0(),hard1(),hard2(),hard3())"
    (task,) = replans(seen)
    assert len(causes_of(task)) == 4


def test_what_fails_again_and_again_is_planned_again_so_often_and_no_more() -> None:
    async def never(work: Work) -> Result:
        if work.task.goal == "fine":
            return Result("fine")
        raise RunFailed("no way")

    seen = play([*hard(), Add(Task(goal="fine"))], Replanned(Whole(), AnotherWay(), limit=3), never)
    assert seen.decision.status == "undecided"
    assert len(replans(seen)) == 3


def test_a_round_outlives_the_peer_that_was_at_it_and_a_fifth_of_the_messages() -> None:
    at = Counter[str]()

    async def slowly(work: Work, causes: Sequence[Cause]) -> Revision:
        at[work.seat.name] += 1
        await asyncio.sleep(6)
        return await AnotherWay()(work, causes)

    play(hard(), Replanned(Whole(), slowly))
    (first,) = at
    seen = play(hard(), Replanned(Whole(), slowly), faults=[Crash(first, at_s=6.0)])
    assert seen.decision.key == "last(hard0())"
    assert sum(at.values()) == 3
    for seed in range(3):
        assert play(hard(2), Replanned(Whole(), AnotherWay()), loss=0.2, seed=seed).decision.status == "decided"


def test_an_edit_that_is_not_legal_is_shown_to_the_next_try_and_never_published() -> None:
    shown: list[tuple[str, ...]] = []
    done = Task(goal="begun")

    async def revise(work: Work, causes: Sequence[Cause]) -> Revision:
        shown.append(work.past)
        rest = (await AnotherWay()(work, causes)).ops
        return Revision([Drop(done.id), Claim(done.id, 5), *rest])

    seen = play([*hard(), Add(done)], Replanned(Whole(), revise))
    assert [len(past) for past in shown] == [0, 1, 2]
    assert "claim: a revision adds, links, drops and replaces" in shown[1][0]
    assert "(drop): the task is " in shown[1][0]
    assert seen.decision.status == "decided"
    plan = plan_of(seen)
    assert done.id in plan.entries
    assert not [refusal for refusal in plan.refused if refusal.op in ("drop", "replace")]


def test_what_is_put_together_waits_for_a_failed_part_s_replacement_and_no_longer() -> None:
    class Parted(Whole):
        async def expand(self, work: Work) -> Atomic | Parts:
            if work.task.parent is not None:
                return Atomic()
            return Parts([Add(Task(goal=g, tries=1, parent=work.task.id, depth=1)) for g in ("hard0", "easy")])

        async def aggregate(self, work: Work) -> Result:
            return Result("+".join(sorted(work.inputs.values())))

    assert play([Add(Task(goal="all"))], Replanned(Parted(), AnotherWay())).decision.key == "easy()+hard0()"

    async def leave_it(work: Work, causes: Sequence[Cause]) -> Revision:
        return Revision([], "nothing to be done")

    assert play([Add(Task(goal="all"))], Replanned(Parted(), leave_it)).decision.text == "easy()"


def test_a_reviser_that_raises_has_failed_and_its_reason_is_kept() -> None:
    async def revise(work: Work, causes: Sequence[Cause]) -> Revision:
        raise ZeroDivisionError("one by none")

    seen = play([*hard(), Add(Task(goal="fine"))], Replanned(Whole(), revise))
    assert seen.decision.status == "undecided"
    (entry,) = [entry for entry in plan_of(seen).entries.values() if entry.task.kind == REPLAN]
    assert entry.status == "failed"
    assert entry.reasons == ("ZeroDivisionError: one by none",) * 3


def test_to_revise_the_plan_is_no_part_of_its_result() -> None:
    seen = play(hard(), Replanned(Whole(), AnotherWay()))
    assert "tasks are to be done another way" not in seen.decision.text
    assert len(plan_of(seen).goals()) == 1


def test_a_fact_that_makes_a_task_needless_takes_it_out() -> None:
    look, carry = Task(goal="look", kind="look"), Task(goal="carry")
    wait = Task(goal="wait")
    ops: list[Op] = [*map(Add, [look, carry, wait]), Link(look.id, wait.id, when="end"), Link(wait.id, carry.id)]

    async def revise(work: Work, causes: Sequence[Cause]) -> Revision:
        assert causes == (Cause("fact", look.id),)
        return Revision([Drop(carry.id)], "nothing to carry")

    async def execute(work: Work) -> Result:
        await asyncio.sleep(10)
        return Result("it is empty" if work.task == look else "done")

    planner = Replanned(Whole(), revise, triggers=(NewFact(when="has:empty"),))
    assert carry.id not in plan_of(play(ops, planner, execute)).entries
    planner = Replanned(Whole(), revise, triggers=(NewFact(when="has:full"),))
    assert carry.id in plan_of(play(ops, planner, execute)).entries


def test_a_spare_peer_calls_once_for_each_task_that_holds_others_up() -> None:
    called: list[Cause] = []

    async def revise(work: Work, causes: Sequence[Cause]) -> Revision:
        called.extend(causes)
        return Revision([])

    first, others = Task(goal="first"), [Task(goal=f"t{i}") for i in range(3)]
    ops: list[Op] = [*map(Add, [first, *others]), *[Link(first.id, other.id) for other in others]]
    play(ops, Replanned(Whole(), revise, triggers=(SparePeer(),)))
    assert called == [Cause("spare", first.id)]


@settings(max_examples=20)
@given(rng=st.randoms(use_true_random=False))
def test_the_same_messages_call_for_the_same_task(rng: Random) -> None:
    if not _LOG:
        _LOG.extend(play(hard(4), Replanned(Whole(), AnotherWay())).log)
    log = _LOG
    some = rng.sample(log, rng.randrange(len(log) + 1))
    planner = Replanned(Whole(), AnotherWay(), triggers=(FailedTask(), SparePeer(), NewFact("think")))
    a = planner.triggered(Plan.fold(some), 4)
    b = planner.triggered(Plan.fold(rng.sample(some, len(some))), 4)
    assert a == b


_LOG: list[Any] = []


def test_a_task_of_replanning_names_its_causes_and_whatever_else_it_says_is_no_cause() -> None:
    causes = {Cause("failed", TaskId(bytes([n] * 32))) for n in range(70)}
    task = replan_task(causes)
    assert causes_of(task) == tuple(sorted(causes))[:64]
    assert causes_of(Task(goal=task.goal)) == ()
    assert causes_of(Task(goal="Plan what is open again, because of:\nfailed 00\nxx\nfailed zz", kind=REPLAN)) == ()
    with pytest.raises(UsageError, match="without a cause"):
        replan_task(())


def test_numbers_out_of_range_and_unknown_conditions_are_refused() -> None:
    wrong: list[dict[str, Any]] = [{"triggers": ()}, {"window_s": float("nan")}, {"window_s": -1.0}, {"limit": 0}]
    for more in wrong:
        with pytest.raises(UsageError, match="a plan is revised by 1 trigger or more"):
            Replanned(Whole(), AnotherWay(), **more)
    with pytest.raises(UsageError, match="is no condition of a link"):
        NewFact(when="when pigs fly")


def test_what_is_replaced_keeps_its_place() -> None:
    ops = hard()
    task, last = (op.task for op in ops if isinstance(op, Add))
    assert Plan().would_refuse([*[op for op in ops if isinstance(op, Add | Link)], Drop(last.id), Drop(last.id)]) == {
        4: "the task is not in the plan"
    }
    assert Plan().would_refuse([Replace(task.id, last)]) == {0: "the task is not in the plan"}
