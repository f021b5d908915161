"""The plan in a channel as the page sees it: every task, where it stands, who is at it, since when."""

from __future__ import annotations

from typing import Any

from waggledance.core import Message, PeerId
from waggledance.studio._conversation import Conversation
from waggledance.studio._message import name_of
from waggledance.studio._shapes import PlanShown, PlanTask
from waggledance.tasks import Claim, Done, Entry, Fail, HandOver, Hedge, Plan, PlanEdit, TaskId

RESULT_CHARS = 2_000
GOAL_CHARS = 2_000

AnyMessage = Message[Any]


def plan_of(conversation: Conversation) -> PlanShown | None:
    """Return the plan that a channel's messages make; None where nobody plans."""
    opening = conversation.opening
    messages = conversation.came
    if opening is None or not any(isinstance(message.body, PlanEdit) for message in messages):
        return None
    plan = Plan.fold(messages, [member.id for member in conversation.members])
    times = _Times(messages)
    entries = sorted(plan.entries.items(), key=lambda item: (item[1].task.depth, -item[1].task.priority, item[0]))
    return PlanShown(tuple(_task(id, entry, plan, times, conversation) for id, entry in entries))


class _Times:
    """When tasks were claimed, and when their tries ended, on the clocks of those who said so."""

    def __init__(self, messages: list[AnyMessage]) -> None:
        self.claimed: dict[tuple[TaskId, PeerId], int] = {}
        self.ended: dict[TaskId, int] = {}
        for message in messages:
            if isinstance(message.body, PlanEdit):
                for op in message.body.ops:
                    self._take(op, message)

    def _take(self, op: object, message: AnyMessage) -> None:
        match op:
            case Claim() | Hedge():
                self.claimed[op.task, message.author] = message.wall_ms
            case HandOver():
                self.claimed[op.task, op.to] = message.wall_ms
            case Done() | Fail():
                self.ended[op.task] = message.wall_ms
            case _:
                pass


def _task(id: TaskId, entry: Entry, plan: Plan, times: _Times, conversation: Conversation) -> PlanTask:
    task, holder = entry.task, entry.holder
    result = plan.result(id)
    return PlanTask(
        id=id.hex(),
        goal=task.goal[:GOAL_CHARS],
        kind=task.kind,
        state=_state(entry),
        by=None if holder is None else name_of(holder, conversation.names),
        needs=tuple(link.before.hex() for link in entry.before),
        parent=None if task.parent is None else task.parent.hex(),
        result=(entry.reasons[-1] if entry.reasons and result is None else result or "")[:RESULT_CHARS] or None,
        began_ms=None if holder is None else times.claimed.get((id, holder)),
        ended_ms=times.ended.get(id) if entry.over else None,
    )


def _state(entry: Entry) -> str:
    """Return a task's status; one that nobody has begun is ``ready``, or ``waiting`` for others."""
    if entry.status != "open":
        return entry.status
    return "ready" if entry.ready else "waiting"
