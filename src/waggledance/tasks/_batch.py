"""The batch engine: many rows through a pipeline, each at its own pace.

A worker takes a row, carries it through all its steps, and takes the next: a new row starts the moment one ends, and
no row waits for a batch to fill. Rows are read only as workers get free, so nothing ever piles up. There is one task a
row in flight, none a call, except where steps of one row run side by side.

Source: Matrix (arXiv 2511.21686), row-level scheduling; its dispatchers and actors are gone.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterable, AsyncIterator, Callable, Iterable, Iterator, Mapping
from functools import partial
from typing import Any, TypeVar

from msgspec.structs import astuple

from waggledance.core import Budget, BudgetSpent, Cost, LoopClock, Meter, UsageError
from waggledance.tasks._batch_journal import Journal
from waggledance.tasks._batch_report import BatchReport
from waggledance.tasks._branches import run_branches
from waggledance.tasks._collector import fewer_collections
from waggledance.tasks._pipeline import Pipeline
from waggledance.tasks._row import Failure, Row
from waggledance.tasks._row_names import RowNames
from waggledance.tasks._step import Step
from waggledance.tasks._step_runner import Call, GaveUp, StepFailed, StepRunner

T = TypeVar("T")

MAX_IN_FLIGHT = 100_000
BREATH_S = 0.01
"""Steps that never wait would keep the event loop for themselves; so often it gets a turn."""
LAST_WAIT_S = 5.0


async def run_rows(
    pipeline: Pipeline,
    rows: Iterable[Row | Mapping[str, Any]] | AsyncIterable[Row | Mapping[str, Any]],
    *,
    in_flight: int = 100,
    journal: Journal | None = None,
    budget: Budget | None = None,
    seed: int = 0,
    out: Callable[[Row], None] | None = None,
    report: BatchReport | None = None,
) -> BatchReport:
    """Take rows through a pipeline.

    A row that fails ends with its `Row.failure` and the others go on. Results depend on the rows, the pipeline and the
    seed, never on the order or on how many rows are in flight, as long as the steps draw from `Visit.seed` alone.
    While it runs, the process's garbage collector looks less often (`gc.set_threshold`); then it is as it was.

    Args:
        pipeline: the steps.
        rows: what goes in, read as it is needed: `Row`, or mappings of fields; a field ``id`` names the row.
        in_flight: how many rows are under way at once, 1 to 100,000.
        journal: keeps what is done.
        budget: limits of the whole run; a reached one lets calls in flight end, and starts none.
        seed: of the run; enters every `Visit.seed`.
        out: told each row as it ends; without it, they are in the report. Raising ends the run.
        report: is filled in while the run goes on, for whoever watches.

    Raises:
        UsageError: in_flight is out of range.
        RunFailed: the journal cannot be written; what it holds is intact.
    """
    if not 1 <= in_flight <= MAX_IN_FLIGHT:
        raise UsageError(f"in_flight is 1 to {MAX_IN_FLIGHT:,}, got {in_flight}")
    batch = Batch(pipeline, rows, in_flight, journal, budget or Budget(), seed, out, report or BatchReport())
    with fewer_collections(in_flight):
        return await batch.run()


class Batch:
    """One run of a batch; see `run_rows`."""

    def __init__(
        self,
        pipeline: Pipeline,
        rows: Iterable[Row | Mapping[str, Any]] | AsyncIterable[Row | Mapping[str, Any]],
        in_flight: int,
        journal: Journal | None,
        budget: Budget,
        seed: int,
        out: Callable[[Row], None] | None,
        report: BatchReport,
    ) -> None:
        self._pipeline, self._in_flight, self._journal, self.report = pipeline, in_flight, journal, report
        self._loop = asyncio.get_running_loop()
        self._meter = Meter(budget, LoopClock())
        if journal is not None:
            report.cost_before = journal.cost_before
        self._meter.calls = report.cost_before.calls
        self._meter.charge(report.cost_before)
        self._runners = {step.name: StepRunner(step, self._meter, seed, self._lose) for step in pipeline.steps}
        self._out = out
        self._kept: dict[int, Row] = {}
        self._named = RowNames()
        self._source: Iterator[Any] | None = None
        self._later: AsyncIterator[Any] | None = None
        if isinstance(rows, AsyncIterable):
            self._later, self._turn = aiter(rows), asyncio.Lock()
        else:
            self._source = iter(rows)
        self._workers: set[asyncio.Task[None]] = set()
        self._lost: set[asyncio.Task[Any]] = set()
        self._beside: dict[int, asyncio.Future[str]] = {}
        self._exhausted = False
        self._over: asyncio.Future[None] = self._loop.create_future()
        self._breathed_s = self._began_s = self._loop.time()

    async def run(self) -> BatchReport:
        """Run to the end of the rows, or of the budget."""
        report = self.report
        self._hire()
        try:
            await self._over
            report.status = "budget" if report.limit else "complete"
        except BaseException:
            report.status = "interrupted"
            raise
        finally:
            await self._wind_up()
        report.ended = tuple(self._kept[at] for at in sorted(self._kept))
        return report

    def tally(self) -> BatchReport:
        """Bring the report up to date."""
        report, meter, before = self.report, self._meter, self.report.cost_before
        runners = self._runners.values()
        report.retried = sum(runner.retried for runner in runners)
        report.hedged = sum(runner.hedged for runner in runners)
        report.timed_out = sum(runner.timed_out for runner in runners)
        report.cost = Cost(*(now - then for now, then in zip(astuple(meter.cost), astuple(before), strict=True)))
        report.seconds = self._loop.time() - self._began_s
        return report

    async def _wind_up(self) -> None:
        for worker in self._workers:
            worker.cancel()
        if self._workers:
            await asyncio.wait(self._workers, timeout=LAST_WAIT_S)
        for task in self._lost:
            task.cancel()
        for runner in self._runners.values():
            runner.close()
        self.tally()
        self.report.in_flight = 0

    # -- workers ----------------------------------------------------------------------------------------------------

    def _hire(self) -> None:
        worker = self._loop.create_task(self._work())
        self._workers.add(worker)
        worker.add_done_callback(self._leave)

    def _leave(self, worker: asyncio.Task[None]) -> None:
        self._workers.discard(worker)
        why = None if worker.cancelled() else worker.exception()
        if self._over.done() or isinstance(why, GaveUp):
            return
        if why is not None:
            self._over.set_exception(why)
        elif not self._workers:
            self._over.set_result(None)

    async def _work(self) -> None:
        report = self.report
        while not report.limit:
            row = await self._next()
            if row is None:
                return
            for _ in range(min(2, self._in_flight - len(self._workers)) if not self._exhausted else 0):
                self._hire()
            report.in_flight += 1
            try:
                await self._carry(row)
            except BudgetSpent as why:
                report.limit = report.limit or str(why)
                return
            except GaveUp:
                report.in_flight += 1  # its row was ended, and taken off, when it was given up
                raise
            finally:
                report.in_flight -= 1
            self._end(row)
            await self._breathe()

    async def _next(self) -> Row | None:
        """Take rows until one needs work; None at the end."""
        while not self._exhausted:
            item = await self._later_item() if self._source is None else next(self._source, None)
            if item is None:
                self._exhausted = True
                break
            row = self._named.row(item)
            if self._journal is not None and self._journal.begin(row, self._pipeline):
                self.report.reused += 1
            elif row.failure is not None:
                self._end(row)
            else:
                self.report.reused_results += len(row.hops)
                return row
            await self._breathe()
        return None

    async def _later_item(self) -> Any:
        assert self._later is not None
        async with self._turn:
            return None if self._exhausted else await anext(self._later, None)

    async def _breathe(self) -> None:
        now_s = self._loop.time()
        if now_s - self._breathed_s > BREATH_S:
            self._breathed_s = now_s
            self.tally()
            await asyncio.sleep(0)

    # -- one row ----------------------------------------------------------------------------------------------------

    async def _carry(self, row: Row) -> None:
        """Take a row to its end, or to its failure."""
        pipeline = self._pipeline
        try:
            while ready := pipeline.ready(row):
                if len(ready) == 1:
                    await self._visit(row, ready[0])
                else:
                    await self._side_by_side(row)
        except StepFailed as why:
            row.failure = Failure(why.step, why.reason, why.attempts)

    async def _visit(self, row: Row, step: Step) -> frozenset[str]:
        """Run a step at a row, or skip it; return the steps that have to run again."""
        journal = self._journal
        if step.when is not None and not _asked(step, "when", step.when, row):
            if journal is not None:
                journal.skip(row, step)
            self._pipeline.skip(row, step)
            return frozenset()
        value = await self._runners[step.name].run(row)
        if not row.results.keys() >= set(step.needs):
            return frozenset()  # a loop led back in this very moment: it rests on what is out of date
        if journal is not None:
            try:
                value = journal.result(row, step, value)
            except UsageError as why:
                raise StepFailed(step.name, str(why), 1) from None
        return _asked(step, "back", self._pipeline.settle, row, step, value)

    async def _side_by_side(self, row: Row) -> None:
        lost = self._beside[row.at] = self._loop.create_future()
        try:
            await run_branches(partial(self._pipeline.ready, row), partial(self._visit, row), lost)
        finally:
            del self._beside[row.at]

    def _end(self, row: Row) -> None:
        if self._journal is not None:
            self._journal.end(row)
        self.report.count(row)
        if self._out is not None:
            self._out(row)
        else:
            self._kept[row.at] = row

    def _lose(self, call: Call) -> None:
        """Write a row off whose call does not end, and go on without its worker."""
        self.report.stuck += 1
        self._lost.add(call.task)
        reason = f"did not end when it was cancelled after {self._pipeline[call.visit.step].timeout_s} s: given up"
        beside = self._beside.get(call.row.at)
        if beside is not None:
            if not beside.done():
                beside.set_exception(StepFailed(call.visit.step, reason, call.visit.attempt + 1))
            return
        call.row.failure = Failure(call.visit.step, reason, call.visit.attempt + 1)
        self.report.in_flight -= 1
        self._end(call.row)
        self._hire()
        self._workers.discard(call.task)


def _asked(step: Step, what: str, question: Callable[..., T], *about: Any) -> T:
    """Return what a function of the pipeline's author says; if it raises, the row has failed."""
    try:
        return question(*about)
    except Exception as why:
        raise StepFailed(step.name, f"its {what} raised {type(why).__name__}: {why}", 1) from why
