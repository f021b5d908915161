"""A planner: how a task is broken into parts, and how the parts' results become the whole's. Any peer may be asked.

Source: Alzu'bi et al. 2025, ROMA (sentient-agi/ROMA): atomizer and planner are one call here, which may say "atomic";
the aggregator is the second.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from waggledance.core import NO_COST, Cost
from waggledance.tasks._edit import Op
from waggledance.tasks._task import TaskId
from waggledance.tasks._work import Result, Work


@dataclass(frozen=True)
class Atomic:
    """The task is to be done as it is."""

    cost: Cost = NO_COST


@dataclass(frozen=True)
class Parts:
    """The task is to be put together from these: operations that add parts and link them among each other.

    Every part that is added with this task as its parent, and that no other part waits for, is linked to it. Parts
    stand one deeper: ``Task(goal=…, parent=work.task.id, depth=work.task.depth + 1)``.
    """

    ops: Sequence[Op]
    cost: Cost = NO_COST
    last: Collection[TaskId] = ()
    """Parts that are linked to it although others wait for them."""


class Planner(Protocol):
    """Breaks tasks up. What it writes are edits, so what is illegal in them is refused like anybody's."""

    async def expand(self, work: Work, /) -> Atomic | Parts:
        """Break a claimed task into parts, or leave it whole.

        Raises:
            RunFailed: it could not say; the try has failed.
        """
        ...

    async def aggregate(self, work: Work, /) -> Result:
        """Make the task's result from its parts' results, `Work.inputs`.

        Raises:
            RunFailed: it could not; the try has failed.
        """
        ...


def nest(planner: object | None) -> Iterator[object]:
    """Yield a planner, its reviser, and those that it is wrapped around, the outermost first: any may do more."""
    while planner is not None:
        yield planner
        if (reviser := getattr(planner, "reviser", None)) is not None:
            yield reviser
        planner = getattr(planner, "planner", None)
