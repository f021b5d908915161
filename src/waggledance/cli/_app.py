"""`waggle`: its commands, their flags and their help. Nothing heavy is loaded before a command runs."""

from __future__ import annotations

from typing import Annotated

import typer

from waggledance.cli._ask_flags import ask
from waggledance.cli._chat_flags import chat
from waggledance.cli._ending import ending_well
from waggledance.cli._find_flags import rollout
from waggledance.cli._flag import (
    Config,
    Json,
    Log,
    completing,
    flag,
)
from waggledance.cli._help import ASK, HERE, LOOK_BACK, MEASURE, NETWORK, OPEN, WORK, Command, Commands, Root
from waggledance.cli._id_commands import ids
from waggledance.cli._lab import lab
from waggledance.cli._log_flags import Channel, logs
from waggledance.cli._mcp_flags import mcp
from waggledance.cli._memory_commands import memory
from waggledance.cli._mesh import join, mesh, verify
from waggledance.cli._run_flags import run as run_batch
from waggledance.cli._serve_flags import serve
from waggledance.cli._team_flags import team as teams

_SETTINGS = {"help_option_names": ["-h", "--help"]}

app = typer.Typer(
    name="waggle",
    cls=Root,
    help="Swarms of AI agents with no centre: peers propose, hear each other and agree.",
    epilog='Begin with: waggle ask "What is 17 - 8?"   Each command has its own --help.',
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings=_SETTINGS,
)
models = typer.Typer(cls=Commands, help="See which models can be used here, and fetch some.")
config = typer.Typer(cls=Commands, help="See which settings are in force.", no_args_is_help=True)
sandbox = typer.Typer(
    cls=Commands, help="See what the sandbox for commands and generated code can do here.", no_args_is_help=True
)


def run() -> None:
    """Run the command that the arguments name."""
    app()


def _print_version(wanted: bool) -> None:
    if wanted:
        from waggledance import __version__

        typer.echo(f"waggle {__version__}")
        raise typer.Exit


@app.callback()
def waggle(
    version: Annotated[
        bool, typer.Option("--version", help="Print the version.", is_eager=True, callback=_print_version)
    ] = False,
) -> None:
    """Swarms of AI agents with no centre: peers propose, hear each other and agree."""


app.command(cls=Command, rich_help_panel=ASK)(ask)
app.command(cls=Command, rich_help_panel=ASK)(chat)
app.add_typer(teams, name="team", rich_help_panel=WORK)
app.command("run", cls=Command, rich_help_panel=WORK)(run_batch)
app.command(cls=Command, rich_help_panel=OPEN)(serve)
app.command(cls=Command, rich_help_panel=OPEN)(mcp)
app.command(cls=Command, rich_help_panel=NETWORK)(join)
app.add_typer(mesh, name="mesh", rich_help_panel=NETWORK)
app.command(cls=Command, rich_help_panel=NETWORK)(verify)
app.add_typer(ids, name="id", rich_help_panel=NETWORK)
app.add_typer(rollout, name="rollout", rich_help_panel=NETWORK)
app.add_typer(logs, name="log", rich_help_panel=LOOK_BACK)


@app.command(cls=Command, rich_help_panel=LOOK_BACK)
@ending_well
def replay(
    channel: Channel,
    rule: Annotated[str | None, flag("Decide by another rule instead.", "NAME", names="rule")] = None,
    log: Log = None,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Decide again from the log alone.

    The same rule must give the same decision, or the log is not what it was and this fails loudly with exit code 3.
    With --rule, says what would have been decided.
    """
    from waggledance.cli._replay_command import replay

    replay(channel, rule, log, config, as_json=as_json)


@app.command(cls=Command, rich_help_panel=LOOK_BACK)
@ending_well
def studio(
    log: Log = None,
    over: Annotated[
        str | None,
        typer.Option(
            "--mesh", metavar="SWARM", help="Show what a peer of this machine holds of a swarm on the network."
        ),
    ] = None,
    as_name: Annotated[
        str | None, typer.Option("--as", metavar="NAME", help="With --mesh: which peer (default: one that runs).")
    ] = None,
    host: Annotated[
        str, typer.Option(metavar="HOST", help="What to listen at; other than this machine, a token is asked for.")
    ] = "127.0.0.1",
    port: Annotated[
        int | None, typer.Option(metavar="N", min=0, max=65535, help="Where (default: 8765, or any that is free).")
    ] = None,
    open_page: Annotated[bool, typer.Option("--open", help="Open the page in your browser.")] = False,
    locked: Annotated[
        bool, typer.Option("--locked", help="Ask for the token on this machine, too: others have accounts here.")
    ] = False,
    config: Config = None,
) -> None:
    """Watch swarms at work in the browser, live or afterwards, and replay them from any moment.

    Prints the page's address, and serves it until Ctrl-C.
    """
    from waggledance.cli._studio_command import studio

    studio(log, config, over, as_name, host=host, port=port, open_page=open_page, locked=locked)


app.add_typer(memory, name="memory", rich_help_panel=LOOK_BACK)
app.add_typer(lab, name="lab", rich_help_panel=MEASURE)
app.add_typer(models, name="models", rich_help_panel=HERE)
app.add_typer(config, name="config", rich_help_panel=HERE)
app.add_typer(sandbox, name="sandbox", rich_help_panel=HERE)


@models.callback(invoke_without_command=True)
@ending_well
def list_models(
    context: typer.Context,
    check: Annotated[bool, typer.Option("--check", help="Really ask each usable model one tiny question.")] = False,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """See which models can be used here, and fetch some."""
    if context.invoked_subcommand is None:
        from waggledance.cli._models_commands import list_models

        list_models(config, check=check, as_json=as_json)


@models.command("get")
@ending_well
def models_get(
    name: Annotated[
        str,
        typer.Argument(
            metavar="NAME", help="A model's name, as in `waggle models`.", autocompletion=completing("weights")
        ),
    ],
    as_json: Json = False,
) -> None:
    """Fetch a model's weights: pinned and checked; goes on where an earlier try ended."""
    from waggledance.cli._models_commands import get_model

    get_model(name, as_json=as_json)


@config.command("show")
@ending_well
def config_show(config: Config = None, as_json: Json = False) -> None:
    """Print every setting and where it came from: default, waggle.toml, environment."""
    from waggledance.cli._config_command import show_config

    show_config(config, as_json=as_json)


@sandbox.command("check")
@ending_well
def sandbox_check(as_json: Json = False) -> None:
    """Print what the sandbox enforces on this machine, by what, and what it cannot enforce here."""
    from waggledance.cli._sandbox_commands import check_sandbox

    check_sandbox(as_json=as_json)
