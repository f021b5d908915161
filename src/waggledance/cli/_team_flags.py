"""The commands of `waggle team` and their flags."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from waggledance.cli._ending import ending_well
from waggledance.cli._flag import Config, Seed, flag
from waggledance.cli._help import Commands

team = typer.Typer(
    cls=Commands, help="Let a team work by a recipe: roles that make one thing from another.", no_args_is_help=True
)

Json = Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else on stdout.")]
File = Annotated[
    Path | None, typer.Option("--recipe", metavar="FILE", help="A recipe of your own, in YAML, instead of a name.")
]


def _names(incomplete: str) -> list[str]:
    from waggledance.tasks.recipes import recipe_names

    return [name for name in recipe_names() if name.startswith(incomplete)]


Name = Annotated[
    str | None, typer.Argument(metavar="NAME", help="A recipe's name; see `waggle team list`.", autocompletion=_names)
]


@team.command("list")
@ending_well
def team_list(as_json: Json = False) -> None:
    """List the recipes that come with waggledance."""
    from waggledance.cli._team_command import list_teams

    list_teams(as_json=as_json)


@team.command("show")
@ending_well
def team_show(name: Name = None, recipe: File = None, as_json: Json = False) -> None:
    """Show a recipe: who makes what from what, and what it may cost. Of a file, says what is wrong and where."""
    from waggledance.cli._team_command import recipe_of, show_team

    show_team(recipe_of(name, recipe), as_json=as_json)


@team.command("run")
@ending_well
def team_run(
    words: Annotated[
        list[str] | None,
        typer.Argument(metavar="NAME REQUEST", help="A recipe's name, then what is asked for; - reads it from stdin."),
    ] = None,
    recipe: File = None,
    resume: Annotated[
        str | None, flag("Go on with a team that was stopped or killed, instead; see `waggle log list`.", "CHANNEL")
    ] = None,
    peers: Annotated[
        int | None, flag("How many peers to seat, 1 to 64 (default: 5, or as many as the recipe keeps apart).", "N")
    ] = None,
    model: Annotated[
        list[str] | None, flag("What peers think with; several are dealt out in turn (default: embedded).", "SPEC")
    ] = None,
    max_tokens: Annotated[int | None, flag("Tokens of one answer at most (default: the peer's).", "N")] = None,
    temperature: Annotated[
        float | None, flag("How freely models draw their words, 0 to 10 (default: the peer's).", "T")
    ] = None,
    budget_tokens: Annotated[int | None, flag("Tokens to spend at most (default: the recipe's limit).", "N")] = None,
    budget_calls: Annotated[
        int | None, flag("Calls of models to make at most (default: the recipe's limit).", "N")
    ] = None,
    seconds: Annotated[float | None, flag("Time to take at most (default: the recipe's limit).", "SECONDS")] = None,
    seed: Seed = None,
    log: Annotated[
        Path | None, typer.Option("--log", metavar="FILE", help="The log (default: in the user's data folder).")
    ] = None,
    no_log: Annotated[bool, typer.Option("--no-log", help="Keep nothing.")] = False,
    config: Config = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Show no progress, only what comes out.")] = False,
    as_json: Json = False,
) -> None:
    """Let a team work on a request, and print what comes out.

    With --recipe FILE the only argument is the request; with --resume CHANNEL there is none: what was made stays made,
    and the budget begins anew. What comes out goes to stdout; progress, and who did what, to stderr. Programs and tests
    run in the sandbox.

    Exit codes: 0 something came out, 2 it cannot be run like that, 3 nothing came out, 74 the log could not be written,
    130 interrupted (what was made by then is printed and kept).
    """
    from waggledance.cli._team_command import run_team

    flags = {
        "ask.peers": peers,
        "ask.model": tuple(model) if model else None,
        "ask.max_tokens": max_tokens,
        "ask.temperature": temperature,
        "ask.seed": seed,
        "budget.tokens": budget_tokens,
        "budget.calls": budget_calls,
        "budget.seconds": seconds,
        "log.path": None if log is None else str(log),
        "log.keep": False if no_log else None,
    }
    run_team(words or (), recipe, resume, flags, config=config, quiet=quiet, as_json=as_json)
