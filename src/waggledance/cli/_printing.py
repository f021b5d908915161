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
    from rich.text import Text


def print_json(value: object) -> None:
    """Print one JSON object in one line."""
    typer.echo(safe_json(msgspec.json.encode(value).decode()))


def print_error(kind: str, says: str, exit_code: int) -> None:
    """Print what went wrong as one JSON object: what kind of error it is, in a sentence, and the code to come."""
    print_json({"error": {"kind": kind, "says": says, "exit_code": exit_code}})


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
        text = Text.assemble(*line)
        if "\n" in text.plain or _to_be_typed(text.plain):  # code, and what is copied, stays as it is
            console.print(text, soft_wrap=True)
        else:
            label = sum(Text(piece).cell_len for piece, _ in line[:-1])
            for part in _wrapped(text, console, hang=label if 2 * label <= console.width else 4):
                console.print(part, soft_wrap=True)


def print_table(header: Sequence[str], rows: Iterable[Sequence[Any]], *, spare: Sequence[str] = ()) -> None:
    """Print a table: aligned on a terminal, tab-separated elsewhere, so that `cut` and `awk` can read it.

    Args:
        header: names of the columns; the first is what rows are known by, the last may be broken between words.
        rows: cells, as many as names.
        spare: columns that a terminal may lack room for, the first to go first; elsewhere all are there.
    """
    console = terminal(sys.stdout)
    if console is None:
        for row in rows:
            typer.echo("\t".join(str(cell) for cell in row))
        return
    from rich.table import Table
    from rich.text import Text

    cells = [[Text(str(cell)) for cell in row] for row in rows]
    widths = [max(len(name), *(row[at].cell_len for row in cells), 0) + 2 for at, name in enumerate(header)]
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="bold")
    shown = _that_fit(header, widths, spare, console.width)
    for at in shown:
        table.add_column(header[at], overflow="fold", no_wrap=at == 0 and 2 * widths[0] <= console.width)
    for row in cells:
        table.add_row(*(row[at] for at in shown))
    console.print(table)


def _that_fit(header: Sequence[str], widths: Sequence[int], spare: Sequence[str], room: int) -> list[int]:
    """Return which columns to show: all, or so many without the spare ones that a third is left for the last."""
    shown = list(range(len(header)))
    for name in spare:
        if sum(widths[at] for at in shown[:-1]) + min(widths[-1], room // 3) <= room:
            break
        shown.remove(header.index(name))
    return shown


def _to_be_typed(line: str) -> bool:
    """Return whether a line shows a command; to break it would break it."""
    return any(f" {name} " in f" {line}" for name in ("waggle", "python"))


def _wrapped(text: Text, console: Console, *, hang: int) -> list[Text]:
    """Return a text in lines that fit on a terminal, broken between words; all but the first are moved in."""
    from rich.text import Text

    if text.cell_len <= console.width:
        return [text]
    first = text.wrap(console, console.width)[0]
    left = text.plain[len(first.plain) :]
    rest = text[len(text.plain) - len(left.lstrip()) :]
    first.rstrip()
    moved = Text(" " * hang)
    return [first, *(moved + line for line in rest.wrap(console, max(8, console.width - hang)))]
