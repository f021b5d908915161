"""Rows through three steps of our batch engine; with a journal when ROWS_JOURNAL names a file."""

import os
import time
from pathlib import Path

from _rows import measured, rows, think

from waggledance.tasks import Pipeline, Row, RowJournal, run_rows, step

DELAY_S = 0.0


@step
async def generate(row: Row) -> str:
    return await think("generate", row.data["text"], DELAY_S)


@step
async def review(generate: str) -> str:
    return await think("review", generate, DELAY_S)


@step
async def decide(review: str) -> str:
    return await think("decide", review, DELAY_S)


async def work(count: int, in_flight: int, delay_s: float) -> tuple[float, list[str]]:
    global DELAY_S
    DELAY_S = delay_s
    given, out, pipeline = rows(count), list[str](), Pipeline([generate, review, decide])
    path = os.environ.get("ROWS_JOURNAL")
    began = time.perf_counter()
    if path is None:
        await run_rows(pipeline, given, in_flight=in_flight, out=lambda row: out.append(row.results["decide"]))
    else:
        Path(path).unlink(missing_ok=True)
        with RowJournal(Path(path), pipeline) as journal:
            await run_rows(
                pipeline, given, in_flight=in_flight, journal=journal, out=lambda row: out.append(row.results["decide"])
            )
    return time.perf_counter() - began, out


measured(work)
