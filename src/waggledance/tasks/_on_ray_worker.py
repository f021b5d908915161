"""One worker of a batch that runs in several processes: the engine of one process, fed in blocks of rows.

It knows nothing of Ray: rows come and what happened to them goes in one call, `trade`, so that the cost of a call
between processes is shared by some hundred rows. It holds no more rows than it is given, so whoever feeds it bounds it.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import AsyncIterator, Callable
from typing import Any, TypeAlias

import msgspec
from msgspec.structs import astuple

from waggledance.core import NO_COST, Cost, RunFailed
from waggledance.tasks._batch import run_rows
from waggledance.tasks._batch_report import BatchReport
from waggledance.tasks._pipeline import Pipeline
from waggledance.tasks._row import Failure, Row, Value
from waggledance.tasks._row_journal import encoded_result, read_back
from waggledance.tasks._step import Step

ENOUGH = 1_024
"""So much that has happened is told at once; three steps and the end of 256 rows."""
FLUSH_S = 0.02
"""Nothing that has happened waits longer than this, in seconds; it is what the death of a worker may cost beside its
calls in flight."""

Told: TypeAlias = tuple[str, str | None, Value, tuple[int, ...]]
"""What happened to a row: its id, the step (None: the row has ended), the step's result (or the row's failure, as its
fields, or None), and what the row has cost so far."""
RowState: TypeAlias = tuple[str, Any, dict[str, Value], list[str], dict[str, Value], tuple[int, ...]]
"""All of a row that travels: id, data, results, hops, earlier results, cost."""


class _Skipped:
    """Stands for the result of a step that was skipped; one object in every process."""

    def __reduce__(self) -> str:
        return "SKIPPED"


SKIPPED = _Skipped()


class Counts(msgspec.Struct, frozen=True):
    """What only the engine counts."""

    retried: int = 0
    hedged: int = 0
    timed_out: int = 0
    stuck: int = 0


def state_of(row: Row) -> RowState:
    """Return all of a row that travels."""
    return row.id, row.data, row.results, row.hops, row.earlier, astuple(row.cost)


class RowWorker:
    """Runs rows through a pipeline, in the process it is made in.

    Args:
        make: makes the pipeline here.
        digest: of the pipeline that the rows are meant for.
        in_flight: how many rows are under way at once.
        seed: of the run.
    """

    def __init__(self, make: Callable[[], Pipeline], digest: bytes, in_flight: int, seed: int) -> None:
        self._make, self._digest = make, digest
        self._in_flight, self._seed = in_flight, seed
        self._report = BatchReport()
        self._fed = deque[RowState]()
        self._told: list[Told] = []
        self._to_come = self._ended = False
        self._run: asyncio.Task[BatchReport] | None = None
        self._more, self._enough = asyncio.Event(), asyncio.Event()

    async def trade(self, rows: list[RowState], wait_s: float, *, more: bool) -> list[Told]:
        """Take rows, and return what has happened since the last call.

        Returns once `ENOUGH` has happened, or something `FLUSH_S` ago, or `wait_s` is over.

        Args:
            rows: to run; no row that this worker has had already.
            wait_s: how long to wait at most for something to happen.
            more: whether there are more rows to be had: then it also returns as soon as there is nothing left to start.

        Raises:
            RunFailed: the pipeline that is made here is another one than the rows are meant for.
            whatever else ended the engine.
        """
        if self._run is None:
            self._run = asyncio.create_task(self._engine())
            self._run.add_done_callback(lambda _: self._enough.set())
        self._fed.extend(rows)
        self._to_come = more
        self._more.set()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(wait_s):
                await self._enough.wait()
        if self._run.done():
            self._run.result()
        told, self._told = self._told, []
        self._enough.clear()
        return told

    async def finish(self) -> Counts:
        """Take no more rows, and return what was counted once all that came have ended."""
        self._ended = True
        self._more.set()
        report = self._report if self._run is None else await self._run
        return Counts(report.retried, report.hedged, report.timed_out, report.stuck)

    async def _engine(self) -> BatchReport:
        pipeline = self._make()
        if pipeline.digest != self._digest:
            raise RunFailed(
                "a worker's pipeline is another one than the batch's: its code or plan is of another version. Bring "
                f"both to one. The worker's:\n{pipeline.described}"
            )
        return await run_rows(
            pipeline,
            self._feed(),
            in_flight=self._in_flight,
            journal=self,
            seed=self._seed,
            out=lambda row: None,
            report=self._report,
        )

    async def _feed(self) -> AsyncIterator[Row]:
        while True:
            while self._fed:
                id, data, results, hops, earlier, cost = self._fed.popleft()
                yield Row(id, data, results, hops, earlier, cost=Cost(*cost))
            if self._ended:
                return
            self._more.clear()
            if self._told and self._to_come:
                self._enough.set()
            await self._more.wait()

    # -- the engine's journal: what happens is told -----------------------------------------------------------------

    @property
    def cost_before(self) -> Cost:
        """Return nothing: what earlier runs cost is counted where rows come from."""
        return NO_COST

    def begin(self, row: Row, pipeline: Pipeline) -> bool:
        """Take a row as it came: it brings its results along."""
        return False

    def result(self, row: Row, step: Step, value: Value) -> Value:
        """Tell a step's result; return it as a journal would."""
        value = read_back(step, value, encoded_result(step, value))
        self._tell((row.id, step.name, value, astuple(row.cost)))
        return value

    def skip(self, row: Row, step: Step) -> None:
        """Tell that a step was skipped."""
        self._tell((row.id, step.name, SKIPPED, astuple(row.cost)))

    def end(self, row: Row) -> None:
        """Tell a row's end."""
        self._tell((row.id, None, row.failure and astuple(row.failure), astuple(row.cost)))

    def _tell(self, told: Told) -> None:
        if not self._told:
            asyncio.get_running_loop().call_later(FLUSH_S, self._enough.set)
        self._told.append(told)
        if len(self._told) >= ENOUGH:
            self._enough.set()


def failure_of(fields: tuple[str, str, int] | None) -> Failure | None:
    """Return a row's failure from its fields."""
    return None if fields is None else Failure(*fields)
