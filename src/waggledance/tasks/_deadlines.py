"""Who has waited too long: one timer for all calls of a step, instead of one timer a call.

All calls of a step wait equally long, so they fall due in the order in which they began: a lane is a queue, and only
its head can be due. A call that ends in time costs one insertion and one deletion. Timers were three quarters of a
batch's cost otherwise.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from itertools import takewhile
from typing import Generic, TypeVar

T = TypeVar("T")

MARGIN_S = 1e-6  # a timer may fire a clock tick early; so little early is not waited for again


class Deadlines(Generic[T]):
    """One lane: things that wait, all equally long.

    Args:
        delay_s: how long a thing may wait, in seconds; may change; `inf` for ever.
        due: told each thing that has waited so long, once.
    """

    __slots__ = ("_delay_s", "_due", "_loop", "_since", "_timer")

    def __init__(self, delay_s: Callable[[], float], due: Callable[[T], None]) -> None:
        self._delay_s, self._due = delay_s, due
        self._loop = asyncio.get_running_loop()
        self._since: dict[T, float] = {}
        self._timer: asyncio.TimerHandle | None = None

    def __len__(self) -> int:
        return len(self._since)

    def add(self, thing: T, now: float) -> None:
        """Let a thing wait from `now` on, which is the loop's time."""
        self._since[thing] = now
        if self._timer is None:
            self._arm(now)

    def remove(self, thing: T) -> None:
        """A thing waits no more; removing one that fell due is fine."""
        self._since.pop(thing, None)

    def close(self) -> None:
        """Forget everything."""
        self._since.clear()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def look(self) -> None:
        """Tell who is due now, and set the timer for the next."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        until = self._loop.time() - self._delay_s() + MARGIN_S
        for thing in self._head(until):
            if self._since.pop(thing, None) is not None:
                self._due(thing)
        for since in self._since.values():
            self._arm(since)
            break

    def _head(self, until: float) -> list[T]:
        return [thing for thing, _ in takewhile(lambda item: item[1] <= until, self._since.items())]

    def _arm(self, since: float) -> None:
        delay_s = self._delay_s()
        if delay_s != float("inf"):
            self._timer = self._loop.call_at(since + delay_s, self.look)
