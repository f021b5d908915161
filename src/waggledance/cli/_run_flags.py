"""The flags of `waggle run`."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from waggledance.cli._ending import ending_well
from waggledance.cli._flag import Config, Json, flag


class Order(StrEnum):
    """In which order rows are written."""

    INPUT = "input"
    ENDED = "ended"


class On(StrEnum):
    """Where steps run."""

    HERE = "here"
    RAY = "ray"


@ending_well
def run(
    plan: Annotated[Path, typer.Argument(metavar="PLAN", help="What is done to each row: a YAML file.")],
    rows: Annotated[str, flag("The rows: .jsonl, .csv or .parquet; - is JSON lines on stdin.", "FILE")],
    out: Annotated[Path, flag("Where rows are written: .jsonl, .csv or .parquet.", "FILE")],
    model: Annotated[
        str | None, flag("What steps think with that name no model (default: the plan's, or embedded).", "SPEC")
    ] = None,
    in_flight: Annotated[
        int | None,
        typer.Option(min=1, max=100_000, help="Rows under way at once (default: the plan's, or 100).", metavar="N"),
    ] = None,
    seed: Annotated[int | None, flag("Same seed, same draws (default: the plan's, or 0).", "N")] = None,
    fresh: Annotated[
        bool, typer.Option("--fresh", help="Start over: throw away what an earlier run has done.")
    ] = False,
    again: Annotated[bool, typer.Option("--again", help="Try rows that failed in an earlier run once more.")] = False,
    order: Annotated[Order, typer.Option(help="Write rows as they came in, or as they ended.")] = Order.INPUT,
    max_row_bytes: Annotated[int, flag("A larger row goes to the dead letters.", "BYTES")] = 1 << 20,
    budget_tokens: Annotated[int | None, flag("Tokens to spend at most, all runs together.", "N")] = None,
    budget_calls: Annotated[int | None, flag("Calls of steps to make at most, all runs together.", "N")] = None,
    budget_usd: Annotated[float | None, flag("Dollars to spend at most, where prices are known.", "USD")] = None,
    seconds: Annotated[float | None, flag("Time this run may take at most.", "SECONDS")] = None,
    on: Annotated[On, typer.Option(help="Run steps in this process, or on a Ray cluster.")] = On.HERE,
    ray_address: Annotated[
        str | None,
        flag("With --on ray: which cluster (default: RAY_ADDRESS, or one started here).", "ADDRESS"),
    ] = None,
    config: Config = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Show no progress, only how it ended.")] = False,
    as_json: Json = False,
) -> None:
    """Take many rows through the steps of a plan, and go on where an earlier run was ended.

    Beside OUT lies OUT.journal, which keeps what is done: run the same command again after a kill, and nothing is done
    twice but calls that were in flight. OUT.partial.jsonl grows while it runs; OUT.dead.jsonl has the rows that failed,
    and why.

    Exit codes: 0 every row ended and some made it, 2 it cannot be run like that, 3 a budget was spent or no row made
    it, 74 something could not be written, 130 interrupted.
    """
    from waggledance.cli._run_command import Batch, run

    flags = {
        "ask.model": (model,) if model else None,
        "ask.seed": seed,
        "budget.tokens": budget_tokens,
        "budget.calls": budget_calls,
        "budget.usd": budget_usd,
        "budget.seconds": seconds,
    }
    batch = Batch(
        plan, rows, out, in_flight, fresh, again, order.value, max_row_bytes, quiet, as_json, on.value, ray_address
    )
    run(batch, flags, config=config)
