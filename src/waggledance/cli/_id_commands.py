"""`waggle id`: the keys that are kept on this machine."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from waggledance.cli._ending import ending_well
from waggledance.cli._help import Commands

if TYPE_CHECKING:
    from waggledance.mesh import Home

ids = typer.Typer(
    cls=Commands, help="Make, list, show and export the keys that peers of the mesh speak with.", no_args_is_help=True
)

FIRST_NAME = "me"

Json = Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else on stdout.")]
Name = Annotated[
    str | None,
    typer.Argument(metavar="NAME", help="A key's name, as in `waggle id list`; may be left out if there is only one."),
]


@ids.command("new")
@ending_well
def id_new(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Lower-case letters, digits and hyphens.")] = FIRST_NAME,
    as_json: Json = False,
) -> None:
    """Make a key. Prints its public half, which others need to know this peer; the secret stays in its file."""
    from waggledance.mesh import Home, new_key

    file = Home().key_file(name)
    key = new_key(file)
    _print({"name": name, "key": key.peer.hex(), "file": str(file)}, as_json=as_json)


@ids.command("list")
@ending_well
def id_list(as_json: Json = False) -> None:
    """List the keys that are kept here: names and public halves."""
    from waggledance.cli._printing import print_json, print_table, say
    from waggledance.mesh import Home, KeyRefused, load_key

    home = Home()
    rows: list[dict[str, str]] = []
    for name in home.ids():
        try:
            rows.append({"name": name, "key": load_key(home.known_key_file(name)).peer.hex()})
        except KeyRefused as why:
            rows.append({"name": name, "refused": why.why})
    if as_json:
        print_json({"ids": rows})
    elif rows:
        print_table(("name", "key"), [(row["name"], row.get("key") or f"not used: {row['refused']}") for row in rows])
    else:
        say(f"no keys in {home.folder}. Make one with: waggle id new")


@ids.command("show")
@ending_well
def id_show(name: Name = None, as_json: Json = False) -> None:
    """Show a key's public half and where its file is."""
    from waggledance.mesh import Home, load_key

    home = Home()
    chosen = _chosen(home, name)
    file = home.known_key_file(chosen)
    _print({"name": chosen, "key": load_key(file).peer.hex(), "file": str(file)}, as_json=as_json)


@ids.command("export")
@ending_well
def id_export(
    name: Name,
    secret: Annotated[
        bool, typer.Option("--secret", help="Print the secret itself, for a backup; asks first, on a terminal.")
    ] = False,
) -> None:
    """Print a key's public half alone, for a genesis; with --secret the whole file, for a backup.

    Exit codes: 0 it is printed, 2 there is no such key, it is refused, or it was not confirmed.
    """
    from waggledance.mesh import Home, load_key, secret_text

    home = Home()
    chosen = _chosen(home, name)
    file = home.known_key_file(chosen)
    if not secret:
        typer.echo(load_key(file).peer.hex())
        return
    text = secret_text(file)
    _confirm(chosen)
    typer.echo(text, nl=False)


def _chosen(home: Home, name: str | None) -> str:
    from waggledance.core import UsageError

    here = home.ids()
    if not here:
        raise UsageError(f"there are no keys in {home.folder}. Make one with: waggle id new")
    if name is not None:
        return name
    if len(here) == 1:
        return here[0]
    raise UsageError(f"there are {len(here)} keys, so say which: {', '.join(here)}")


def _confirm(name: str) -> None:
    """Let a person at a terminal type the key's name, or print nothing."""
    from waggledance.core import UsageError

    if not sys.stdin.isatty():
        raise UsageError("a secret is printed only for a person at a terminal; to copy it by a program, copy its file")
    typer.echo(f"whoever sees the secret of {name!r} can speak as you. Type its name to print it: ", nl=False, err=True)
    if sys.stdin.readline().strip() != name:
        raise UsageError("that was not the name; nothing is printed")


def _print(row: dict[str, str], *, as_json: bool) -> None:
    from waggledance.cli._printing import print_json, print_text

    if as_json:
        print_json(row)
    else:
        print_text("\n".join(f"{field:<5} {value}" for field, value in row.items()))
