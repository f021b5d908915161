"""From what somebody wants done to the first edits of its plan."""

from __future__ import annotations

from collections.abc import Sequence

from waggledance.core import Note, UsageError, well_formed
from waggledance.tasks._arranging import ABOUT, DATA_FLOW, rearranged
from waggledance.tasks._draft import Draft
from waggledance.tasks._edit import MAX_OPS, Add, Join, Link, Op, PlanEdit
from waggledance.tasks._task import Task


def opened_plan(work: str | Task | Sequence[Op], arrange: str = DATA_FLOW) -> tuple[str, list[PlanEdit | Note]]:
    """Return what a plan is about, in words, and what it begins with: edits, and what was chosen of its topology.

    Args:
        work: a goal in words, a task, or `Add`, `Link` and `Join` in an order in which they are legal.
        arrange: who waits for whom, see `run_plan`.

    Raises:
        UsageError: there is nothing to do, or an operation is not legal, such as a link that closes a cycle.
        UnknownName: there is no such arrangement.
    """
    if isinstance(work, str):
        work = Task(goal=well_formed(work))
    ops: Sequence[Op] = [Add(work)] if isinstance(work, Task) else list(work)
    draft = Draft()
    for index, op in enumerate(ops, 1):
        why = draft.begin_with(op) if isinstance(op, Add | Link | Join) else "a plan begins with Add, Link and Join"
        if why is not None:
            raise UsageError(f"operation {index} of the plan, {type(op).__name__}, is not legal: {why}")
    goals = [entry.task.goal for entry in draft.entries.values() if not entry.after]
    if not goals:
        raise UsageError("the plan has no task; begin with Add(Task(goal=...))")
    title = goals[0] if len(goals) == 1 else f"{len(draft.entries)} tasks, among them: {goals[0]}"
    ops, chosen = rearranged(ops, arrange)
    return title, [*in_messages(ops), *([Note(about=ABOUT, text=chosen)] if chosen else [])]


def in_messages(ops: Sequence[Op]) -> list[PlanEdit]:
    """Return operations as edits of at most 256: a task with the links that follow it in one, as far as they fit.

    Otherwise somebody could begin a task between two messages, before it is known what it waits for.
    """
    wholes: list[list[Op]] = []
    for op in ops:
        if not wholes or isinstance(op, Add) or len(wholes[-1]) == MAX_OPS:
            wholes.append([])
        wholes[-1].append(op)
    edits: list[list[Op]] = []
    for whole in wholes:
        if not edits or len(edits[-1]) + len(whole) > MAX_OPS:
            edits.append([])
        edits[-1] += whole
    return [PlanEdit(ops=tuple(edit)) for edit in edits]
