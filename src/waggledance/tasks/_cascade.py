"""Repair of a failed task by those near it: ask, take what is offered, and ask further out only when that fails.

Source: Bi 2026, "CASCADE", arXiv:2604.00451: scope that grows behind a gate, contracts, budgets. Offers become parts of
a plan here: a task in the place of the one that failed, or one put together from several peers' shares.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from typing import ClassVar

import msgspec

from waggledance.core import PeerId, Seat, UsageError
from waggledance.tasks._edit import Add, Link, Op, Replace
from waggledance.tasks._offering import Supply
from waggledance.tasks._plan import Plan
from waggledance.tasks._repair_gate import Ask, Gate, Infeasible, Repaired
from waggledance.tasks._repair_messages import RepairCancel
from waggledance.tasks._repair_net import RepairNet
from waggledance.tasks._replanning import ANOTHER_WAY, Revision
from waggledance.tasks._scope import scope
from waggledance.tasks._task import Task, TaskId
from waggledance.tasks._triggers import Cause
from waggledance.tasks._work import Work


@dataclass(frozen=True)
class Cascade:
    """A reviser that repairs failed tasks with what peers near them offer.

    Args:
        gate: how far it goes, and at what cost; the time budget is each repair's.
        amount: how many units a failed task misses, ≥ 1.
        wait_s: how long answers of one circle are waited for, > 0 s.
        settle_s: how long after a commit others' are listened for, ≥ 0 s: about what a message takes to everybody.
        supply_of: what a peer could give; nothing when None.

    Raises:
        UsageError: a number outside its range.
    """

    gate: Gate = field(default_factory=Gate)
    amount: Callable[[Task], int] = lambda _task: 1
    wait_s: float = 5.0
    settle_s: float = 0.5
    supply_of: Callable[[Seat, Task], Supply | None] | None = None

    name: ClassVar[str] = "cascade"

    def __post_init__(self) -> None:
        if not 0 < self.wait_s <= 86_400 or not 0 <= self.settle_s <= 86_400:
            raise UsageError(
                f"answers are waited for above 0 s up to a day, others' commits 0 s or more; got {self.wait_s} and "
                f"{self.settle_s}"
            )

    def supply(self, seat: Seat, task: Task) -> Supply | None:
        """Return what the peer at this seat could give."""
        return None if self.supply_of is None else self.supply_of(seat, task)

    async def __call__(self, work: Work, causes: Sequence[Cause]) -> Revision:
        """Repair the failed tasks among the causes, one after the other; say what could not be repaired, and why."""
        ops: list[Op] = []
        told: list[str] = []
        for cause in causes:
            entry = work.plan.entries.get(cause.task)
            if entry is not None and entry.status == "failed":
                made, words = await self.repair(work.seat, work.plan, entry.task)
                ops += made
                told.append(f"{entry.task}: {words}")
        return Revision(ops, "\n".join(told))

    async def repair(self, seat: Seat, plan: Plan, task: Task) -> tuple[list[Op], str]:
        """Repair one task; return the edits that put others in its place, none if it cannot be, and what happened."""
        amount, began = self.amount(task), seat.clock.now()
        net = RepairNet(seat, task.id, amount, self.wait_s)
        steps = self.gate.repair(
            amount,
            lambda hops: _near(seat, plan, task.id, hops),
            len(plan.entries) + 1,
            lambda: seat.clock.now() - began,
        )
        try:
            step = next(steps)
            while True:
                step = steps.send(
                    await net.ask(step) if isinstance(step, Ask) else await net.commit(step, self.settle_s)
                )
        except StopIteration as end:
            came: Repaired | Infeasible = end.value
        if isinstance(came, Infeasible):
            for request in net.requests[-1:]:
                await seat.publish(RepairCancel(request=request, why=came.why[:1_000]))
            return [], came.why
        shares = [(offer.amount, net.needs(offer)) for offer in came.picked]
        words = f"repaired within {came.hops} hops by {len(shares)} peers with {came.messages} messages"
        return _replacement(task, shares), words


def _near(seat: Seat, plan: Plan, task: TaskId, hops: int) -> Collection[PeerId]:
    """Return the others within so many hops; all others, beyond the last task."""
    near = frozenset(seat.roster) if hops > len(plan.entries) else scope(plan, task, hops)
    return near & frozenset(seat.roster) - {seat.me}


def _replacement(task: Task, shares: Sequence[tuple[int, tuple[str, ...]]]) -> list[Op]:
    """Return the edits that put a task into the place of another: one share's, or one made of several shares."""
    goal = f"{task.goal}\n\n{ANOTHER_WAY}"
    if len(shares) == 1:
        return [Replace(task.id, msgspec.structs.replace(task, goal=goal, needs=shares[0][1]))]
    whole = msgspec.structs.replace(task, goal=f"{goal} Put the shares together.", needs=())
    total = sum(amount for amount, _ in shares)
    parts = [
        msgspec.structs.replace(
            task, goal=f"{goal}\n\nShare {n}: {amount} of {total}.", needs=needs, checks=(), reviews=0
        )
        for n, (amount, needs) in enumerate(shares, 1)
    ]
    return [Replace(task.id, whole), *map(Add, parts), *[Link(part.id, whole.id) for part in parts]]
