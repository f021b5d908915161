"""`waggle run`: a plan, rows in, rows out; what is done stays done, whatever ends it."""

from __future__ import annotations

import asyncio
import gc
import os
import stat
import sys
from collections.abc import AsyncGenerator, AsyncIterable, Callable, Iterable, Iterator, Mapping
from contextlib import aclosing, chdir
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Literal

import msgspec
import typer

from waggledance.cli._config import InForce, in_force
from waggledance.cli._counted import counted
from waggledance.cli._ending import INTERRUPTED, complain
from waggledance.cli._printing import print_json, print_text, say, terminal
from waggledance.cli._run_models import models_of, pipeline_with
from waggledance.cli._run_on_ray import pipeline_at_worker
from waggledance.cli._run_prints import prints_apart
from waggledance.cli._run_view import BatchView, summary
from waggledance.core import Budget, UsageError, run_awake
from waggledance.models import Model
from waggledance.tasks import (
    BatchFile,
    BatchReport,
    Failure,
    Pipeline,
    Row,
    RowJournal,
    RowsOut,
    piped_rows,
    read_rows,
    run_on_ray,
    run_rows,
)
from waggledance.tasks._row_names import READING, name_of
from waggledance.tasks._rows_in import lines_of

NOT_ALL_DONE = 3
COUNTED_BYTES = 1 << 30
Item = Row | Mapping[str, Any]
Rows = Callable[[], Iterable[Item] | AsyncGenerator[Item]]


@dataclass(frozen=True)
class Batch:
    """What the command line asked for."""

    plan: Path
    rows: str
    """A file, or ``-`` for JSON lines on stdin."""
    out: Path
    in_flight: int | None = None
    fresh: bool = False
    again: bool = False
    order: Literal["input", "ended"] = "input"
    max_row_bytes: int = 1 << 20
    quiet: bool = False
    as_json: bool = False
    on: Literal["here", "ray"] = "here"
    ray_address: str | None = None

    @property
    def journal(self) -> Path:
        """Where what is done is kept."""
        return self.out.with_name(f"{self.out.name}.journal")


def run(batch: Batch, flags: Mapping[str, object], *, config: Path | None) -> None:
    """Run a batch and print what became of it.

    Args:
        batch: which plan and rows, and how.
        flags: settings from the command line, by key; None is "not given".
        config: a waggle.toml.
    """
    force = in_force(flags, config=config)
    tell = _nothing if batch.quiet else say
    plan = BatchFile(batch.plan)
    if batch.rows != "-" and Path(batch.rows).absolute() == batch.out.absolute():
        raise UsageError(f"{batch.out} is both rows and output: write elsewhere with --out")
    if batch.out.is_file() and not (batch.fresh or batch.journal.exists()):
        raise UsageError(
            f"{batch.out} is there already, and no journal beside it says how it came about: write elsewhere with "
            "--out, or say --fresh, which writes over it"
        )
    seed = force.settings.ask.seed if force.by_flag("ask.seed") else plan.seed
    limits = msgspec.structs.asdict(plan.budget) | {
        name: limit for name, limit in msgspec.structs.asdict(force.settings.budget).items() if limit is not None
    }
    report = BatchReport()
    out = RowsOut(batch.out)
    in_flight = plan.in_flight if batch.in_flight is None else batch.in_flight
    models = models_of(plan, force, in_flight)
    pipeline = pipeline_with(plan, models, force)
    rows = _rows(batch)  # before there is a journal: rows that cannot be read leave nothing behind
    with RowJournal(batch.journal, pipeline, seed=seed, fresh=batch.fresh, again=batch.again) as journal:
        if journal.cut_off:
            tell(f"the journal's last {journal.cut_off:,} bytes were not whole, and are gone: a kill cut them off")
        if journal.ended_before:
            tell(f"going on from {batch.journal}, which has {counted(journal.ended_before, 'row')} already")
        going = _Going(batch, pipeline, journal, out, Budget(**limits), seed, report, models, force)
        with out.growing(going_on=journal.ended_before > 0):
            interrupted = going.through(rows, in_flight)
            journal.sync()
            if report.status == "complete":
                out.finish(lambda: journal.ended(batch.order))
    _tell_end(batch, report, force, interrupted=interrupted)


