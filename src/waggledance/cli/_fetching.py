"""Fetch a model's weights with a progress bar."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path

from waggledance.cli._printing import say, terminal

SAY_EVERY_S = 5.0


def fetch(name: str, why: str) -> Path:
    """Fetch the weights of a name, unless they are here; return where they are.

    Args:
        name: a name of the catalogue.
        why: said before it begins, when there is something to fetch.

    Raises:
        UnknownName: the catalogue has no such name.
        FetchFailed: no network, no room, or not the right file.
    """
    from waggledance.models import get, path_of

    if path_of(name) is not None:
        return get(name)  # what it runs on may still be missing
    say(why)
    with _progress(name) as progress:
        return get(name, progress)


@contextmanager
def _progress(name: str) -> Generator[Callable[[int, int], None]]:
    console = terminal(sys.stderr)
    if console is None:
        yield _Spoken(name)
        return
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console) as bar:
        task = bar.add_task(name, total=None)
        yield lambda done_bytes, total_bytes: bar.update(task, completed=done_bytes, total=total_bytes)


class _Spoken:
    """Progress for a pipe: a line now and then."""

    def __init__(self, name: str) -> None:
        self._name, self._said_s = name, time.monotonic()

    def __call__(self, done_bytes: int, total_bytes: int) -> None:
        now_s = time.monotonic()
        if now_s - self._said_s >= SAY_EVERY_S:
            self._said_s = now_s
            say(f"{self._name}: {done_bytes / 1e6:,.0f} of {total_bytes / 1e6:,.0f} MB")
