"""Rows in blocks to workers that may die, and what happened to them back to the one place that keeps it.

Each row's state is here as far as workers have told it. When a worker dies, its rows go to another as they stand here:
what is done again are the calls that were in flight, and those that ended within the last `FLUSH_S` and were not told.
A row ends once, because only the worker that has it in hand is listened to. Rows are read from the source as workers
have room, so memory is bounded by `in_flight` and a block ahead for each worker.

Source: Matrix (arXiv 2511.21686): state travels with the row. What differs: blocks of rows instead of a message a hop,
and a lost worker's rows are taken up again, where Matrix writes them off.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterable, Awaitable, Callable, Iterable, Mapping
from operator import sub
from typing import Any, Protocol

from msgspec.structs import astuple

from waggledance.core import Budget, Cost, LoopClock, Meter, RunFailed, UsageError
from waggledance.tasks._batch_journal import Journal
from waggledance.tasks._batch_report import BatchReport
from waggledance.tasks._on_ray_rows import AHEAD, RowSource
from waggledance.tasks._on_ray_worker import SKIPPED, Counts, RowState, Told, failure_of, state_of
from waggledance.tasks._pipeline import Pipeline
from waggledance.tasks._row import Failure, Row, Value
from waggledance.tasks._row_names import RowNames
from waggledance.tasks._step import Step

DEATHS = 3
"""When a worker died so often in a row without ending any row, those that it had in hand each time fail."""
LOOK_S = 0.2
"""While rows may still come, a worker with room is asked at least so often, in seconds."""
LONG_S = 3_600.0


class WorkerDied(RunFailed):
    """A worker is gone, and with it its calls in flight; carries what is known of why."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why

    def __str__(self) -> str:
        return f"a worker died: {self.why}"


class Worker(Protocol):
    """A `RowWorker` somewhere."""

    async def trade(self, rows: list[RowState], wait_s: float, *, more: bool) -> list[Told]:
        """Do as `RowWorker.trade`.

        Raises:
            WorkerDied: it is gone.
        """
        ...

    async def finish(self) -> Counts:
        """Do as `RowWorker.finish`.

        Raises:
            WorkerDied: it is gone.
        """
        ...

    async def dismiss(self) -> None:
        """Make sure that it is gone."""
        ...


Hire = Callable[[int], Awaitable[Worker]]
"""Starts a worker at a place, 0 to workers - 1; raises `WorkerDied` when that worker is gone at once."""


class _Hand:
    """The rows that one worker has, by id, and how many it ended."""

    def __init__(self) -> None:
        self.rows: dict[str, Row] = {}
        self.ended = 0


