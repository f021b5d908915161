"""Bounds on breaking up: how deep, into how many parts, how many tasks in all; around any planner.

Source: the limits of ROMA (sentient-agi/ROMA): at the greatest depth the executor is forced. That a part which says the
same as what it is a part of is caught, is ours: a model that cannot break a task up likes to say it again.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from waggledance.core import RunFailed, UsageError
from waggledance.tasks._edit import Add
from waggledance.tasks._part_lines import same_words
from waggledance.tasks._plan import Plan
from waggledance.tasks._planner import Atomic, Parts, Planner
from waggledance.tasks._task import MAX_DEPTH, Task
from waggledance.tasks._width import Width
from waggledance.tasks._work import Result, Work

MAX_PARTS = 80
"""Of one task: with their links they fit one message."""


@dataclass(frozen=True)
class Bounded:
    """A planner that comes to an end, whatever the one in it says.

    A task is done as it is at the greatest depth; when there are tasks enough; when it, or a part it would be broken
    into, says the same as what it is a part of; and on its last try, so that no task fails for bad plans alone. Too
    many parts are a failed try, with the reason.

    Args:
        planner: breaks tasks up.
        depth: how many levels of parts there are at most, 0 to 64.
        parts: how many parts a task has at most, 2 to 80.
        tasks: how many tasks the plan has before nothing is broken up any more, at least 1.
        width: how many parts a task has at most by its depth, where that is fewer; never fewer than 2.

    Raises:
        UsageError: a number outside its range.
    """

    planner: Planner
    depth: int = 3
    parts: int = 6
    tasks: int = 200
    width: Width | None = None

    name: ClassVar[str] = "bounded"

    def __post_init__(self) -> None:
        if not (0 <= self.depth <= MAX_DEPTH and 2 <= self.parts <= MAX_PARTS and self.tasks >= 1):
            raise UsageError(
                f"a planner breaks up to a depth of 0 to {MAX_DEPTH}, into 2 to {MAX_PARTS} parts, up to 1 task or "
                f"more in all; got {self.depth}, {self.parts} and {self.tasks}"
            )

    async def expand(self, work: Work) -> Atomic | Parts:
        """Break a task up within the bounds.

        Raises:
            RunFailed: too many parts, or the planner's own reason.
        """
        task = work.task
        failed = len(work.plan.entries[task.id].failed_by)
        enough = task.depth >= self.depth or len(work.plan.entries) >= self.tasks or 1 < task.tries <= failed + 1
        above = {same_words(other.goal) for other in ancestors(work.plan, task)}
        if enough or same_words(task.goal) in above:
            return Atomic()
        made = await self.planner.expand(work)
        if isinstance(made, Atomic):
            return made
        parts = [op.task for op in made.ops if isinstance(op, Add)]
        if {same_words(part.goal) for part in parts} & {*above, same_words(task.goal)}:
            return Atomic(made.cost)
        most = self.parts if self.width is None else max(2, min(self.parts, self.width.at(task.depth)))
        if len(parts) > most:
            raise RunFailed(f"the plan has {len(parts)} parts; at most {most} are taken: put some together")
        return made

    async def aggregate(self, work: Work) -> Result:
        """Put a task together, as the planner in it does."""
        return await self.planner.aggregate(work)


def ancestors(plan: Plan, task: Task) -> Iterator[Task]:
    """Yield what a task is a part of, and what that is a part of, and so on, as far as it is in the plan."""
    while task.parent is not None and task.parent in plan.entries:
        task = plan.entries[task.parent].task
        yield task
