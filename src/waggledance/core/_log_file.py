"""The file of a log: its tables, how it is opened, and what can go wrong with it.

    messages   one row a message, in the order of arrival: `raw` is the canonical bytes that `id` is the hash of,
               `signature` 64 bytes or none; the other columns repeat what is inside `raw`, for queries
    heads      every author's newest message in each channel, written in the same transaction as the messages, so that
               a missing tail is noticed
    notes      what somebody worked out about a channel, to be found until a message is added to it: `upto` is the
               channel's last arrival then. Made when the first note is kept; a log without it has format 1
    exchanges  what peers on this machine asked of their models and tools, as JSON; sent to nobody. Made when the first
               is kept; a log without it has format 1 or 2

SQLite in WAL mode, ``synchronous=NORMAL``: what was flushed outlives the process, however it ends; a loss of power may
take the last moments, and never what was there before. (``FULL`` waits for the disk at every flush, milliseconds each.)
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec

from waggledance.core._errors import RunFailed, UsageError
from waggledance.core._exchange import Exchange
from waggledance.core._message import Message

FORMAT = 1
FORMAT_WITH_NOTES = 2
FORMAT_WITH_EXCHANGES = 3
APPLICATION_ID = 0x77_67_6C_31
"""``wgl1``, in the file's header."""

_ENVELOPE = b"\x8b\xa2au\xc4\x20"
"""How the canonical bytes of a message without blobs and expiry begin."""

_TABLES = {
    "messages": """CREATE TABLE messages (
        arrival INTEGER PRIMARY KEY, id BLOB NOT NULL, channel TEXT NOT NULL, author BLOB NOT NULL,
        sequence INTEGER NOT NULL, kind TEXT NOT NULL, lamport INTEGER NOT NULL, raw BLOB NOT NULL,
        signature BLOB NOT NULL)""",
    "heads": """CREATE TABLE heads (
        channel TEXT NOT NULL, author BLOB NOT NULL, sequence INTEGER NOT NULL, id BLOB NOT NULL,
        PRIMARY KEY (channel, author)) WITHOUT ROWID""",
    "by_channel": "CREATE INDEX by_channel ON messages (channel)",
    "ends": "CREATE INDEX ends ON messages (channel) WHERE kind IN ('opening/1', 'outcome/1')",
}
_NOTES = {
    "notes": """CREATE TABLE notes (
        channel TEXT PRIMARY KEY, upto INTEGER NOT NULL, note BLOB NOT NULL) WITHOUT ROWID""",
}
_EXCHANGES = {
    "exchanges": """CREATE TABLE exchanges (
        arrival INTEGER PRIMARY KEY, channel TEXT NOT NULL, author BLOB NOT NULL, sequence INTEGER NOT NULL,
        exchange TEXT NOT NULL)""",
    "exchanges_of": "CREATE INDEX exchanges_of ON exchanges (channel, author, sequence)",
}
_TABLES_OF = {
    FORMAT: _TABLES,
    FORMAT_WITH_NOTES: _TABLES | _NOTES,
    FORMAT_WITH_EXCHANGES: _TABLES | _NOTES | _EXCHANGES,
}
_INSERT = (
    "INSERT INTO messages (id, channel, author, sequence, kind, lamport, raw, signature) "
    "VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
)
_UPSERT = (
    "INSERT INTO heads (channel, author, sequence, id) VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE SET "
    "sequence = excluded.sequence, id = excluded.id WHERE excluded.sequence > sequence"
)
_NOTE = (
    "INSERT OR REPLACE INTO notes (note, channel, upto) "
    "SELECT ?, channel, max(arrival) FROM messages WHERE channel = ? GROUP BY channel"
)
_VALID_NOTES = (
    "SELECT channel, note FROM notes "
    "WHERE upto = (SELECT max(arrival) FROM messages WHERE messages.channel = notes.channel)"
)


