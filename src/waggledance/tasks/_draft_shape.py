"""Edits that shape a plan: tasks and links, which are the same whoever says them.

Links never close a cycle (I2); only what nobody has begun is changed, except that a failed task may be replaced (I3).
Each function applies one operation, or returns why it is refused.

Source: Zhang et al. 2025, "UFO³", arXiv:2511.11332, §4 (invariants of the constellation).
"""

from __future__ import annotations

from msgspec.structs import replace

from waggledance.core import PeerId
from waggledance.tasks._acyclic import place_link
from waggledance.tasks._edit import Add, Drop, Join, Link, Replace
from waggledance.tasks._entries import Entries, Why, held, only_open
from waggledance.tasks._entry import OVER, Entry
from waggledance.tasks._task import Task, TaskId


def add(plan: Entries, op: Add) -> Why:
    if op.task.id in plan.entries:
        return None
    return _put(plan, op.task)


def _put(plan: Entries, task: Task) -> Why:
    if task.parent is not None:
        parent = plan.entries.get(task.parent)
        if parent is None:
            return "its parent is not in the plan"
        if task.depth != parent.task.depth + 1:
            return f"its parent is at depth {parent.task.depth}, so it is at {parent.task.depth + 1}"
    elif task.depth:
        return "a task without a parent is at depth 0"
    plan.position[task.id] = plan.placed
    plan.placed += 1
    plan.entries[task.id] = Entry(task)
    plan.ready[task.id] = None
    return None


def link(plan: Entries, op: Link) -> Why:
    before, after, entries, position = op.before, op.after, plan.entries, plan.position
    first, second = entries.get(before), entries.get(after)
    if first is None or second is None:
        return "it joins tasks of which one is not in the plan"
    if second.status != "open":
        return f"the task that would wait is {second.status} already"
    if after in first.after:
        return "the two are linked already"
    in_order = position[before] < position[after]  # as most are: then there is nothing to move
    if not (in_order or place_link(position, before, after, plan.onward, plan.back)):
        return "it would close a cycle"
    entries[before] = replace(first, after=(*first.after, after))
    entries[after] = replace(second, before=(*second.before, op), waits=second.waits + 1)
    plan.ready.pop(after, None)
    if first.status in OVER:
        plan.try_link(op)
        plan.drop_rest(after)
    return None


def join(plan: Entries, op: Join, by: PeerId | None = None) -> Why:
    entry = plan.entries.get(op.task)
    if entry is None or not (entry.status == "open" or (by is not None and held(entry, by))):
        return only_open(entry)
    plan.set(op.task, replace(entry, join=op))
    plan.drop_rest(op.task)
    return None


def drop(plan: Entries, op: Drop) -> Why:
    entry = plan.entries.get(op.task)
    if entry is None or entry.status != "open":
        return only_open(entry)
    if entry.expanded:
        return "its parts are being worked on"
    for link in entry.before:
        first = plan.entries[link.before]
        plan.set(link.before, replace(first, after=tuple([t for t in first.after if t != op.task])))
    for id in entry.after:
        _unlink(plan, op.task, id)
    del plan.entries[op.task], plan.position[op.task]
    plan.ready.pop(op.task, None)
    return None


def _unlink(plan: Entries, before: TaskId, after: TaskId) -> None:
    """Take a link away whose first task goes: it has not ended, so the second still waits for it."""
    second = plan.entries[after]
    links = tuple([link for link in second.before if link.before != before])
    plan.set(after, replace(second, before=links, waits=second.waits - 1))


def replace_task(plan: Entries, op: Replace) -> Why:
    entry = plan.entries.get(op.task)
    if entry is None or entry.status not in ("open", "failed"):
        return only_open(entry)
    if entry.expanded and entry.status == "open":
        return "its parts are being worked on"
    new = op.by.id
    if new in plan.entries:
        return "the task that would take its place is in the plan already"
    refused = _put(plan, op.by)
    if refused is not None:
        return refused
    plan.position[new] = plan.position.pop(op.task)
    plan.set(new, Entry(op.by, before=tuple([replace(link, after=new) for link in entry.before]),
                         after=entry.after, waits=entry.waits, came=entry.came, join=entry.join,
                         cost=entry.cost))  # fmt: skip
    for link in entry.before:
        first = plan.entries[link.before]
        plan.set(link.before, replace(first, after=tuple([new if t == op.task else t for t in first.after])))
    for id in entry.after:
        second = plan.entries[id]
        links = tuple([replace(k, before=new) if k.before == op.task else k for k in second.before])
        back = entry.status == "failed" and any(k.before == new and k.when in ("end", "some", "fail") for k in links)
        waits = second.waits + (1 if back and second.status == "open" else 0)
        plan.set(id, replace(second, before=links, waits=waits))
    del plan.entries[op.task]
    plan.ready.pop(op.task, None)
    return None
