"""One try at a task, from its claim to what is published of it: a result, parts to make it from, or why it failed."""

from __future__ import annotations

import asyncio
import dataclasses

from msgspec.structs import replace

from waggledance.core import NO_COST, BudgetSpent, Cost, Meter, Note, RunFailed, well_formed
from waggledance.tasks._check import PASSED, Check, Finding
from waggledance.tasks._edit import MAX_OPS, MAX_REASON_CHARS, Add, Done, Expand, Fail, Link, Op
from waggledance.tasks._planner import Parts, Planner, nest
from waggledance.tasks._replanning import Replanning
from waggledance.tasks._revising import legal_edits
from waggledance.tasks._task import REPLAN, Task, TaskId
from waggledance.tasks._work import Executor, Result, Work

PIECE_CHARS = 12_000
"""Of a result in one note: at most 48,000 bytes."""
MAX_PIECES = 64


async def try_task(
    work: Work, execute: Executor, planner: Planner | None, check: Check | None, left_s: float | None
) -> list[Op]:
    """Do a task that was claimed; return the operations that say so. A result's notes are published on the way.

    Whatever goes wrong in it is a failed try, with the reason: a peer's, a planner's or a check's error must not end
    the work of all.

    Args:
        work: the try.
        execute: does a task that is not to be broken up.
        planner: breaks it up, or puts it together if it was.
        check: looks at the result; needed if the task names checks.
        left_s: how long it may take; None without a limit.

    Raises:
        BudgetSpent: not another message may be written.
    """
    task = work.task
    try:
        if left_s is not None and left_s <= 0:
            return [Fail(task.id, "its deadline has passed", final=True)]
        async with asyncio.timeout(left_s):
            made = await _make(work, execute, planner)
            if isinstance(made, Parts):
                return _expansion(work, made)
            cost = _cost(work, made.cost)
            found = await look_at(task, made.text, check)
        for meter in (work.meter, work.seat.meter):
            charge_check(meter, found.cost)
        cost += found.cost
        if not found.passed:
            return [Fail(task.id, _reason(found.reason), cost)]
        edits = legal_edits(work, made.edits)
        return [*edits, Done(task.id, await _publish(work, made.text, cost), cost)]
    except TimeoutError:
        return [Fail(task.id, f"it took longer than {left_s:g} s", _cost(work, NO_COST))]
    except BudgetSpent as spent:
        return [Fail(task.id, _reason(str(spent)), _cost(work, NO_COST))]
    except RunFailed as why:
        return [Fail(task.id, _reason(str(why)), _cost(work, NO_COST))]
    except Exception as why:  # noqa: BLE001 — a peer's own code: its error is the reason, not ours
        return [Fail(task.id, _reason(f"{type(why).__name__}: {why}"), _cost(work, NO_COST))]


def charge_check(meter: Meter, cost: Cost) -> None:
    """Add what checks have cost to a meter, which has admitted none of their calls."""
    meter.calls += cost.calls
    meter.charge(cost)


async def look_at(task: Task, result: str, check: Check | None) -> Finding:
    """Return what the checks that its task names find of a result; it passes if there are none.

    Raises:
        RunFailed: there is nobody to check it.
    """
    if not task.checks:
        return PASSED
    if check is None:
        raise RunFailed(f"the task names checks ({', '.join(task.checks)}), and this peer was given none to check with")
    return await check(task, result)


async def _make(work: Work, execute: Executor, planner: Planner | None) -> Result | Parts:
    if work.task.kind == REPLAN:
        reviser = next((p for p in nest(planner) if isinstance(p, Replanning)), None)
        if reviser is None:
            raise RunFailed("this peer has no planner that revises plans")
        revision = await reviser.revise(work)
        return Result(revision.text, revision.cost, tuple(revision.ops))
    if planner is None:
        return await execute(work)
    if work.plan.entries[work.task.id].expanded:
        return await planner.aggregate(work)
    expanded = await planner.expand(work)
    if isinstance(expanded, Parts):
        return expanded
    result = await execute(work)
    return dataclasses.replace(result, cost=result.cost + expanded.cost)


def _expansion(work: Work, parts: Parts) -> list[Op]:
    """Return the operations that give a task back to be put together from its parts.

    Raises:
        RunFailed: no part has the task as its parent, one may not be added, or there are more than fit one message.
    """
    task, adds = work.task, [op for op in parts.ops if isinstance(op, Add)]
    added = [op.task.id for op in adds if op.task.parent == task.id]
    if not added:
        raise RunFailed("the planner broke the task up without adding a part of it")
    for n, why in work.plan.would_refuse(adds).items():
        raise RunFailed(f"the planner's part {adds[n].task.goal[:80]!r} is not legal: {why}")
    waited_for: set[TaskId] = {op.before for op in parts.ops if isinstance(op, Link)}
    last = [id for id in dict.fromkeys(added) if id not in waited_for or id in parts.last]
    ops: list[Op] = [*parts.ops, Expand(task.id), *[Link(id, task.id, when="end") for id in last]]
    if len(ops) > MAX_OPS:
        raise RunFailed(f"the planner broke the task up with {len(ops)} operations; at most {MAX_OPS} fit a message")
    return ops


async def _publish(work: Work, text: str, cost: Cost) -> tuple[bytes, ...]:
    """Publish a result as notes, the first of which says what it cost; return their ids.

    Raises:
        RunFailed: the result is too long.
    """
    text = well_formed(text)
    if len(text) > PIECE_CHARS * MAX_PIECES:
        raise RunFailed(
            f"a result of {len(text):,} characters; at most {PIECE_CHARS * MAX_PIECES:,} are published: return a path "
            "or a hash of it"
        )
    pieces = [text[start : start + PIECE_CHARS] for start in range(0, len(text), PIECE_CHARS)] or [""]
    notes = [Note(about="result", text=piece, cost=NO_COST if n else cost) for n, piece in enumerate(pieces)]
    return tuple([(await work.seat.publish(note)).id for note in notes])


def _cost(work: Work, stated: Cost) -> Cost:
    """Return what a try has cost: what its meter counted or what the result states, whichever is more in calls."""
    counted = work.meter.cost
    return replace(stated if stated.calls > counted.calls else counted)


def _reason(text: str) -> str:
    text = well_formed(text)
    return text if len(text) <= MAX_REASON_CHARS else text[: MAX_REASON_CHARS - 1] + "…"
