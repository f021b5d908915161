"""A journalled batch to be killed and resumed: prints the time of its first call, and rows and calls at its end.

python waggledance_resume_rows.py JOURNAL ROWS
"""

import asyncio
import json
import sys
import time
from pathlib import Path

from _rows import rows, think

from waggledance.tasks import Pipeline, Row, RowJournal, run_rows, step

CALLS = 0


def called() -> None:
    """Count a call, and tell of the first."""
    global CALLS
    CALLS += 1
    if CALLS == 1:
        print(json.dumps({"first_call_at": time.time(), "cpu_s": time.process_time()}), flush=True)


@step
async def generate(row: Row) -> str:
    called()
    return await think("generate", row.data["text"], 0.05)


@step
async def review(generate: str) -> str:
    called()
    return await think("review", generate, 0.05)


@step
async def decide(review: str) -> str:
    called()
    return await think("decide", review, 0.05)


async def main() -> None:
    pipeline = Pipeline([generate, review, decide])
    with RowJournal(Path(sys.argv[1]), pipeline) as journal:
        report = await run_rows(
            pipeline, rows(int(sys.argv[2])), in_flight=1_000, journal=journal, out=lambda row: None
        )
    print(json.dumps({"done": report.done, "reused": report.reused, "calls": CALLS}), flush=True)


asyncio.run(main())
