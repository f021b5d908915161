"""What calls for planning again: pure predicates on a plan, so that all who hold it see the same causes.

Source: Liu et al. 2025, CaPo, arXiv:2411.04679, phase 2: a goal object found, a subtask finished, a container found;
here: a task failed, a result says something new, a peer has nothing to do.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar, Protocol

import msgspec

from waggledance.tasks._condition import check_condition, holds
from waggledance.tasks._plan import Plan
from waggledance.tasks._task import REPLAN, TaskId


class Cause(msgspec.Struct, frozen=True, order=True):
    """Why a plan is looked at again: what happened, to which task. The same one never calls twice."""

    what: str
    task: TaskId

    def __str__(self) -> str:
        return f"{self.what} {self.task.hex()}"


class Trigger(Protocol):
    """Finds causes in a plan."""

    def causes(self, plan: Plan, peers: int, /) -> Iterator[Cause]:
        """Yield all causes there are, new or not; a pure function of its arguments."""
        ...


@dataclass(frozen=True)
class FailedTask:
    """A task has failed for good."""

    name: ClassVar[str] = "failed"

    def causes(self, plan: Plan, peers: int) -> Iterator[Cause]:
        """Yield the tasks that failed."""
        for id, entry in plan.entries.items():
            if entry.status == "failed" and entry.task.kind != REPLAN:
                yield Cause(self.name, id)


@dataclass(frozen=True)
class NewFact:
    """A task of a kind is done, and its result says something that may unblock others or make them needless.

    Args:
        kind: of the tasks that find such things.
        when: a named condition on the result, see `holds`.

    Raises:
        UsageError: there is no such condition.
    """

    kind: str = "look"
    when: str = "ok"

    name: ClassVar[str] = "fact"

    def __post_init__(self) -> None:
        check_condition(self.when)

    def causes(self, plan: Plan, peers: int) -> Iterator[Cause]:
        """Yield the tasks whose results say it."""
        for id, entry in plan.entries.items():
            if entry.status == "done" and entry.task.kind == self.kind and holds(self.when, plan.result(id) or ""):
                yield Cause(self.name, id)


@dataclass(frozen=True)
class SparePeer:
    """Somebody has nothing to do while tasks wait: the one at work that most wait for, directly, is named."""

    name: ClassVar[str] = "spare"

    def causes(self, plan: Plan, peers: int) -> Iterator[Cause]:
        """Yield that task; of several the one with the smallest id, which is a hash."""
        busy = [entry for entry in plan.busy() if entry.after and entry.task.kind != REPLAN]
        if busy and len(plan.ready()) + len(plan.busy()) < peers:
            yield Cause(self.name, min(busy, key=lambda entry: (-len(entry.after), entry.task.id)).task.id)