@dataclass(frozen=True)
class _Going:
    """A batch about to go."""

    batch: Batch
    pipeline: Pipeline
    journal: RowJournal
    out: RowsOut
    budget: Budget
    seed: int
    report: BatchReport
    models: dict[str, Model]
    force: InForce

    def through(self, rows: Rows, in_flight: int) -> bool:
        """Go through the rows; return whether somebody interrupted it."""
        gc.collect()
        gc.freeze()
        try:
            with prints_apart(), chdir(Path.cwd()):  # a step that goes elsewhere does not take the output along
                run_awake(self._all(rows, in_flight))
        except KeyboardInterrupt:
            return True
        finally:
            gc.unfreeze()
        return False

    async def _all(self, rows: Rows, in_flight: int) -> None:
        batch, report = self.batch, self.report
        view = BatchView(report, _total(batch), *_shown_on(batch))
        watching = asyncio.create_task(view.watch())
        try:
            source = rows()
            if isinstance(source, AsyncGenerator):
                async with aclosing(source):
                    await self._run(_told_apart_later(source, self.pipeline), in_flight)
            else:
                await self._run(_told_apart(source, self.pipeline), in_flight)
        finally:
            watching.cancel()
            await asyncio.wait([watching])
            for model in self.models.values():
                await model.aclose()

    async def _run(self, rows: Iterable[Item] | AsyncIterable[Item], in_flight: int) -> None:
        if self.batch.on == "ray":
            make = partial(pipeline_at_worker, self.batch.plan.absolute(), self.force, in_flight)
            await run_on_ray(
                self.pipeline, rows, make=make, address=self.batch.ray_address, in_flight=in_flight,
                journal=self.journal, budget=self.budget, seed=self.seed, out=self.out.add, report=self.report,
            )  # fmt: skip
            return
        await run_rows(
            self.pipeline, rows, in_flight=in_flight, journal=self.journal, budget=self.budget, seed=self.seed,
            out=self.out.add, report=self.report,
        )  # fmt: skip


def _rows(batch: Batch) -> Rows:
    """Open the rows; return what reads them."""
    if batch.rows != "-":
        rows = read_rows(Path(batch.rows), max_bytes=batch.max_row_bytes)
        return lambda: rows
    stdin = sys.stdin.fileno()
    if stat.S_ISREG(os.fstat(stdin).st_mode):
        return lambda: lines_of(os.dup(stdin), batch.max_row_bytes)
    return lambda: piped_rows(stdin, max_bytes=batch.max_row_bytes)


def _total(batch: Batch) -> int | None:
    """Return how many rows a file has, about; None where counting is not worth it."""
    path = Path(batch.rows)
    if batch.rows == "-" or path.suffix.lower() == ".parquet" or path.stat().st_size > COUNTED_BYTES:
        return None
    with path.open("rb") as file:
        lines = sum(piece.count(b"\n") for piece in iter(lambda: file.read(1 << 20), b""))
    return lines - 1 if path.suffix.lower() == ".csv" else lines


def _shown_on(batch: Batch) -> tuple[Any, Callable[[str], None] | None]:
    if batch.quiet:
        return None, None
    return terminal(sys.stderr), say


def _told_apart(rows: Iterable[Item], pipeline: Pipeline) -> Iterator[Item]:
    """Let rows fail that have a field called like a step: nobody could tell what a blank means."""
    return (_checked(item, pipeline) for item in rows)


async def _told_apart_later(rows: AsyncIterable[Item], pipeline: Pipeline) -> AsyncGenerator[Item]:
    async for item in rows:
        yield _checked(item, pipeline)


def _checked(item: Item, pipeline: Pipeline) -> Item:
    if isinstance(item, Row):
        return item
    both = [name for name in pipeline.order if name in item]
    if not both:
        return item
    reason = f"it has a field {both[0]!r}, which is the name of a step; call one of them otherwise"
    called = item.get("id")
    name = str(called) if isinstance(called, str | int) else name_of(item, 0)
    return Row(name, item, failure=Failure(READING, reason, 0))


def _tell_end(batch: Batch, report: BatchReport, force: InForce, *, interrupted: bool) -> None:
    """Print what became of it, and end with the exit code that says so."""
    ended = report.done + report.failed
    if batch.as_json:
        print_json(_as_json(batch, report, ended))
    else:
        print_text("\n".join(summary(report)))
        if report.status == "complete":
            print_text(f"written to {batch.out}")
            if batch.out.with_name(f"{batch.out.name}.dead.jsonl").exists():
                print_text(f"rows that failed, and why: {batch.out.name}.dead.jsonl")
    going_on = f"What is done is kept in {batch.journal}: run the same command again to go on"
    if interrupted:
        complain(f"interrupted. {going_on}")
        raise typer.Exit(INTERRUPTED)
    if report.limit:
        complain(f"{report.limit}. {going_on}, with a larger budget")
        raise typer.Exit(NOT_ALL_DONE)
    if ended and not report.done and not report.reused:
        complain("no row made it. See the reasons; --again tries rows that failed once more")
        raise typer.Exit(NOT_ALL_DONE)


def _as_json(batch: Batch, report: BatchReport, ended: int) -> dict[str, Any]:
    said = msgspec.to_builtins(report)
    for name in ("ended", "in_flight"):
        del said[name]
    said["reasons"] = dict(report.reasons.most_common())
    dead = batch.out.with_name(f"{batch.out.name}.dead.jsonl")
    return {
        **said,
        "rows_per_second": ended / max(report.seconds, 1e-9),
        "out": str(batch.out) if report.status == "complete" else None,
        "dead_letters": str(dead) if dead.exists() else None,
        "journal": str(batch.journal),
    }


def _nothing(line: str) -> None:
    """Say nothing."""
