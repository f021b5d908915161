"""The flags of `waggle log …`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from waggledance.cli._ending import ending_well
from waggledance.cli._flag import Config, Json, Log, flag
from waggledance.cli._help import Commands

logs = typer.Typer(cls=Commands, help="List, show, check, repair and export what was said.", no_args_is_help=True)

File = Annotated[Path | None, typer.Argument(metavar="FILE", help="The log; the same as --log.")]
Channel = Annotated[
    str, typer.Argument(metavar="CHANNEL", help="A channel's name, or how it begins; see `waggle log list`.")
]


@logs.command("list")
@ending_well
def log_list(log: Log = None, config: Config = None, as_json: Json = False) -> None:
    """List the channels of a log: one question each, and what became of it."""
    from waggledance.cli._log_commands import list_channels

    list_channels(log, config, as_json=as_json)


@logs.command("show")
@ending_well
def log_show(
    channel: Channel,
    log: Log = None,
    config: Config = None,
    full: Annotated[bool, typer.Option("--full", help="Print texts whole, not their first sentences.")] = False,
    prompts: Annotated[
        bool, typer.Option("--prompts", help="Print what peers here asked of models and tools, and what came back.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object a message.")] = False,
) -> None:
    """Show every message of a channel."""
    from waggledance.cli._log_commands import show_channel

    show_channel(channel, log, config, full=full, prompts=prompts, as_json=as_json)


@logs.command("fork")
@ending_well
def log_fork(
    channel: Channel,
    drop: Annotated[
        list[str] | None, typer.Option(metavar="ID", help="Let a message never have reached anybody; give several.")
    ] = None,
    replace: Annotated[
        list[str] | None, typer.Option(metavar="ID=TEXT", help="Let a message have said something else; give several.")
    ] = None,
    rule: Annotated[str | None, flag("Decide by another rule.", "NAME", names="rule")] = None,
    model: Annotated[
        list[str] | None, typer.Option(metavar="PEER=SPEC", help="Let a peer think with another model; give several.")
    ] = None,
    without: Annotated[list[str] | None, typer.Option(metavar="PEER", help="Take a peer away; give several.")] = None,
    at: Annotated[str | None, flag("From which message on models are others and peers are gone.", "ID")] = None,
    live: Annotated[
        str,
        typer.Option(
            metavar="WHEN",
            help="When peers are asked anew: never, needed (what they are asked has changed), after (all after --at).",
        ),
    ] = "needed",
    ask_with: Annotated[
        list[str] | None,
        typer.Option("--with", metavar="SPEC", help="What peers who are asked anew think with (default: as in ask)."),
    ] = None,
    seed: Annotated[int | None, flag("Draw other numbers in what is asked anew.", "N")] = None,
    log: Log = None,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Run a channel again with something changed, into a channel of its own; say what would have come of it.

    What does not depend on the change is answered from the record. Ids are those of `waggle log show --json`, or their
    first digits.

    Exit codes: 0 it was run again, 2 it cannot be, 3 a call would be needed that may not be made.
    """
    from waggledance.cli._fork_command import Wanted, fork

    flags = {"log.path": None if log is None else str(log), "ask.model": tuple(ask_with) if ask_with else None}
    fork(
        channel,
        Wanted(drop or (), replace or (), rule, model or (), without or (), at, live, seed),
        flags,
        config,
        as_json=as_json,
    )


@logs.command("verify")
@ending_well
def log_verify(file: File = None, log: Log = None, config: Config = None, as_json: Json = False) -> None:
    """Check every message of a log; say what is intact and what is not. Exit code 3 when something is not."""
    from waggledance.cli._log_commands import verify_log

    verify_log(file or log, config, as_json=as_json)


@logs.command("check")
@ending_well
def log_check(
    channel: Annotated[
        str | None, typer.Argument(metavar="CHANNEL", help="A channel's name, or how it begins (default: all).")
    ] = None,
    contract: Annotated[
        list[str] | None,
        flag(
            "One contract: a built-in one, or module:name, or file.py:name; give several (default: the twelve).", "NAME"
        ),
    ] = None,
    budget_tokens: Annotated[
        int | None, flag("Tokens that each run was allowed (default: as its opening says).", "N")
    ] = None,
    budget_calls: Annotated[int | None, flag("Calls of models that each run was allowed.", "N")] = None,
    budget_messages: Annotated[int | None, flag("Messages that each run was allowed.", "N")] = None,
    budget_usd: Annotated[float | None, flag("Dollars that each run was allowed.", "USD")] = None,
    grant: Annotated[
        list[str] | None, flag("Which tools a peer may use, as PEER=TOOL,TOOL; * is every peer.", "GRANT")
    ] = None,
    public: Annotated[
        list[str] | None, flag("A channel in which nothing is private, or a pattern such as 'q1*'.", "CHANNEL")
    ] = None,
    log: Log = None,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Check what was said against contracts; name the first step that breaks one. Exit code 3 when one is broken.

    `waggle log verify` asks whether the file is what was written; this asks whether what was written is right.
    """
    from waggledance.cli._log_check_command import check_log
    from waggledance.core import Budget

    given = Budget(tokens=budget_tokens, calls=budget_calls, messages=budget_messages, usd=budget_usd)
    budget = None if given == Budget() else given
    check_log(
        channel, log, config, contracts=tuple(contract or ()), budget=budget, grants=tuple(grant or ()),
        public=tuple(public or ()), as_json=as_json,
    )  # fmt: skip


@logs.command("trace")
@ending_well
def log_trace(
    channel: Annotated[
        str | None, typer.Argument(metavar="CHANNEL", help="A channel's name, or how it begins (default: all).")
    ] = None,
    to: Annotated[
        str | None,
        flag("A collector's address, such as http://127.0.0.1:4318; - is stdout (default: OTEL_EXPORTER_…).", "URL"),
    ] = None,
    header: Annotated[list[str] | None, flag("Sent to the collector, as NAME=VALUE; give several.", "HEADER")] = None,
    prompts: Annotated[
        bool, typer.Option("--prompts", help="Send what was said, asked and answered, too; it may be private.")
    ] = False,
    log: Log = None,
    config: Config = None,
) -> None:
    """Export runs as OpenTelemetry spans, by the conventions for generative AI. The same run gives the same ids."""
    from waggledance.cli._log_trace_command import trace_log

    trace_log(channel, log, config, to=to, headers=tuple(header or ()), prompts=prompts)


@logs.command("repair")
@ending_well
def log_repair(file: File = None, log: Log = None, config: Config = None, as_json: Json = False) -> None:
    """Keep what is intact of a damaged log; the damaged file stays beside it."""
    from waggledance.cli._log_commands import repair_log

    repair_log(file or log, config, as_json=as_json)


@logs.command("export")
@ending_well
def log_export(
    to: Annotated[str, typer.Option("--to", metavar="FORMAT", help="jsonl or parquet.")],
    out: Annotated[
        Path, typer.Option("--out", "-o", metavar="FILE", help="The file to write; - is stdout, for jsonl.")
    ],
    channel: Annotated[str | None, flag("Only this channel.", "CHANNEL")] = None,
    log: Log = None,
    config: Config = None,
) -> None:
    """Write a log's messages to one file, for DuckDB, Polars and friends."""
    from waggledance.cli._log_commands import export_log

    export_log(to, out, channel, log, config)
