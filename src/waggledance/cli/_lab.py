"""`waggle lab`: its commands, their flags and their help."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from waggledance.cli._ending import ending_well
from waggledance.cli._help import Commands

lab = typer.Typer(
    cls=Commands,
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


@lab.command("compare")
@ending_well
def lab_compare(
    arm: Annotated[
        list[str],
        typer.Option(metavar="ARM", help="An arrangement, as in 'debate(rounds=2) rule=confidence'; give several."),
    ],
    data: Annotated[
        str, typer.Option(metavar="SET", help="Questions: a file or folder, or a set's name in the data folder.")
    ],
    out: Annotated[Path, typer.Option("--out", "-o", metavar="DIR", help="The folder for logs, rows and reports.")],
    model: Annotated[
        list[str] | None,
        typer.Option(metavar="SPEC", help="What peers think with (default: the set's recorded answers); give several."),
    ] = None,
    bank: Annotated[
        Path | None, typer.Option(metavar="BANK", help="Peers speak from a bank that `waggle lab record` filled.")
    ] = None,
    data_folder: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Where sets lie (default: WAGGLEDANCE_DATA).")
    ] = None,
    tasks: Annotated[int | None, typer.Option(metavar="N", help="How many questions (default: all).")] = None,
    category: Annotated[str | None, typer.Option(metavar="NAME", help="Only questions of this category.")] = None,
    repeats: Annotated[int, typer.Option(metavar="R", help="How often each arm does each task.")] = 1,
    budget_tokens: Annotated[int | None, typer.Option(metavar="N", help="Tokens of one run at most.")] = None,
    budget_calls: Annotated[int | None, typer.Option(metavar="N", help="Calls of models of one run at most.")] = None,
    budget_messages: Annotated[int | None, typer.Option(metavar="N", help="Messages of one run at most.")] = None,
    budget_usd: Annotated[float | None, typer.Option(metavar="USD", help="Dollars of one run at most.")] = None,
    seconds: Annotated[float | None, typer.Option(metavar="SECONDS", help="Time of one run at most.")] = None,
    prices: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help='JSON: {"model": [read, written]}, dollars per million tokens.'),
    ] = None,
    concurrency: Annotated[int, typer.Option(metavar="N", help="How many runs go on at a time.")] = 8,
    seed: Annotated[int, typer.Option(metavar="N", help="Same seed, same tasks, same draws.")] = 0,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with what is in the folder.")] = False,
    config: Config = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Show no progress.")] = False,
    as_json: Json = False,
) -> None:
    """Compare arrangements on the same questions at the same spend.

    An arm is a protocol with its parameters and options after it: rule=NAME, topology=NAME, weights=em (learnt from
    all questions without their keys), peers=N or peers=NAME+NAME, name=WORD. The first arm is what the others are
    compared with; one call, self-consistency of the best single model at equal spend, a random pick and the oracle are
    added. A recorded set's models are the peers unless --model or --bank says otherwise.

    Exit codes: 0 done, 2 it cannot be compared like that, 3 a log is not what it was, 74 a file could not be written,
    130 interrupted: what is there is reported and kept, and --resume goes on.
    """
    from waggledance.cli._lab_compare import Asked, compare
    from waggledance.core import Budget

    budget = Budget(tokens=budget_tokens, calls=budget_calls, messages=budget_messages, usd=budget_usd, seconds=seconds)
    asked = Asked(
        arms=arm,
        data=data,
        data_folder=data_folder,
        models=model or (),
        bank=bank,
        out=out,
        tasks=tasks,
        category=category,
        repeats=repeats,
        seed=seed,
        budget=budget,
        prices=prices,
        concurrency=concurrency,
        resume=resume,
    )
    compare(asked, config=config, quiet=quiet, as_json=as_json)


@lab.command("report")
@ending_well
def lab_report(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="The folder of a comparison.")],
    as_json: Json = False,
) -> None:
    """Print a comparison's report again, from its rows alone; write its page, its JSON and its picture anew."""
    from waggledance.cli._lab_compare import report

    report(folder, as_json=as_json)


@lab.command("predict")
@ending_well
def lab_predict(
    data: Annotated[
        str, typer.Option(metavar="SET", help="Questions: a file or folder, or a set's name in the data folder.")
    ],
    model: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="A recorded model (default: all); give several.")
    ] = None,
    bank: Annotated[
        Path | None, typer.Option(metavar="BANK", help="Answers from a bank (default: the set's recorded ones).")
    ] = None,
    data_folder: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Where sets lie (default: WAGGLEDANCE_DATA).")
    ] = None,
    probes: Annotated[int, typer.Option(metavar="N", help="Questions to predict from.")] = 50,
    no_keys: Annotated[
        bool, typer.Option("--no-keys", help="Do not look at the probe's right answers, only at agreement.")
    ] = False,
    seed: Annotated[int, typer.Option(metavar="N", help="Same seed, same probe.")] = 0,
    as_json: Json = False,
) -> None:
    """Say from a few questions whether a vote will pay, how many peers to ask, and whether variety is what is missing.

    Where the other questions have keys, too, the last column shows how right the prediction was.
    """
    from waggledance.cli._lab_predict import predict_votes

    predict_votes(data, data_folder, model or [], bank, probes=probes, keys=not no_keys, seed=seed, as_json=as_json)


@lab.command("debug")
@ending_well
def lab_debug(
    channel: Annotated[
        str, typer.Argument(metavar="CHANNEL", help="A run that came out wrong; see `waggle log list`.")
    ],
    right: Annotated[str, typer.Option(metavar="ANSWER", help="The answer that should have come out.")],
    mend: Annotated[
        list[str] | None,
        typer.Option(metavar="ID=TEXT", help="What a message should have said; others are unsaid. Give several."),
    ] = None,
    replays: Annotated[int, typer.Option(metavar="N", help="Histories to run in all, the control's included.")] = 6,
    runs: Annotated[int, typer.Option(metavar="N", help="Runs of each repair, with other draws each time.")] = 1,
    model: Annotated[
        list[str] | None,
        typer.Option("--with", metavar="SPEC", help="What peers who are asked anew think with (default: as in ask)."),
    ] = None,
    seed: Annotated[int | None, typer.Option(metavar="N", help="Of the draws of what is asked anew.")] = None,
    log: Annotated[
        Path | None, typer.Option("--log", metavar="FILE", help="The log (default: in the user's data folder).")
    ] = None,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Find out why a run came out wrong: change one message, run on from there, and see.

    Suspects are found in the log, without a model. Every history is kept in the log as a fork, and a re-run without
    any repair is always among them: what turns by itself proves nothing.
    """
    from waggledance.cli._debug_command import Asked, debug_channel

    flags = {"log.path": None if log is None else str(log), "ask.model": tuple(model) if model else None}
    asked = Asked(channel, right, mend or (), replays, runs, seed)
    debug_channel(asked, flags, config, as_json=as_json)
