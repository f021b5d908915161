"""What edits of a plan mean to somebody who watches: who takes what, who did it, who failed at it and why."""

from __future__ import annotations

from dataclasses import dataclass, field

from waggledance.cli._safe_text import one_line
from waggledance.tasks import (
    Add,
    Claim,
    Done,
    Drop,
    Expand,
    Fail,
    HandOver,
    Hedge,
    Link,
    Op,
    PlanEdit,
    Release,
    Replace,
    Review,
    Task,
    TaskId,
)

GOAL_CHARS = 60


@dataclass
class PlanStory:
    """The goals of a plan's tasks so far; `tell` puts an edit into words. What was refused is told like the rest."""

    goals: dict[TaskId, str] = field(default_factory=dict[TaskId, str])

    def tell(self, who: str, edit: PlanEdit) -> str | None:
        """Return an edit in one line of plain text, or None when there is nothing in it to tell."""
        added = [op.task for op in edit.ops if isinstance(op, Add)]
        for task in added:
            self._name(task)
        said = [said for op in edit.ops if (said := self._of(op)) is not None]
        if added:
            first = "1 task" if len(added) == 1 else f"{len(added)} tasks"
            links = sum(isinstance(op, Link) for op in edit.ops)
            said.insert(0, f"adds {first}" + (f" and {links} links" if links else ""))
        return f"{who} {'; '.join(said)}" if said else None

    def _of(self, op: Op) -> str | None:
        match op:
            case Claim():
                return f"takes {self._goal(op.task)}" + (" over" if op.over is not None else "")
            case Hedge():
                return f"does {self._goal(op.task)} as well"
            case Done():
                return f"did {self._goal(op.task)}"
            case Fail():
                return f"failed at {self._goal(op.task)}: {one_line(op.reason, 120)}"
            case Expand():
                return f"breaks up {self._goal(op.task)}"
            case Review():
                passed = "passes" if op.passed else f"is rejected: {one_line(op.reason, 120)}"
                return f"finds that {self._goal(op.task)} {passed}"
            case Release():
                return f"gives back {self._goal(op.task)}"
            case HandOver():
                return f"hands over {self._goal(op.task)}"
            case Drop():
                return f"drops {self._goal(op.task)}"
            case Replace():
                self._name(op.by)
                return f"puts {self._goal(op.by.id)} in the place of {self._goal(op.task)}"
            case _:
                return None

    def _name(self, task: Task) -> None:
        self.goals[task.id] = one_line(task.goal, GOAL_CHARS)

    def _goal(self, task: TaskId) -> str:
        return f"“{self.goals.get(task, task.hex()[:8])}”"