class LogFailed(RunFailed):
    """The log could not be written: a full disk, for one. What was not written is kept in memory, to be tried again."""

    exit_code = 74  # EX_IOERR of sysexits.h

    def __init__(self, path: str, kept: int, why: str) -> None:
        super().__init__(path, kept, why)
        self.path, self.kept, self.why = path, kept, why

    def __str__(self) -> str:
        return (
            f"log {self.path}: {self.why}. Everything flushed before is safe in it; {self.kept:,} later messages are "
            "only in memory. Make room on the disk and flush again, or give another file with --log"
        )


class LogDamaged(RunFailed):
    """The log's file is not as it was written."""

    def __init__(self, path: str, what: str) -> None:
        super().__init__(path, what)
        self.path, self.what = path, what

    def __str__(self) -> str:
        return (
            f"log {self.path} is damaged: {self.what}. `waggle log verify --log {self.path}` says what is intact, and "
            f"`waggle log repair --log {self.path}` keeps that and puts the damaged file aside"
        )


def open_for_writing(path: Path) -> sqlite3.Connection:
    """Open a log, or make one that only its owner can read.

    Raises:
        UsageError: the file is something else, or of a later format, or cannot be made there.
        sqlite3.DatabaseError: it is damaged.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
    except OSError as why:
        raise UsageError(f"log {path}: {why.strerror}; give another file with --log") from why
    connection = sqlite3.connect(path, timeout=10, isolation_level=None, check_same_thread=False)
    connection.text_factory = lenient
    try:
        if not is_log(connection, path):
            connection.execute("PRAGMA journal_mode = WAL")
            marks = [f"PRAGMA application_id = {APPLICATION_ID}", f"PRAGMA user_version = {FORMAT}"]
            for statement in ("BEGIN IMMEDIATE", *_TABLES.values(), *marks, "COMMIT"):
                connection.execute(statement)
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = NORMAL")
    except BaseException:
        connection.close()
        raise
    return connection


def open_for_reading(path: Path) -> sqlite3.Connection:
    """Open a log that others may be writing.

    Raises:
        UsageError: there is none, or the file is something else.
        sqlite3.DatabaseError: it is damaged.
    """
    if not path.is_file():
        raise no_log_at(path)
    # Read-only connections leave SQLite's helper files behind, so they are for what a writer or a crash has left open.
    wal = path.with_name(path.name + "-wal")
    uri = f"{path.resolve().as_uri()}?mode={'ro' if wal.exists() else 'rw'}"
    connection = sqlite3.connect(uri, uri=True, timeout=10, isolation_level=None, check_same_thread=False)
    connection.text_factory = lenient
    try:
        found = is_log(connection, path)
    except BaseException:
        connection.close()
        raise
    if not found:
        connection.close()
        raise UsageError(f"{path} is no log, or one without a message yet")
    return connection


def no_log_at(path: Path) -> UsageError:
    """Return what to say where a log should be read and none is."""
    if path.is_dir():
        return UsageError(f"{path} is a folder, no log: name the file in it with --log, as in {path / 'log.db'}")
    return UsageError(f"there is no log at {path}: ask something first, or name another file with --log")


def is_log(connection: sqlite3.Connection, path: Path) -> bool:
    """Return whether this is a log; False for an empty file.

    Raises:
        UsageError: it is a database of something else, or a log of a later format.
        sqlite3.DatabaseError: it is damaged: no database any more, or cut off.
    """
    try:
        [application], [version] = (
            connection.execute(f"PRAGMA {name}").fetchone() for name in ("application_id", "user_version")
        )
        tables = dict(connection.execute("SELECT name, sql FROM sqlite_schema"))
    except sqlite3.OperationalError:
        raise
    except sqlite3.DatabaseError:
        if not looks_like_a_log(path):
            raise UsageError(f"{path} is no log but something else; give another file with --log") from None
        raise
    if application == 0 and not tables:
        return False
    if application != APPLICATION_ID and tables not in _TABLES_OF.values():
        raise UsageError(f"{path} is a database of something else; give another file with --log")
    if version not in _TABLES_OF:
        raise UsageError(
            f"log {path} has format {version}, this version reads {FORMAT} to {FORMAT_WITH_EXCHANGES}: "
            "use a newer waggledance"
        )
    if application != APPLICATION_ID or tables != _TABLES_OF[version]:
        raise sqlite3.DatabaseError("the file's first page is broken")
    return True


def looks_like_a_log(path: Path) -> bool:
    """Return whether a file that SQLite cannot read may have been a log: by the mark in its header, or a message."""
    with path.open("rb") as file:
        beginning = file.read(1 << 20)
    marked = beginning[68:72] == APPLICATION_ID.to_bytes(4) or _ENVELOPE in beginning
    return marked or (len(beginning) < 72 and b"SQLite format 3\0".startswith(beginning[:16]))


def lenient(text: bytes) -> str:
    """Read a text column that may be damaged."""
    return text.decode(errors="replace")


def insert(
    connection: sqlite3.Connection,
    batch: Sequence[tuple[Message[Any], bytes]],
    exchanges: Sequence[Exchange] = (),
) -> None:
    """Write messages, heads and exchanges in one transaction: all of them, or none.

    Raises:
        sqlite3.Error: nothing was written.
    """
    rows: list[tuple[Any, ...]] = []
    heads: dict[tuple[str, bytes], tuple[str, bytes, int, bytes]] = {}
    for message, raw in batch:
        channel, author, sequence = message.channel, message.author, message.sequence
        rows.append((message.id, channel, author, sequence, message.kind, message.lamport, raw, message.signature))
        head = heads.get((channel, author))
        if head is None or head[2] < sequence:
            heads[channel, author] = (channel, author, sequence, message.id)
    with _transaction(connection):
        connection.executemany(_INSERT, rows)
        connection.executemany(_UPSERT, heads.values())
        if exchanges:
            _make_tables(connection, FORMAT_WITH_EXCHANGES)
            connection.executemany(
                "INSERT INTO exchanges (channel, author, sequence, exchange) VALUES (?, ?, ?, ?)",
                ((x.channel, x.author, x.sequence, msgspec.json.encode(x).decode()) for x in exchanges),
            )


def keep_notes(connection: sqlite3.Connection, notes: Mapping[str, bytes]) -> None:
    """Write notes about channels in one transaction; a channel without a message gets none.

    Raises:
        sqlite3.Error: nothing was written.
    """
    with _transaction(connection):
        _make_tables(connection, FORMAT_WITH_NOTES)
        connection.executemany(_NOTE, ((note, channel) for channel, note in notes.items()))


def valid_notes(connection: sqlite3.Connection) -> dict[str, bytes]:
    """Return the notes about channels to which nothing was added since.

    Raises:
        sqlite3.Error: the file is damaged.
    """
    return dict(connection.execute(_VALID_NOTES)) if _format(connection) >= FORMAT_WITH_NOTES else {}


def exchanges_in(connection: sqlite3.Connection, channel: str | None = None) -> list[Exchange]:
    """Return the exchanges of one channel, or of all, in the order in which they ended.

    Raises:
        sqlite3.Error: the file is damaged.
        msgspec.DecodeError: an exchange is not what was written.
    """
    if _format(connection) < FORMAT_WITH_EXCHANGES:
        return []
    query = "SELECT exchange FROM exchanges"
    given: tuple[str, ...] = ()
    if channel is not None:
        query, given = f"{query} WHERE channel = ?", (channel,)  # no word of it is from outside
    return [
        msgspec.json.decode(text, type=Exchange) for (text,) in connection.execute(f"{query} ORDER BY arrival", given)
    ]


@contextmanager
def _transaction(connection: sqlite3.Connection) -> Generator[None]:
    """Write all that the block writes, or nothing."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def _format(connection: sqlite3.Connection) -> int:
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def _make_tables(connection: sqlite3.Connection, wanted: int) -> None:
    """Make the tables that a log of the wanted format has and this one lacks, inside a transaction."""
    now = _format(connection)
    if now < wanted:
        for name, statement in _TABLES_OF[wanted].items():
            if name not in _TABLES_OF[now]:
                connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {wanted}")
