"""How a flag is made, and those that many commands have."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer


def flag(help: str, metavar: str, *, names: str = "") -> Any:
    """Return a flag that may be left out.

    Args:
        help: what it is for.
        metavar: what stands for its value.
        names: whose names complete it, such as ``"protocol"``.
    """
    return typer.Option(help=help, metavar=metavar, autocompletion=completing(names) if names else None)


def completing(room: str) -> Callable[[str], list[str]]:
    """Return what completes a name of a room's register."""

    def complete(incomplete: str) -> list[str]:
        from waggledance.cli._registers import names_in

        return [name for name in names_in(room) if name.startswith(incomplete)]

    return complete


Json = Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else on stdout.")]
Log = Annotated[
    Path | None,
    typer.Option("--log", metavar="FILE", help="The log (default: in the user's data folder)."),
]
Config = Annotated[
    Path | None,
    typer.Option("--config", metavar="FILE", help="A waggle.toml (default: looked for here and above)."),
]
Models = Annotated[
    list[str] | None, flag("What they think with; several are dealt out in turn (default: embedded).", "SPEC")
]
Seed = Annotated[int | None, flag("Same seed, same draws (default: 0).", "N")]
