"""`waggle lab`: its commands, their flags and their help."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from waggledance.cli._ending import ending_well

lab = typer.Typer(
    help="Find out which arrangement of which peers is worth its tokens.",
    no_args_is_help=True,
)

Json = Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else on stdout.")]
Config = Annotated[
    Path | None,
    typer.Option("--config", metavar="FILE", help="A waggle.toml (default: looked for here and above)."),
]


@lab.command("record")
@ending_well
def lab_record(
    model: Annotated[list[str], typer.Option(metavar="SPEC", help="A model to ask, as in waggle ask; give several.")],
    data: Annotated[
        str, typer.Option(metavar="SET", help="Questions: a file, or a set's name in the folder WAGGLEDANCE_DATA.")
    ],
    out: Annotated[Path, typer.Option("--out", "-o", metavar="BANK", help="The bank, .jsonl or .jsonl.gz.")],
    tasks: Annotated[
        int | None, typer.Option(metavar="N", help="So many questions, drawn by the seed (default: all).")
    ] = None,
    samples: Annotated[int, typer.Option(metavar="K", help="Answers of each model to each question.")] = 8,
    judgements: Annotated[
        int, typer.Option(metavar="M", help="Of the first M questions, each model compares the answers.")
    ] = 0,
    judged_samples: Annotated[
        int, typer.Option(metavar="J", help="Compare the distinct answers among every model's first J.")
    ] = 2,
    temperature: Annotated[float, typer.Option(metavar="T", help="How freely models draw their words.")] = 0.7,
    max_tokens: Annotated[int, typer.Option(metavar="N", help="Tokens of one answer at most.")] = 320,
    block: Annotated[
        int, typer.Option(metavar="N", help="Questions that all models answer before the next are asked.")
    ] = 10,
    timeout: Annotated[
        float, typer.Option(metavar="SECONDS", help="Of one answer at most, waiting for a slot included.")
    ] = 3_600.0,
    seed: Annotated[int, typer.Option(metavar="N", help="Same seed, same questions and draws.")] = 0,
    config: Config = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Show no progress.")] = False,
    as_json: Json = False,
) -> None:
    """Fill a bank with real models' answers and judgements, to compare arrangements without asking again.

    What the bank holds already is not asked again: after an interruption, the same command goes on.

    Exit codes: 0 all is recorded, 2 it cannot be recorded like that, 3 some answers are missing: run it again,
    74 the bank could not be written, 130 interrupted.
    """
    from waggledance.cli._lab_record import record_bank
    from waggledance.lab import RecordPlan

    plan = RecordPlan(
        samples=samples,
        judged=judgements,
        judged_samples=judged_samples,
        temperature=temperature,
        max_tokens=max_tokens,
        seed=seed,
        block=block,
        timeout_s=timeout,
    )
    record_bank(model, data, out, plan, tasks=tasks, config=config, quiet=quiet, as_json=as_json)
