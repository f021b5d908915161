"""Runs one step for all rows of a batch: so many at once, attempts, time-outs, a second copy for stragglers.

A call runs in the task of its row, so it costs no task of its own. Its time-out is a place in the step's lane
(`Deadlines`); when it falls due, the row's task is cancelled, which the runner tells from any other cancellation by
the mark on the call. A step that does not end when it is cancelled is given up after `GRACE_S` seconds: its row fails,
and a new worker takes the place of the one that is stuck.

Source of hedging: Dean, Barroso 2013, "The tail at scale", doi:10.1145/2408776.2408794: a second request once the
first has taken longer than the 95th percentile of the class, and the first answer wins. Ours waits a fifth longer, and
copies one call in ten at most.
"""

from __future__ import annotations

import asyncio
import os
from collections import deque
from collections.abc import Callable
from math import inf
from typing import Any

import msgspec

from waggledance.core import Meter, RunFailed
from waggledance.tasks._deadlines import Deadlines
from waggledance.tasks._row import Row, Value
from waggledance.tasks._step import ROW, VISIT, Step
from waggledance.tasks._visit import Visit

GRACE_S = 5.0
SAMPLES_BEFORE_HEDGING = 20  # fewer say nothing about a 95th percentile
SAMPLES = 256
SLOWER = 1.2  # than the 95th percentile: where all calls take as long, none of them straggles
COPIES_PER_CALL = 0.1  # at most: when everything gets slow, twice the calls would make it slower
PAUSE_S, LONGEST_PAUSE_S = 0.2, 10.0
REASON_CHARS = 400


class StepFailed(RunFailed):
    """A step failed at a row, after all its attempts; carries the step, the last reason and the attempts."""

    def __init__(self, step: str, reason: str, attempts: int) -> None:
        super().__init__(step, reason, attempts)
        self.step, self.reason, self.attempts = step, reason, attempts

    def __str__(self) -> str:
        tries = "once" if self.attempts == 1 else f"{self.attempts} times"
        return f"step {self.step!r} failed, tried {tries}: {self.reason}"


class GaveUp(BaseException):
    """Raised in the task of a call that ended long after it was given up: whoever waited for it has gone."""


class Wrong(Exception):
    """A result that is not what the step promised; a further attempt may do better at once."""


class Call:
    """One call under way: whose, since when, and what came of it if somebody other than itself ended it."""

    __slots__ = ("copied", "copy", "given_up", "late", "over", "row", "task", "value", "visit")

    def __init__(self, row: Row, visit: Visit, task: asyncio.Task[Any]) -> None:
        self.row, self.visit, self.task = row, visit, task
        self.over = self.late = self.given_up = False
        self.value: Value = None
        self.copy: asyncio.Task[Value] | None = None
        self.copied: Visit | None = None


