"""Recursive breaking up and putting together, by whichever peer claims the step: ROMA without its call stack.

To break up and to say "atomic" are one call, which saves a third of the calls at the leaves. What a part is shown is
its own goal, the results that it comes after, and the goal it is a part of; nobody sees the whole.

Source: Alzu'bi et al. 2025, "ROMA: Recursive Open Meta-Agent" (sentient-agi/ROMA): atomizer, planner, aggregator.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from waggledance.core import Message, RunFailed, well_formed
from waggledance.tasks._bounded import Bounded, ancestors
from waggledance.tasks._edit import Add, Link, Op
from waggledance.tasks._linted import Linted
from waggledance.tasks._part_lines import PartLine, read_parts
from waggledance.tasks._planner import Atomic, Parts
from waggledance.tasks._task import MAX_GOAL_CHARS, Task
from waggledance.tasks._unsent import unsent
from waggledance.tasks._work import Result, Work

TOGETHER = (
    "The parts of this were done apart from each other, and the notes say what came of them. Put their results "
    "together into one answer."
)
LOST = " {} of {} parts could not be done: say what is not known for that."
_REASON_CHARS = 300
_REASONS = 4
"""The newest of those that are shown."""


@dataclass(frozen=True)
class Roma:
    """Break up and put together with the model of the peer that claimed the task. Unbounded: see `roma`."""

    name: ClassVar[str] = "roma"

    async def expand(self, work: Work) -> Atomic | Parts:
        """Ask for parts, or for "atomic".

        Raises:
            RunFailed: the peer did not answer, or what it wrote is no plan; says what is wrong with it.
        """
        said = await work.note("plan", material_for(work))
        parts = read_parts(said.text)
        return Parts(as_edits(work, parts), said.cost) if len(parts) > 1 else Atomic(said.cost)

    async def aggregate(self, work: Work) -> Result:
        """Ask for the parts' results as one.

        Raises:
            RunFailed: no part was done, or the peer could not answer.
        """
        parts = [entry for link in work.plan.entries[work.task.id].before if (entry := work.plan.entries[link.before])]
        parts = [entry for entry in parts if entry.task.parent == work.task.id]
        lost = [entry for entry in parts if entry.status != "done"]
        if len(lost) == len(parts):
            reasons = sorted({entry.reasons[-1] for entry in lost if entry.reasons})
            raise RunFailed(f"none of its parts was done: {'; '.join(reasons)}"[:_REASON_CHARS])
        and_lost = LOST.format(len(lost), len(parts)) if lost else ""
        return await work.ask(f"{work.task.goal}\n\n{TOGETHER}{and_lost}", notes=tuple(_results(work)))


def roma(depth: int = 3, parts: int = 6, tasks: int = 200, lint: bool = False) -> Bounded:
    """Return ROMA within bounds, its plans linted if asked to; see `Bounded` for the bounds and what is raised."""
    return Bounded(Linted(Roma()) if lint else Roma(), depth, parts, tasks)


def as_edits(work: Work, parts: Sequence[PartLine]) -> list[Op]:
    """Return the edits that add parts of a task and link them as they were written.

    What the task goes by, its parts go by as well: each comes after all that the task comes after.
    """
    task = work.task
    added = {
        part.number: Task(
            goal=well_formed(part.goal)[:MAX_GOAL_CHARS],
            kind=part.kind,
            parent=task.id,
            depth=task.depth + 1,
            priority=task.priority,
            deadline_ms=task.deadline_ms,
        )
        for part in parts
    }
    links = [Link(added[before].id, added[part.number].id) for part in parts for before in part.after]
    given = [Link(id, part.id) for part in added.values() for id in work.inputs]
    return [*map(Add, added.values()), *links, *given]


def material_for(work: Work) -> tuple[Message[Any], ...]:
    """Return what a planner is shown beside the goal: what it is a part of, what it goes by, what was wrong before."""
    told: list[Message[Any]] = []
    above = next(ancestors(work.plan, work.task), None)
    if above is not None:
        told.append(unsent("part-of", above.goal))
    told += work.notes
    told += [unsent("earlier-tries", reason[:_REASON_CHARS]) for reason in work.past[-_REASONS:]]
    return tuple(told)


def _results(work: Work) -> Iterator[Message[Any]]:
    """Yield what each part came to, under its goal, in the order of ids."""
    for id, result in work.inputs.items():
        yield unsent("result", f"{work.plan.entries[id].task.goal}\n{result}")
