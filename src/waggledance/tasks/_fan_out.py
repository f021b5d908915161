"""Several calls in one step, side by side: equal ones once, as wide as a schedule allows, not waiting for stragglers.

Source: Salesforce 2026, "W&D", arXiv:2602.07359 (parallel tool calls in one step); quorum and time-out are ours.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from math import inf
from typing import TypeVar

from waggledance.core import RunFailed, UsageError
from waggledance.tasks._width import MAX_WIDTH

Ask = TypeVar("Ask")
Answer = TypeVar("Answer")


async def fan_out(
    asks: Sequence[Ask],
    do: Callable[[Ask], Awaitable[Answer]],
    *,
    width: int = 3,
    quorum: int | None = None,
    within_s: float = inf,
) -> tuple[Answer | RunFailed, ...]:
    """Do several things at once; return what came of each, in the order asked.

    Equal asks are done once. When enough have been answered, or the time is over, the rest is cancelled. Only what has
    no other effect than its answer should be done so.

    Args:
        asks: what to do, each hashable.
        do: does one; a `RunFailed` is its answer.
        width: how many at a time, 1 to 64.
        quorum: go on when so many different asks were answered; all when None.
        within_s: go on after so many seconds, > 0.

    Raises:
        UsageError: a number out of range.
    """
    different = list(dict.fromkeys(asks))
    needed = len(different) if quorum is None else min(quorum, len(different))
    if not 1 <= width <= MAX_WIDTH or not within_s > 0 or (quorum is not None and quorum < 1):
        raise UsageError(
            f"calls are made 1 to {MAX_WIDTH} at a time, for a quorum of 1 or more, within more than 0 s; got {width}, "
            f"{quorum}, {within_s}"
        )
    room, answered, enough = asyncio.Semaphore(width), dict[Ask, Answer | RunFailed](), asyncio.Event()
    good: list[Ask] = []

    async def one(ask: Ask) -> None:
        async with room:
            try:
                answered[ask] = await do(ask)
                good.append(ask)
            except RunFailed as why:
                answered[ask] = why
        if len(good) >= needed or len(answered) == len(different):
            enough.set()

    running = [asyncio.create_task(one(ask)) for ask in different]
    try:
        if running:
            async with asyncio.timeout(None if within_s == inf else within_s):
                await _first_error_or(enough, running)
    except TimeoutError:
        pass
    finally:
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
    late = RunFailed("no answer when the others were there, or in time")
    return tuple(answered.get(ask, late) for ask in asks)


async def _first_error_or(enough: asyncio.Event, running: Sequence[asyncio.Task[None]]) -> None:
    """Wait until there are enough; raise what a call raised that is no `RunFailed`."""
    waiting = asyncio.create_task(enough.wait())
    try:
        left: set[asyncio.Task[None] | asyncio.Task[bool]] = {waiting, *running}
        while not waiting.done():
            done, left = await asyncio.wait(left, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
    finally:
        waiting.cancel()