class StepRunner:
    """One step's calls.

    Args:
        step: what is run.
        meter: admits every attempt.
        run_seed: enters every attempt's seed.
        lost: told a call that was given up.
    """

    def __init__(self, step: Step, meter: Meter, run_seed: int, lost: Callable[[Call], None]) -> None:
        self.step = step
        self.retried = self.hedged = self.timed_out = 0
        self._meter, self._run_seed, self._lost = meter, run_seed, lost
        self._loop, self._pid = asyncio.get_running_loop(), os.getpid()
        self._gate = None if step.width is None else asyncio.Semaphore(step.width)
        self._took_s: deque[float] = deque(maxlen=SAMPLES)
        self._slow_s, self._sampled = inf, 0
        timeout_s = step.timeout_s
        self._late = None if timeout_s is None else Deadlines(lambda: timeout_s, self._time_out)
        self._slow = Deadlines(lambda: self._slow_s, self._start_copy) if step.idempotent else None
        self._stuck = Deadlines(lambda: GRACE_S, self._give_up)
        self._watches = self._late is not None or self._slow is not None
        self._asks_visit, self._judges = VISIT in step.takes, step.schema is not None or step.check is not None

    async def run(self, row: Row) -> Value:
        """Return the step's result at a row; the row's cost grows by that of all attempts.

        Raises:
            StepFailed: every attempt failed.
            BudgetSpent: the budget lets no further attempt start.
        """
        gate = self._gate
        if gate is None:
            return await self._attempts(row)
        await gate.acquire()
        try:
            return await self._attempts(row)
        except GaveUp:
            gate = None  # its place was given back when it was given up
            raise
        finally:
            if gate is not None:
                gate.release()

    def close(self) -> None:
        """Stop every timer."""
        for lane in (self._late, self._stuck, self._slow):
            if lane is not None:
                lane.close()

    async def _attempts(self, row: Row) -> Value:
        step, attempt = self.step, 0
        while True:
            self._meter.admit_call()
            visit = Visit(row.id, step.name, row.hops.count(step.name), attempt, self._run_seed, self._meter)
            pause_s = 0.0
            try:
                if self._watches:
                    return await self._watched(row, visit)
                return await self._once(row, visit)
            except Wrong as why:
                reason = str(why)
            except TimeoutError as why:
                reason = str(why) or "it raised TimeoutError"
            except asyncio.CancelledError:
                task = asyncio.current_task()
                if task is not None and task.cancelling():
                    raise
                reason = "it cancelled itself"
            except Exception as why:  # noqa: BLE001 — whatever a step raises is the row's failure, not the run's
                reason = f"{type(why).__name__}: {why}"
                pause_s = min(PAUSE_S * 2**attempt, LONGEST_PAUSE_S)
            finally:
                row.cost += visit.cost
            attempt += 1
            if attempt > step.retries:
                raise StepFailed(step.name, _short(reason), attempt)
            self.retried += 1
            if pause_s:
                await asyncio.sleep(pause_s)

    def _arguments(self, row: Row, visit: Visit) -> dict[str, Any]:
        results = row.results
        return {name: row if name == ROW else visit if name == VISIT else results[name] for name in self.step.takes}

    def _judged(self, row: Row, value: Value) -> Value:
        step = self.step
        if step.schema is not None:
            try:
                value = msgspec.convert(value, step.schema, from_attributes=True)
            except msgspec.ValidationError as why:
                raise Wrong(f"wrong schema: {why}") from None
        wrong = step.check(row, value) if step.check is not None else None
        if wrong is not None:
            raise Wrong(f"check: {wrong}")
        return value

    async def _once(self, row: Row, visit: Visit) -> Value:
        try:
            value = await self.step.function(**self._arguments(row, visit))
        except SystemExit as why:  # a task that raised it would end the loop, and the run without a word
            raise Wrong(f"it called exit({'' if why.code is None else why.code})") from None
        finally:
            if os.getpid() != self._pid:  # a process that the step forked: the rows are not its own
                os._exit(0)
        return self._judged(row, value) if self._judges else value

    async def _watched(self, row: Row, visit: Visit) -> Value:
        """One attempt that others may end: its time-out, or a copy of it that was faster."""
        task = asyncio.current_task()
        assert task is not None, "steps run in tasks"
        call, began_s = Call(row, visit, task), self._loop.time()
        if self._late is not None:
            self._late.add(call, began_s)
        if self._slow is not None:
            self._slow.add(call, began_s)
        try:
            value = await self._once(row, visit)
        except BaseException:
            if not call.over:
                raise
        else:
            if not call.over:
                call.value = value
        finally:
            self._forget(call)
        if call.given_up:
            raise GaveUp
        if call.over and task.uncancel() > 0:
            raise asyncio.CancelledError
        if call.late:
            raise TimeoutError(f"no end within {self.step.timeout_s:g} s")
        if self._slow is not None:
            self._took(self._loop.time() - began_s)
        return call.value

    def _forget(self, call: Call) -> None:
        for lane in (self._late, self._stuck, self._slow):
            if lane is not None:
                lane.remove(call)
        if call.copied is not None:
            call.row.cost += call.copied.cost
            call.copied = None
        if call.copy is not None and not call.copy.done():
            call.copy.cancel()

    def _time_out(self, call: Call) -> None:
        if not call.over:
            self.timed_out += 1
            call.late = True
            self._end(call)

    def _end(self, call: Call) -> None:
        """End a call from outside; if it does not end when told to, it will be given up."""
        call.over = True
        call.task.cancel()
        self._stuck.add(call, self._loop.time())

    def _give_up(self, call: Call) -> None:
        call.given_up = True
        if self._gate is not None:
            self._gate.release()
        self._lost(call)

    def _start_copy(self, call: Call) -> None:
        if call.over or self.hedged >= COPIES_PER_CALL * self._sampled or self._meter.spent_out() is not None:
            return
        self._meter.admit_call()
        self.hedged += 1
        first = call.visit
        call.copied = Visit(first.row_id, first.step, first.trip, first.attempt, first.run_seed, first.meter)
        call.copy = self._loop.create_task(self._once(call.row, call.copied))
        call.copy.add_done_callback(lambda copy: self._copy_ended(call, copy))

    def _copy_ended(self, call: Call, copy: asyncio.Task[Value]) -> None:
        if copy.cancelled() or copy.exception() is not None or call.over:
            return  # the first is still under way, or has ended itself
        call.value = copy.result()
        self._end(call)

    def _took(self, seconds: float) -> None:
        """Learn how long calls take: the 95th percentile of the last 256."""
        self._took_s.append(seconds)
        self._sampled += 1
        if self._sampled >= SAMPLES_BEFORE_HEDGING and self._sampled % 16 == 4:
            ordered = sorted(self._took_s)
            self._slow_s = SLOWER * ordered[(len(ordered) * 95) // 100]
            if self._slow is not None:
                self._slow.look()


def _short(reason: str) -> str:
    return reason if len(reason) <= REASON_CHARS else f"{reason[: REASON_CHARS - 1]}…"
