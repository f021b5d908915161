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
Protocol = Annotated[
    str | None,
    flag(
        "What is said when: vote, debate, peer-ranking, nest-site, … (default: what won at equal spend).",
        "NAME",
        names="protocol",
    ),
]
Rule = Annotated[
    str | None,
    flag(
        "How many opinions become one: majority, confidence, condorcet, … (default: the protocol's).",
        "NAME",
        names="rule",
    ),
]
Topology = Annotated[
    str | None,
    flag("Who hears whom: complete, ring, k-regular, … (default: the protocol's).", "NAME", names="topology"),
]
Rounds = Annotated[int | None, flag("How often peers hear each other (default: the protocol's).", "N")]
Scrub = Annotated[
    bool | None,
    typer.Option(
        "--scrub/--no-scrub",
        help="Take private details out of what models are sent (default: for models behind an endpoint).",
    ),
]
NoLog = Annotated[bool, typer.Option("--no-log", help="Keep nothing of what is said.")]
OpenToAll = Annotated[bool, typer.Option("--open", help="Ask for no keys even where other machines can reach us.")]
