"""A window on a log's file: what can be read is read, while it is written, cut off, of a newer version, or replaced.

`core.Log` refuses a file that is not as it should be. Somebody who looks into one wants to see what is there, and to be
told what is not.
"""

from __future__ import annotations

import os
import sqlite3
import threading
from contextlib import suppress
from pathlib import Path
from shutil import copyfile
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

from waggledance.core import UsageError, repair
from waggledance.core._log_file import APPLICATION_ID, FORMAT_WITH_EXCHANGES, lenient, looks_like_a_log

ROWS_AT_ONCE = 2_000
ROWS_ONE_BY_ONE = 64
"""After an unreadable row so many are tried alone: about a page of them."""
SMALLEST_ROW_BYTES = 200
"""An id, an author and an envelope."""
_COLUMNS = {"arrival", "id", "channel", "author", "sequence", "kind", "lamport", "raw", "signature"}
_ENDS = "kind IN ('opening/1', 'outcome/1', 'fork/1')"


class Row(NamedTuple):
    """One message as it stands in the file."""

    arrival: int
    """Its place in the log, from 1."""
    id: bytes
    channel: str
    raw: bytes
    signature: bytes


class LogWindow:
    """One log's file, opened again when another takes its place. Any thread may ask.

    Args:
        path: the file; it may not be there yet.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.files = 0
        """How many files of this name have been seen: another number means another log."""
        self.last = 0
        """The newest message's arrival number; 0 without a message."""
        self.newer = False
        """Whether the file is of a format that this version does not know."""
        self.broken = ""
        """What is wrong with the file, and what to do about it; empty when nothing is."""
        self._connection: sqlite3.Connection | None = None
        self._mark: tuple[int, int] | None = None
        self._seen_at = -1
        self._folder: TemporaryDirectory[str] | None = None
        """Where the mended copy of a file lies that could not be opened."""
        self._rows_at_most = 0
        """How many rows the file can hold, for one whose end is not known."""
        self._lock = threading.RLock()

    def refresh(self) -> bool:
        """Look whether the file has changed; return whether it has. Costs tens of microseconds when it has not."""
        with self._lock:
            before = (self.files, self.last, self.broken)
            try:
                found = os.stat(self.path)  # noqa: PTH116  # Path.stat costs twice as much, ten times a second
            except OSError:
                if self._connection is not None:
                    self.broken = f"{self.path} is not there any more: what it held when it went away is shown"
            else:
                if self._connection is None or self._mark != (found.st_dev, found.st_ino):
                    self._open((found.st_dev, found.st_ino), found.st_size)
            self._look()
            return before != (self.files, self.last, self.broken)

    def rows(
        self, channel: str | None = None, *, after: int = 0, before: int | None = None, most: int | None = None
    ) -> list[Row]:
        """Return the rows of one channel, or of all, between two arrival numbers, neither of them included.

        Args:
            channel: its name; all channels when None.
            after: the arrival number before the first.
            before: the one behind the last; to the end when None.
            most: stop when there are so many; rows around damage may come on top. All when None.
        """
        where = "arrival > ?"
        given: tuple[object, ...] = ()
        if channel is not None:
            where, given = f"{where} AND channel = ?", (channel,)
        if before is not None:
            where, given = f"{where} AND arrival < ?", (*given, before)
        return self._scan(where, given, after, most)

    def raws(self, channel: str | None, *, after: int, before: int) -> list[tuple[int, bytes]]:
        """Return the arrival numbers and the bytes of the same messages that `rows` gives, at a third of the cost."""
        query = "SELECT arrival, raw FROM messages WHERE arrival > ? AND arrival < ?"
        given: tuple[object, ...] = (after, before)
        if channel is not None:
            query, given = f"{query} AND channel = ?", (*given, channel)
        with self._lock:
            if self._connection is None:
                return []
            try:
                found = self._connection.execute(query, given).fetchall()
            except sqlite3.DatabaseError:
                return [(row.arrival, row.raw) for row in self.rows(channel, after=after, before=before)]
            return [row for row in found if isinstance(row[1], bytes)]

    def row(self, channel: str, id: bytes) -> Row | None:
        """Return the row of one message; None when the channel has no such message."""
        return next(iter(self._scan("arrival > ? AND channel = ? AND id = ?", (channel, id), 0, 1)), None)

    def ends(self, after: int = 0) -> list[Row]:
        """Return what opens and ends all channels, of what came after an arrival number."""
        return self._scan(f"arrival > ? AND {_ENDS}", (), after)

    def counted(self, after: int = 0) -> dict[str, tuple[int, int]]:
        """Return how many messages every channel got after an arrival number, and the newest one's number.

        Channels stand in the order in which they began, or went on.
        """
        query = (
            "SELECT channel, count(*), max(arrival) FROM messages WHERE arrival > ? "
            "GROUP BY channel ORDER BY min(arrival)"
        )
        return {name: (count, last) for name, count, last in self._select(query, (after,))}

    def exchanges(self, channel: str, author: bytes, sequence: int) -> list[str]:
        """Return what went into a message, as JSON: what its author asked of models and tools."""
        query = "SELECT exchange FROM exchanges WHERE channel = ? AND author = ? AND sequence = ? ORDER BY arrival"
        return [text for (text,) in self._select(query, (channel, author, sequence), table="exchanges")]

    def close(self) -> None:
        """Let go of the file. Closing twice is harmless."""
        with self._lock:
            if self._connection is not None:
                self._connection.close()
                self._connection = None
            if self._folder is not None:
                self._folder.cleanup()
                self._folder = None

    def _open(self, mark: tuple[int, int], size: int) -> None:
        self.close()
        self._mark, self._seen_at, self.last = mark, -1, 0
        self._rows_at_most = size // SMALLEST_ROW_BYTES
        self.files += 1
        self.newer, self.broken = False, ""
        try:
            self._connection = _connected(self.path)
            [application], [version], columns = (
                self._connection.execute("PRAGMA application_id").fetchone(),
                self._connection.execute("PRAGMA user_version").fetchone(),
                {row[1] for row in self._connection.execute("PRAGMA table_info(messages)")},
            )
        except sqlite3.DatabaseError as why:
            self.close()
            self._open_mended(why)
            return
        self.newer = version > FORMAT_WITH_EXCHANGES
        if not columns and application in (0, APPLICATION_ID):
            self.close()  # made, and nothing in it yet: looked at again next time
            self._mark = None
        elif not columns >= _COLUMNS:
            self.close()
            what = f"has format {version}, which this version cannot read" if self.newer else "is no log"
            self.broken = f"{self.path} {what}. Use a newer waggledance, or give another file with --log"

    def _open_mended(self, why: sqlite3.DatabaseError) -> None:
        """Show what is intact of a file that cannot be opened at all, from a copy that is mended."""
        self.broken = f"{self.path} cannot be read as a log ({why}). Give another file with --log"
        if not looks_like_a_log(self.path):
            return
        self._folder = TemporaryDirectory(prefix="waggle-studio-")
        copy = Path(self._folder.name) / "log"
        with suppress(UsageError, sqlite3.DatabaseError, OSError):
            for ending in ("", "-wal"):
                part = self.path.with_name(self.path.name + ending)
                if part.exists():
                    copyfile(part, copy.with_name(copy.name + ending))
            repair(copy)
            self._connection = _connected(copy)
            self._note_damage(why)

    def _look(self) -> None:
        """Note the newest arrival number when somebody has written."""
        if self._connection is None:
            return
        try:
            version: int = self._connection.execute("PRAGMA data_version").fetchone()[0]
            if version == self._seen_at:
                return
            last: int | None = self._connection.execute("SELECT max(arrival) FROM messages").fetchone()[0]
            self._seen_at, self.last = version, last or 0
        except sqlite3.DatabaseError as why:
            self._note_damage(why)

    def _select(self, query: str, given: tuple[object, ...], table: str = "messages") -> list[tuple[Any, ...]]:
        with self._lock:
            if self._connection is None:
                return []
            try:
                return self._connection.execute(query, given).fetchall()
            except sqlite3.OperationalError as why:
                if table not in str(why):  # an older log has no such table
                    self._note_damage(why)
            except sqlite3.DatabaseError as why:
                self._note_damage(why)
            return []

    def _scan(self, where: str, given: tuple[object, ...], after: int, most: int | None = None) -> list[Row]:
        """Return rows, many at once, and one by one around those that cannot be read."""
        query = f"SELECT arrival, id, channel, raw, signature FROM messages WHERE {where} ORDER BY arrival LIMIT ?"  # noqa: S608  # no word of it is from outside
        found: list[Row] = []
        with self._lock:
            if self._connection is None:
                return found
            at, wanted = after, ROWS_AT_ONCE if most is None else min(most, ROWS_AT_ONCE)
            while most is None or len(found) < most:
                try:
                    rows = self._connection.execute(query, (at, *given, wanted)).fetchall()
                except sqlite3.DatabaseError as why:
                    self._note_damage(why)
                    if at >= max(self.last, self._rows_at_most):
                        return found
                    found += self._one_by_one(where, given, at)
                    at += ROWS_ONE_BY_ONE
                    continue
                if not rows:
                    return found
                found += [Row(*row) for row in rows if _whole(row)]
                at = rows[-1][0]
            return found

    def _one_by_one(self, where: str, given: tuple[object, ...], at: int) -> list[Row]:
        query = f"SELECT arrival, id, channel, raw, signature FROM messages WHERE {where} AND arrival = ?"  # noqa: S608  # as above
        found: list[Row] = []
        for arrival in range(at + 1, at + 1 + ROWS_ONE_BY_ONE):
            with suppress(sqlite3.DatabaseError):
                assert self._connection is not None
                rows = self._connection.execute(query, (0, *given, arrival)).fetchall()
                found += [Row(*row) for row in rows if _whole(row)]
        return found

    def _note_damage(self, why: sqlite3.DatabaseError) -> None:
        if isinstance(why, sqlite3.OperationalError) and "locked" in str(why):
            return  # somebody writes: the next look will do
        self.broken = (
            f"{self.path} is damaged ({why}): what can be read is shown. `waggle log verify {self.path}` says what is "
            "intact, `waggle log repair` keeps it"
        )


def _whole(row: tuple[object, ...]) -> bool:
    return isinstance(row[3], bytes) and isinstance(row[4], bytes)


def _connected(path: Path) -> sqlite3.Connection:
    """Open a file for reading, beside a writer if there is one."""
    wal = path.with_name(path.name + "-wal")
    try:
        return _tried(f"{path.resolve().as_uri()}?mode={'ro' if wal.exists() else 'rw'}")
    except sqlite3.OperationalError:  # in a folder where nothing may be written, the file can only be taken as it is
        return _tried(f"{path.resolve().as_uri()}?mode=ro&immutable=1")


def _tried(uri: str) -> sqlite3.Connection:
    connection = sqlite3.connect(uri, uri=True, timeout=2, isolation_level=None, check_same_thread=False)
    connection.text_factory = lenient
    try:
        connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
    except BaseException:
        connection.close()
        raise
    return connection
