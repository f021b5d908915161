"""The plan as a tool: what a model with tool calls may do to it, as data. Every call becomes edits like anybody's.

Steps are the tasks of one parent, so a step with the same text stays the same step, with its status, when the list is
written anew. A call that makes no sense is answered with what is wrong, for the model to mend; nothing is raised at it.

Source: "AgentOrchestra", arXiv:2506.12508 (SkyworkAI/DeepResearchAgent): its planning tool and the statuses of steps.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from types import MappingProxyType
from typing import Any, Literal, cast, get_args

from waggledance.core import Note, Seat, UsageError, well_formed
from waggledance.tasks._edit import MAX_OPS, MAX_REASON_CHARS, Add, Claim, Done, Drop, Fail, Link, Op, PlanEdit, Release
from waggledance.tasks._entry import Entry
from waggledance.tasks._plan import Plan
from waggledance.tasks._task import MAX_GOAL_CHARS, Task, TaskId

Mark = Literal["not_started", "in_progress", "completed", "blocked"]
MAX_STEPS = 64
LEASE_MS = 600_000
_NOTE_CHARS = 12_000

_STEPS: dict[str, Any] = {"type": "array", "items": {"type": "string"}, "maxItems": MAX_STEPS}
_STEP: dict[str, Any] = {"type": "string", "description": "the step's number in the list, or its text"}

PLAN_TOOL: Mapping[str, Mapping[str, Any]] = MappingProxyType({
    "write_steps": {"type": "object", "required": ["steps"], "properties": {
        "steps": _STEPS, "in_order": {"type": "boolean", "description": "each waits for the one before it"}}},
    "add_step": {"type": "object", "required": ["step"], "properties": {
        "step": {"type": "string"}, "after": {"type": "array", "items": _STEP},
        "kind": {"type": "string", "description": "what sort of work: who is good at that does it"}}},
    "mark_step": {"type": "object", "required": ["step", "status"], "properties": {
        "step": _STEP, "status": {"enum": list(get_args(Mark))},
        "note": {"type": "string", "description": "its result, or why it is blocked"}}},
    "list_steps": {"type": "object", "properties": {}},
})  # fmt: skip
"""The calls there are, each with the JSON schema of its arguments."""


@dataclass(frozen=True)
class ToolReply:
    """What a call comes to: words for the model, and edits to publish, if any."""

    text: str
    ops: tuple[Op, ...] = ()
    done: TaskId | None = None
    """The step that is done."""
    result: str = ""
    """What it came to: published as a note that `Done` then names."""


@dataclass(frozen=True)
class PlanTool:
    """The steps of one task of a plan, for one model to read and edit."""

    plan: Plan
    parent: Task

    def call(self, name: str, arguments: Mapping[str, Any]) -> ToolReply:
        """Return what a call comes to, as of the plan as it stands; a pure function of the two. Never raises."""
        match name:
            case "write_steps":
                return self._write(arguments.get("steps"), in_order=arguments.get("in_order") is True)
            case "add_step":
                return self._add(arguments.get("step"), arguments.get("after"), arguments.get("kind"))
            case "mark_step":
                return self._mark(arguments.get("step"), arguments.get("status"), str(arguments.get("note") or ""))
            case "list_steps":
                return ToolReply(self.listed())
            case _:
                return ToolReply(f"there is no call {name!r:.80}; there are {', '.join(PLAN_TOOL)}")

    def listed(self) -> str:
        """Return the steps as a model reads them: a number, a status and the text each."""
        lines = [f"{n}. [{_mark_of(entry)}] {entry.task.goal}" for n, entry in enumerate(self.steps(), 1)]
        return "\n".join(lines) or "there are no steps yet"

    def steps(self) -> list[Entry]:
        """Return the steps: what waits comes after what it waits for, equals by priority and by id."""
        mine = {id: entry for id, entry in self.plan.entries.items() if entry.task.parent == self.parent.id}
        order: list[Entry] = []
        left = dict(mine)
        while left:
            free = [e for e in left.values() if not any(link.before in left for link in e.before)]
            free.sort(key=lambda entry: (-entry.task.priority, entry.task.id))
            order += free
            left = {id: entry for id, entry in left.items() if entry not in free}
        return order

    def _write(self, steps: object, *, in_order: bool) -> ToolReply:
        if not isinstance(steps, list) or not 1 <= len(cast("list[object]", steps)) <= MAX_STEPS:
            return ToolReply(f"write_steps takes 1 to {MAX_STEPS} steps")
        tasks = [self._task(step) for step in cast("list[object]", steps)]
        good = list(dict.fromkeys(task for task in tasks if task is not None))
        if len(good) < len(tasks):
            return ToolReply("each step is a text of its own, of 1 to 8,000 characters")
        kept = {task.id for task in good}
        ops: list[Op] = [Drop(e.task.id) for e in self.steps() if e.status == "open" and e.task.id not in kept]
        ops += [Add(task) for task in good if task.id not in self.plan.entries]
        if in_order:
            linked = {(link.before, entry.task.id) for entry in self.steps() for link in entry.before}
            ops += [Link(a.id, b.id) for a, b in pairwise(good) if (a.id, b.id) not in linked]
        return ToolReply(f"{len(good)} steps", tuple(ops[:MAX_OPS]))

    def _add(self, step: object, after: object, kind: object) -> ToolReply:
        names = cast("list[object]", after) if isinstance(after, list) else [] if after is None else [after]
        task, first = self._task(step, kind), [self._find(name) for name in names]
        if task is None:
            return ToolReply("a step is a text of 1 to 8,000 characters, and its kind a name of letters and digits")
        if None in first:
            return ToolReply(f"a step that it comes after is not there; the steps are\n{self.listed()}")
        links = [Link(entry.task.id, task.id) for entry in first if entry is not None]
        return ToolReply("added", (Add(task), *links))

    def _mark(self, step: object, status: object, note: str) -> ToolReply:
        entry = self._find(step)
        if entry is None:
            return ToolReply(f"there is no step {step!r:.80}; the steps are\n{self.listed()}")
        id = entry.task.id
        begin = () if entry.status == "claimed" else (Claim(id, LEASE_MS),)
        match status:
            case "in_progress":
                return ToolReply("marked", (Claim(id, LEASE_MS),))
            case "completed":
                return ToolReply("marked", begin, id, well_formed(note)[:_NOTE_CHARS])
            case "blocked":
                reason = well_formed(note or "blocked")[:MAX_REASON_CHARS]
                return ToolReply("marked", (*begin, Fail(id, reason, final=True)))
            case "not_started":
                return ToolReply("marked", (Release(id),))
            case _:
                return ToolReply(f"a step is marked {', '.join(get_args(Mark))}; not {status!r:.80}")

    def _task(self, step: object, kind: object = None) -> Task | None:
        """Return a step as a task; the same text is the same task wherever it stands in the list."""
        if not isinstance(step, str) or not 1 <= len(step.strip()) <= MAX_GOAL_CHARS:
            return None
        goal, sort = well_formed(step.strip())[:MAX_GOAL_CHARS], "think" if kind is None else str(kind)
        try:
            return Task(goal=goal, kind=sort, parent=self.parent.id, depth=self.parent.depth + 1)
        except UsageError:
            return None

    def _find(self, step: object) -> Entry | None:
        steps = self.steps()
        text = str(step).strip()
        if text.isdigit():
            return steps[int(text) - 1] if 1 <= int(text) <= len(steps) else None
        return next((entry for entry in steps if entry.task.goal == text), None)


async def publish_reply(seat: Seat, reply: ToolReply) -> None:
    """Publish the edits that a call came to; a result first, as a note.

    Raises:
        BudgetSpent: not another message may be written.
    """
    ops = reply.ops
    if reply.done is not None:
        note = await seat.publish(Note(about="result", text=reply.result))
        ops = (*ops, Done(reply.done, (note.id,)))
    if ops:
        await seat.publish(PlanEdit(ops=ops))


def _mark_of(entry: Entry) -> Mark:
    match entry.status:
        case "done":
            return "completed"
        case "claimed" | "review":
            return "in_progress"
        case "failed" | "skipped":
            return "blocked"
        case _:
            return "not_started"
