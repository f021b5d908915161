"""Virtual time: an asyncio event loop that never sleeps.

When nothing is ready to run, the clock jumps to the next timer. When there is no timer either, nothing can happen any
more: that is a `Deadlock`, raised out of the run with the names of those who wait. Files, sockets and threads live in
real time, so the loop refuses them instead of hanging on them.

The idea is trio's ``MockClock(autojump_threshold=0)``, on asyncio's own selector interface. Timers are kept by time
and, of equal times, by when they were set; asyncio's own heap compares them in Python, a twelfth of what a run costs.
"""

from __future__ import annotations

import asyncio
import selectors
from collections import deque
from collections.abc import Callable, Mapping
from contextvars import Context
from heapq import heapify, heappop, heappush
from math import inf
from typing import Any, NoReturn, TypeVarTuple, cast

from waggledance.core import RunFailed, UsageError

Ts = TypeVarTuple("Ts")
LINES_SHOWN = 8
TIMERS_KEPT = 128
"""From so many timers on it is looked now and then which of them were cancelled."""


class Deadlock(RunFailed):
    """Nothing can happen any more, and the run is not over; carries who waits for what, and the virtual time."""

    def __init__(self, waiting: tuple[str, ...], virtual_s: float) -> None:
        super().__init__(waiting, virtual_s)
        self.waiting, self.virtual_s = waiting, virtual_s

    def __str__(self) -> str:
        shown = "; ".join(self.waiting[:LINES_SHOWN]) or "no peer waits on its channel: look for an await of its own"
        more = len(self.waiting) - LINES_SHOWN
        return (
            f"deadlock after {self.virtual_s:g} s of virtual time, nothing can happen any more: {shown}"
            f"{f'; and {more} more' if more > 0 else ''}. Give each wait a time, as in everyone | after(30)"
        )


class Endless(RunFailed):
    """A run is not over by the end of the time it was given; carries who waits for what, and the virtual time."""

    def __init__(self, waiting: tuple[str, ...], virtual_s: float) -> None:
        super().__init__(waiting, virtual_s)
        self.waiting, self.virtual_s = waiting, virtual_s

    def __str__(self) -> str:
        shown = "; ".join(self.waiting[:LINES_SHOWN]) or "no peer waits on its channel"
        return (
            f"no end after {self.virtual_s:g} s of virtual time: {shown}. Look for a protocol that asks on and on "
            "or give the simulation a longer limit_s"
        )


class VirtualLoop(asyncio.SelectorEventLoop):
    """An event loop whose clock starts at 0 and jumps; two runs of the same program see the same times.

    Args:
        limit_s: a run that is not over by then is ended.

    Raises out of whatever runs on it:
        Deadlock: nothing is ready and no timer is set.
        Endless: the limit is reached.
        UsageError: something asked for a socket, a pipe, a child process or a thread.
    """

    def __init__(self, limit_s: float = inf) -> None:
        self.explain: list[Callable[[], list[str]]] = []
        """Asked for one line for everyone who waits, when there is a deadlock."""
        self._jumping = _JumpingSelector(limit_s, self._who_waits)
        super().__init__(self._jumping)
        self._jumping.ready = cast("deque[asyncio.Handle]", getattr(self, "_ready"))  # noqa: B009 — typeshed lacks it
        self._clock_resolution = 1e-9  # of the machine's clock otherwise, and so not the same everywhere

    def time(self) -> float:
        """Return virtual seconds since the loop was made."""
        return self._jumping.now

    def call_at(
        self, when: float, callback: Callable[[*Ts], object], *args: *Ts, context: Context | None = None
    ) -> asyncio.TimerHandle:
        """Call back at a moment; of two at the same moment, the one that was asked for first comes first."""
        return self._jumping.timers.set(asyncio.TimerHandle(when, callback, args, self, context))

    def advance(self, to: float) -> bool:
        """Jump to a moment within a callback, if nothing else would run before it; say whether that was done.

        Saves who has many events of its own a turn of the loop for each.
        """
        jumping = self._jumping
        return not jumping.ready and jumping.timers.next_at > to and jumping.advance(to)

    def run_in_executor(self, executor: Any, func: Callable[[*Ts], Any], *args: *Ts) -> NoReturn:
        """Refuse.

        Raises:
            UsageError: always.
        """
        raise UsageError(
            f"{getattr(func, '__qualname__', func)} asks for a thread, which lives in real time: in virtual time "
            "use peers that compute (scripted or recorded models, functions), or network=Local() for real ones"
        )

    def call_exception_handler(self, context: dict[str, Any]) -> None:
        """Raise out of the run what a callback of the simulator raised; leave the rest to asyncio."""
        why = context.get("exception")
        if "handle" in context and isinstance(why, BaseException):
            self._jumping.broken = why
        else:
            super().call_exception_handler(context)

    def _who_waits(self) -> tuple[str, ...]:
        return tuple(sorted(line for lines in self.explain for line in lines()))


