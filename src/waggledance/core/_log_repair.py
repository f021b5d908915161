"""Keep the intact part of a damaged log, and the damaged file too."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing, suppress
from pathlib import Path

import msgspec

from waggledance.core._errors import UsageError
from waggledance.core._exchange import Exchange
from waggledance.core._log_check import Report, examine
from waggledance.core._log_file import exchanges_in, insert, no_log_at, open_for_reading, open_for_writing
from waggledance.core._log_lock import writer_lock


def repair(path: str | Path) -> Report:
    """Replace a damaged log by its intact part; the damaged file stays beside it as ``NAME.damaged-1``.

    What is loose (good, but resting on what is missing) is left in the damaged file only. A log without faults is left
    as it is.

    Returns:
        What was found, and where the damaged file is.

    Raises:
        UsageError: there is no log, or another process writes to it.
    """
    path = Path(path)
    if not path.is_file():
        raise no_log_at(path)
    lock = writer_lock(path)
    try:
        return repair_locked(path)
    finally:
        lock.release()


def repair_locked(path: Path) -> Report:
    """Do the work of `repair` for one who holds the log's lock."""
    found = examine(path)
    if found.report.ok:
        return found.report
    new = path.with_name(path.name + ".repairing")
    _remove(new)
    with closing(open_for_writing(new)) as connection:
        insert(connection, found.kept, _exchanges_of(path))
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    aside = next(a for n in range(1, 10_000) if not (a := path.with_name(f"{path.name}.damaged-{n}")).exists())
    os.link(path, aside)
    for ending in ("-wal", "-shm"):
        beside = path.with_name(path.name + ending)
        if beside.exists():
            beside.rename(aside.with_name(aside.name + ending))
    new.replace(path)
    return msgspec.structs.replace(found.report, set_aside=str(aside))


def _exchanges_of(path: Path) -> list[Exchange]:
    """Return what a damaged log still has of its exchanges: all, or none where they cannot be read."""
    with suppress(sqlite3.Error, msgspec.DecodeError, UsageError), closing(open_for_reading(path)) as connection:
        return exchanges_in(connection)
    return []


def _remove(path: Path) -> None:
    """Remove what an earlier repair, cut short, has left."""
    for ending in ("", "-wal", "-shm"):
        path.with_name(path.name + ending).unlink(missing_ok=True)