class Blocks:
    """One run of a batch on several workers.

    Args:
        pipeline: the steps, as the workers make them too.
        rows: what goes in.
        hire: starts a worker.
        workers: how many places there are.
        in_flight: rows under way at once, over all workers.
        journal, budget, out, report: as for `run_rows`.
    """

    def __init__(
        self,
        pipeline: Pipeline,
        rows: Iterable[Row | Mapping[str, Any]] | AsyncIterable[Row | Mapping[str, Any]],
        hire: Hire,
        *,
        workers: int,
        in_flight: int,
        journal: Journal | None,
        budget: Budget,
        out: Callable[[Row], None] | None,
        report: BatchReport,
    ) -> None:
        self._pipeline, self._hire, self._workers = pipeline, hire, workers
        self._room = -(-in_flight // workers)
        self._room += min(self._room, AHEAD)
        self._journal, self._out, self.report = journal, out, report
        if journal is not None:
            report.cost_before = journal.cost_before
        self._meter = Meter(budget, LoopClock())
        self._meter.calls = report.cost_before.calls
        self._meter.charge(report.cost_before)
        self._source = RowSource(rows)
        self._named = RowNames()
        self._again = deque[Row]()
        self._deaths: dict[str, int] = {}
        self._kept: dict[int, Row] = {}
        self._began_s = asyncio.get_running_loop().time()

    async def run(self) -> BatchReport:
        """Run to the end of the rows, or of the budget."""
        report = self.report
        places = [asyncio.create_task(self._serve(place)) for place in range(self._workers)]
        try:
            done, _ = await asyncio.wait(places, return_when=asyncio.FIRST_EXCEPTION)
            for place in done:
                place.result()
            report.status = "budget" if report.limit else "complete"
        except BaseException:
            report.status = "interrupted"
            raise
        finally:
            for place in places:
                place.cancel()
            await asyncio.gather(*places, return_exceptions=True)
            self._source.close()
            report.in_flight = 0
        report.ended = tuple(self._kept[at] for at in sorted(self._kept))
        return report

    async def _serve(self, place: int) -> None:
        """Keep one place manned until no row is left."""
        fruitless = 0
        while True:
            hand, worker = _Hand(), None
            try:
                worker = await self._hire(place)
                await self._trade_with(worker, hand)
                self._count(await worker.finish())
                return
            except WorkerDied as why:
                fruitless = 0 if hand.ended else fruitless + 1
                self._take_back(hand, why, fruitless)
            finally:
                if worker is not None:
                    await worker.dismiss()

    async def _trade_with(self, worker: Worker, hand: _Hand) -> None:
        """Feed one worker, and take in what it tells, until it has nothing in hand and nothing is left."""
        rows = hand.rows
        while True:
            block = await self._block(self._room - len(rows), wait=not rows)
            rows.update((row.id, row) for row in block)
            if not rows:
                return
            self.report.in_flight += len(block)
            more = bool(self._again) or not (self._source.ended or self.report.limit)
            wait_s = LOOK_S if more and len(rows) < self._room else LONG_S
            for told in await worker.trade([state_of(row) for row in block], wait_s, more=more):
                self._take_in(told, hand)
            self._look_at_the_time()

    async def _block(self, most: int, *, wait: bool) -> list[Row]:
        """Take up to `most` rows that need work: those that a dead worker left first."""
        block: list[Row] = []
        while self._again and len(block) < most:
            block.append(self._again.popleft())
        while len(block) < most and not self.report.limit:
            some = await self._source.some(most - len(block), wait=wait and not block)
            for item in some:
                row = self._named.row(item)
                if self._journal is not None and self._journal.begin(row, self._pipeline):
                    self.report.reused += 1
                elif row.failure is not None:
                    self._end(row)
                else:
                    self.report.reused_results += len(row.hops)
                    block.append(row)
            if not some:
                break
        return block

    # -- what workers tell ------------------------------------------------------------------------------------------

    def _take_in(self, told: Told, hand: _Hand) -> None:
        id, step, value, cost = told
        row = hand.rows.get(id)
        if row is None:
            return
        self._spend(row, Cost(*cost))
        if step is None:
            row.failure = failure_of(value)
            self._end_in(hand, row)
            return
        try:
            self._settle(row, self._pipeline[step], value)
        except UsageError as why:
            row.failure = Failure(step, str(why), 1)
            self._end_in(hand, row)

    def _settle(self, row: Row, step: Step, value: Value) -> None:
        """Keep what came of a step, and put it into the row."""
        journal = self._journal
        if value is SKIPPED:
            if journal is not None:
                journal.skip(row, step)
            self._pipeline.skip(row, step)
        else:
            if journal is not None:
                value = journal.result(row, step, value)
            self._pipeline.settle(row, step, value)

    def _spend(self, row: Row, cost: Cost) -> None:
        """Bring a row's cost, and the run's, up to date."""
        before, row.cost = row.cost, cost
        more = Cost(*map(sub, astuple(cost), astuple(before)))
        self._meter.calls += more.calls
        self._meter.charge(more)
        self.report.cost += more

    def _end_in(self, hand: _Hand, row: Row) -> None:
        del hand.rows[row.id]
        hand.ended += 1
        self._deaths.pop(row.id, None)
        self.report.in_flight -= 1
        self._end(row)

    def _end(self, row: Row) -> None:
        if self._journal is not None:
            self._journal.end(row)
        self.report.count(row)
        if self._out is not None:
            self._out(row)
        else:
            self._kept[row.at] = row

    def _take_back(self, hand: _Hand, why: WorkerDied, fruitless: int) -> None:
        """Take a dead worker's rows back, as far as they had come; give up those that kill whoever takes them.

        Raises:
            RunFailed: workers die one after another before they had a row.
        """
        if fruitless >= DEATHS and not hand.rows:
            raise RunFailed(f"{fruitless} workers in a row died before they took a row; the last: {why.why}")
        for row in list(hand.rows.values()):
            deaths = self._deaths[row.id] = self._deaths.get(row.id, 0) + 1
            if fruitless >= DEATHS and deaths >= DEATHS:
                step = self._pipeline.ready(row)[0].name
                reason = f"{deaths} workers that had this row in hand died; the last: {why.why}"
                row.failure = Failure(step, reason, deaths)
                self._end_in(hand, row)
        self._again.extend(hand.rows.values())
        self.report.in_flight -= len(hand.rows)

    def _count(self, counts: Counts) -> None:
        report = self.report
        report.retried += counts.retried
        report.hedged += counts.hedged
        report.timed_out += counts.timed_out
        report.stuck += counts.stuck

    def _look_at_the_time(self) -> None:
        report = self.report
        report.seconds = asyncio.get_running_loop().time() - self._began_s
        if not report.limit and (spent := self._meter.spent_out()) is not None:
            report.limit = str(spent)
