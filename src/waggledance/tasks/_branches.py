"""Steps of one row side by side, as soon as what each needs is there: data flow, no layers."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from waggledance.core import BudgetSpent
from waggledance.tasks._step import Step


async def run_branches(
    ready: Callable[[], list[Step]],
    visit: Callable[[Step], Awaitable[frozenset[str]]],
    lost: asyncio.Future[str],
) -> None:
    """Run steps until none is ready, or the budget is spent; then what runs comes to its end.

    Args:
        ready: the steps that could run now.
        visit: runs one and says which have to run again; those of them under way are stopped.
        lost: is given an error when a branch is given up for good.

    Raises:
        BudgetSpent: when the others have ended.
        BaseException: the first that a branch raised; the others are stopped.
    """
    running: dict[str, asyncio.Task[frozenset[str]]] = {}
    spent: BudgetSpent | None = None
    try:
        while True:
            for step in ready() if spent is None else ():
                if step.name not in running:
                    running[step.name] = asyncio.ensure_future(_awaited(visit(step)))
            if not running:
                break
            waited: list[asyncio.Future[Any]] = [*running.values(), lost]
            await asyncio.wait(waited, return_when=asyncio.FIRST_COMPLETED)
            if lost.done():
                lost.result()
            for name in [name for name, task in running.items() if task.done()]:
                if name not in running:
                    continue
                try:
                    await _stop(running, running.pop(name).result())
                except BudgetSpent as why:
                    spent = why
        if spent is not None:
            raise spent
    finally:
        for task in running.values():
            task.cancel()
        lost.cancel()


async def _awaited(visit: Awaitable[frozenset[str]]) -> frozenset[str]:
    return await visit


async def _stop(running: dict[str, asyncio.Task[frozenset[str]]], names: frozenset[str]) -> None:
    """Stop what runs on results that are out of date."""
    stopped = [running.pop(name) for name in names if name in running]
    for task in stopped:
        task.cancel()
    if stopped:
        await asyncio.wait(stopped)