class _Timers:
    """Timers by their time; of equal times, the one that was set first comes first."""

    def __init__(self) -> None:
        self._heap: list[tuple[float, int, asyncio.TimerHandle]] = []
        self._set = 0
        self._most = TIMERS_KEPT

    def set(self, timer: asyncio.TimerHandle) -> asyncio.TimerHandle:
        self._set += 1
        heappush(self._heap, (timer.when(), self._set, timer))
        if len(self._heap) > self._most:
            self._heap = [row for row in self._heap if not row[2].cancelled()]
            heapify(self._heap)
            self._most = max(TIMERS_KEPT, 2 * len(self._heap))
        return timer

    @property
    def next_at(self) -> float:
        """When the next one that was not cancelled is due; infinite without any."""
        heap = self._heap
        while heap and heap[0][2].cancelled():
            heappop(heap)
        return heap[0][0] if heap else inf

    def due(self, now: float) -> list[asyncio.TimerHandle]:
        """Take out those whose time has come, in their order."""
        due: list[asyncio.TimerHandle] = []
        while self._heap and self._heap[0][0] <= now:
            due.append(heappop(self._heap)[2])
        return due


class _JumpingSelector(selectors.BaseSelector):
    """Selects nothing, and lets time pass instead. Knows one file only: the loop's own wake-up pipe."""

    def __init__(self, limit_s: float, who_waits: Callable[[], tuple[str, ...]]) -> None:
        self.now = 0.0
        self.timers = _Timers()
        self.ready: deque[asyncio.Handle] = deque()
        """What the loop runs next."""
        self.broken: BaseException | None = None
        self._limit_s, self._who_waits = limit_s, who_waits
        self._keys: dict[Any, selectors.SelectorKey] = {}

    def register(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:
        if self._keys:
            raise UsageError(
                "this code waits for a socket, a pipe or a child process, which live in real time: in virtual time use "
                "peers that compute (scripted or recorded models, functions), or network=Local() for real ones"
            )
        fd = cast("int", fileobj if isinstance(fileobj, int) else fileobj.fileno())
        key = self._keys[fileobj] = selectors.SelectorKey(fileobj, fd, events, data)
        return key

    def unregister(self, fileobj: Any) -> selectors.SelectorKey:
        return self._keys.pop(fileobj)

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if self.broken is not None:
            why, self.broken = self.broken, None
            raise why
        if timeout is None:  # nothing is ready
            at = self.timers.next_at
            if at == inf:
                raise Deadlock(self._who_waits(), self.now)
            self.now = max(self.now, at)
        if self.now > self._limit_s:
            self._limit_s = inf  # what is left to do is to clean up
            raise Endless(self._who_waits(), self.now)
        self.ready.extend(self.timers.due(self.now))
        return []

    def advance(self, to: float) -> bool:
        if to > self._limit_s:
            return False
        self.now = max(self.now, to)
        return True

    def get_map(self) -> Mapping[Any, selectors.SelectorKey]:
        return self._keys
