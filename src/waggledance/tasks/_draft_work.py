"""Edits about the work itself: who is at a task, and how it ends. A task has one holder at most (I1).

Each function applies one operation of a message, or returns why it is refused.

Source: Zhang et al. 2025, "UFO³", arXiv:2511.11332, §4 (invariants of the constellation).
"""

from __future__ import annotations

from msgspec.structs import replace

from waggledance.core import Message, MessageId
from waggledance.tasks._edit import (
    Accept,
    Claim,
    Done,
    Expand,
    Fail,
    HandOver,
    Hedge,
    PlanEdit,
    Release,
    Renew,
    Review,
)
from waggledance.tasks._entries import Entries, Why, held, opened
from waggledance.tasks._entry import Entry


def claim(plan: Entries, message: Message[PlanEdit], op: Claim) -> Why:
    entry = plan.entries.get(op.task)
    if entry is None:
        return "the task is not in the plan"
    me = message.author
    if me not in entry.claimants:
        entry = replace(entry, claimants=entry.claimants | {me})
        plan.set(op.task, entry)
    if entry.status == "claimed":
        if op.over != entry.claim:
            return "another peer holds it"
        if entry.holder == me:
            return "it holds the task already; renew the lease instead"
    elif not entry.ready:
        return f"the task is {entry.status}" + (" and waits for others" if entry.status == "open" else "")
    elif op.over is not None:
        return "the claim that it would take the place of is gone"
    plan.set(op.task, replace(entry, status="claimed", holder=me, claim=message.id, lease_ms=op.lease_ms,
                               willing=frozenset()))  # fmt: skip
    return None


def hedge(plan: Entries, message: Message[PlanEdit], op: Hedge) -> Why:
    entry = plan.entries.get(op.task)
    if entry is None or entry.status != "claimed" or entry.holder == message.author:
        return "nobody else holds the task"
    plan.set(op.task, replace(entry, claimants=entry.claimants | {message.author}))
    return None


def renew(plan: Entries, message: Message[PlanEdit], op: Renew) -> Why:
    entry = plan.entries.get(op.task)
    if entry is None or not held(entry, message.author):
        return "it does not hold the task"
    plan.set(op.task, replace(entry, claim=message.id))
    return None


def release(plan: Entries, message: Message[PlanEdit], op: Release) -> Why:
    entry = plan.entries.get(op.task)
    if entry is None or not held(entry, message.author):
        return "it does not hold the task"
    plan.set(op.task, opened(entry))
    return None


def accept(plan: Entries, message: Message[PlanEdit], op: Accept) -> Why:
    entry = plan.entries.get(op.task)
    if entry is None or entry.status != "claimed" or entry.holder == message.author:
        return "nobody else holds the task"
    plan.set(op.task, replace(entry, willing=entry.willing | {message.author}))
    return None


def hand_over(plan: Entries, message: Message[PlanEdit], op: HandOver) -> Why:
    entry = plan.entries.get(op.task)
    if entry is None or not held(entry, message.author):
        return "it does not hold the task"
    if op.to not in entry.willing:
        return "the peer that it would go to has not accepted it"
    plan.set(op.task, replace(entry, holder=op.to, claim=message.id, willing=frozenset(),
                               claimants=entry.claimants | {op.to}))  # fmt: skip
    return None


def expand(plan: Entries, message: Message[PlanEdit], op: Expand) -> Why:
    entry = plan.entries.get(op.task)
    if entry is None or not held(entry, message.author):
        return "it does not hold the task"
    if entry.expanded:
        return "the task has been broken into parts already"
    plan.set(op.task, replace(opened(entry), expanded=True))
    return None


# -- how it ends --------------------------------------------------------------------------------------------


def done(plan: Entries, message: Message[PlanEdit], op: Done) -> Why:
    entry = plan.entries.get(op.task)
    if entry is None:
        return "the task is not in the plan"
    if message.author not in entry.claimants:
        return "it never claimed the task"
    if entry.over or entry.status == "review":
        return f"the task is {'under review' if entry.status == 'review' else entry.status} already"
    if entry.waiting:
        return "the task waits for others"
    result = tuple([MessageId(id) for id in op.result])
    for id in result:
        note = plan.notes.get(id)
        if note is None:
            plan.missing.add(id)
        if note is None or note.author != message.author:
            return "its result names what is no note of its author"
    entry = replace(entry, status="review" if entry.task.reviews else "done", holder=message.author, claim=None,
                    done=message.id, result=result, passed=frozenset(), rejected=frozenset(),
                    cost=entry.cost + op.cost)  # fmt: skip
    plan.set(op.task, entry)
    if entry.status == "done":
        plan.ended(op.task)
    return None


def fail(plan: Entries, message: Message[PlanEdit], op: Fail) -> Why:
    entry = plan.entries.get(op.task)
    if entry is None or not held(entry, message.author):
        return "it does not hold the task"
    _failed_once(plan, replace(entry, cost=entry.cost + op.cost), op.reason, final=op.final)
    return None


def _failed_once(plan: Entries, entry: Entry, reason: str, *, final: bool) -> None:
    """Open a task again after a try in vain, or let it have failed for good."""
    by = () if entry.holder is None else (entry.holder,)
    entry = replace(entry, failed_by=(*entry.failed_by, *by), reasons=(*entry.reasons, reason))
    if final or len(entry.failed_by) >= entry.task.tries:
        plan.set(entry.task.id, replace(opened(entry), status="failed"))
        plan.ended(entry.task.id)
    else:
        plan.set(entry.task.id, opened(entry))


def review(plan: Entries, message: Message[PlanEdit], op: Review) -> Why:
    entry, me = plan.entries.get(op.task), message.author
    if entry is None or entry.status != "review" or entry.done != op.done:
        return "that result is not under review"
    if me == entry.holder:
        return "nobody reviews what they did themselves"
    if me in entry.passed or me in entry.rejected:
        return "it has reviewed that result already"
    entry = replace(entry, cost=entry.cost + op.cost)
    if op.passed:
        entry = replace(entry, passed=entry.passed | {me})
    else:
        entry = replace(entry, rejected=entry.rejected | {me}, reasons=(*entry.reasons, op.reason))
    plan.set(op.task, entry)
    if len(entry.passed) >= entry.task.reviews:
        plan.set(op.task, replace(entry, status="done"))
        plan.ended(op.task)
    elif len(entry.rejected) >= entry.task.reviews:
        _failed_once(plan, entry, f"rejected by {len(entry.rejected)}: {op.reason}", final=False)
    return None
