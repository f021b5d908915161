"""Planning again while the work goes on: what calls for it, and the task that it is then.

To plan again is a task like any other, of the kind ``"replan"``: everybody derives the same one from the same plan, one
peer puts it in, whoever claims it revises what nobody has begun. Its goal names its causes, and a cause that a task
names already calls for nothing more. So many events become one round, and the rounds come to an end.

Source: Liu et al. 2025, CaPo, arXiv:2411.04679, phase 2 (progress events); Zhang et al. 2025, "UFO³",
arXiv:2511.11332, §4: one call of the planner for all events of a window.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import ClassVar, Protocol, runtime_checkable

import msgspec

from waggledance.core import NO_COST, Cost, UsageError
from waggledance.tasks._edit import Op, Replace
from waggledance.tasks._plan import Plan
from waggledance.tasks._planner import Atomic, Parts, Planner
from waggledance.tasks._task import REPLAN, Task, TaskId
from waggledance.tasks._triggers import Cause, FailedTask, Trigger
from waggledance.tasks._work import Result, Work

MAX_CAUSES = 64
"""Of one task: the rest calls for the next one."""
_BECAUSE = "Plan what is open again, because of:"
ANOTHER_WAY = "This was tried in vain: find another way."


@dataclass(frozen=True)
class Revision:
    """How the plan is to go on: edits of what nobody has begun, or of what failed; nothing, if it may stay as it is."""

    ops: Sequence[Op]
    text: str = ""
    """What was changed and why, as the re-planning's result."""
    cost: Cost = NO_COST


@runtime_checkable
class Replanning(Protocol):
    """A planner that plans again when something happens."""

    @property
    def window_s(self) -> float:
        """For how many seconds causes are gathered before one task is made of them."""
        ...

    def triggered(self, plan: Plan, peers: int, /) -> Task | None:
        """Return the task that the plan calls for; a pure function of the plan and of how many peers there are."""
        ...

    async def revise(self, work: Work, /) -> Revision:
        """Say how the plan is to go on; `work.past` has the edits of earlier tries that were not legal.

        Raises:
            RunFailed: it could not say; the try has failed.
        """
        ...


class Reviser(Protocol):
    """Says how a plan goes on after some causes."""

    async def __call__(self, work: Work, causes: Sequence[Cause], /) -> Revision: ...


@dataclass(frozen=True)
class Replanned:
    """A planner whose plans are revised when something calls for it.

    Args:
        planner: breaks tasks up and puts them together.
        reviser: says how the plan goes on.
        triggers: what calls for it.
        window_s: for how long causes are gathered, ≥ 0 s.
        limit: how often a plan is revised at most, 1 to 1,000.

    Raises:
        UsageError: no trigger, or a number outside its range.
    """

    planner: Planner
    reviser: Reviser
    triggers: tuple[Trigger, ...] = field(default=(FailedTask(),))
    window_s: float = 1.0
    limit: int = 8

    name: ClassVar[str] = "replanned"

    def __post_init__(self) -> None:
        if not self.triggers or not 0 <= self.window_s <= 86_400 or not 1 <= self.limit <= 1_000:
            raise UsageError(
                "a plan is revised by 1 trigger or more, after gathering for 0 s to a day, 1 to 1,000 times; got "
                f"{len(self.triggers)}, {self.window_s} and {self.limit}"
            )

    async def expand(self, work: Work) -> Atomic | Parts:
        """Break a task up, as the planner does."""
        return await self.planner.expand(work)

    async def aggregate(self, work: Work) -> Result:
        """Put a task together, as the planner does."""
        return await self.planner.aggregate(work)

    def triggered(self, plan: Plan, peers: int) -> Task | None:
        """Return the task of re-planning that is called for and not there yet."""
        before = [entry.task for entry in plan.entries.values() if entry.task.kind == REPLAN]
        if len(before) >= self.limit:
            return None
        named = {cause for task in before for cause in causes_of(task)}
        causes = {cause for trigger in self.triggers for cause in trigger.causes(plan, peers)} - named
        return replan_task(causes) if causes else None

    async def revise(self, work: Work) -> Revision:
        """Say how the plan goes on after the causes that the task names."""
        return await self.reviser(work, causes_of(work.task))


def replan_task(causes: Iterable[Cause]) -> Task:
    """Return the task that re-plans because of these: the same for the same set; the first 64 of more.

    Raises:
        UsageError: there is no cause.
    """
    known = sorted(set(causes), key=lambda cause: (cause.what, cause.task))[:MAX_CAUSES]
    if not known:
        raise UsageError("without a cause nothing is planned again")
    return Task(goal="\n".join([_BECAUSE, *map(str, known)]), kind=REPLAN, priority=1_000)


def causes_of(task: Task) -> tuple[Cause, ...]:
    """Return the causes that a task of re-planning names; none for another task, or where a line is no cause."""
    first, *lines = task.goal.splitlines()
    if task.kind != REPLAN or first != _BECAUSE:
        return ()
    found: list[Cause] = []
    for line in lines[:MAX_CAUSES]:
        what, _, id = line.partition(" ")
        try:
            task_id = TaskId(bytes.fromhex(id))
        except ValueError:
            continue
        if what and len(task_id) == 32:
            found.append(Cause(what, task_id))
    return tuple(found)


@dataclass(frozen=True)
class AnotherWay:
    """Puts a new task in the place of each that failed, asking for another way; whoever claims it may break it up."""

    name: ClassVar[str] = "another-way"

    async def __call__(self, work: Work, causes: Sequence[Cause]) -> Revision:
        """Return the replacements; causes that are no failed tasks change nothing."""
        ops: list[Op] = []
        for cause in causes:
            entry = work.plan.entries.get(cause.task)
            if entry is not None and entry.status == "failed":
                goal = f"{entry.task.goal}\n\n{ANOTHER_WAY}"
                ops.append(Replace(cause.task, msgspec.structs.replace(entry.task, goal=goal)))
        return Revision(ops, f"{len(ops)} of {len(causes)} tasks are to be done another way")
