"""Results on stdout, and the terminals to print on."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, TextIO

import msgspec
import typer

from waggledance.cli._decision_view import Line, plain
from waggledance.cli._safe_text import safe_json

if TYPE_CHECKING:
    from rich.console import Console


def print_json(value: object) -> None:
    """Print one JSON object in one line."""
    typer.echo(safe_json(msgspec.json.encode(value).decode()))


def print_text(text: str) -> None:
    """Print plain text on stdout; nothing when it is empty."""
    if text:
        typer.echo(text)


def say(line: str) -> None:
    """Print a line of progress on stderr."""
    typer.echo(line, err=True)


def terminal(stream: TextIO) -> Console | None:
    """Return the terminal behind a stream, or None when there is none that can be drawn on."""
    if not stream.isatty() or os.environ.get("TERM", "dumb") in ("dumb", ""):
        return None
    from rich.console import Console

    return Console(file=stream, highlight=False)


def print_lines(view: Iterable[Line]) -> None:
    """Print styled lines on stdout: with their styles on a terminal, plain elsewhere."""
    console = terminal(sys.stdout)
    if console is None:
        typer.echo(plain(view))
        return
    from rich.text import Text

    for line in view:
        console.print(Text.assemble(*line), soft_wrap=True)


def print_table(header: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Print a table: aligned on a terminal, tab-separated elsewhere, so that `cut` and `awk` can read it."""
    console = terminal(sys.stdout)
    if console is None:
        for row in rows:
            typer.echo("\t".join(str(cell) for cell in row))
        return
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, padding=(0, 2, 0, 0), header_style="bold")
    for name in header:
        table.add_column(name, overflow="fold")
    for row in rows:
        table.add_row(*(Text(str(cell)) for cell in row))
    console.print(table)
