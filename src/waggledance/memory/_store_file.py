"""The file of a memory: its tables, and how it is opened.

    records    one row a record: `raw` is the canonical bytes of its content, `id` their hash; the other columns repeat
               what is inside, for queries
    vectors    one row a record that has been embedded, in whole numbers of 16 bits, by the embedding that `meta` names
    authors    who said or made each record, and in which message; none for the owner's own
    links      from a record, by a relation, to an id, which may be known or not
    words      FTS5 over key and text; an index, kept by the same transaction

Only the owner may read it (0600). What was shared with others can be made again from the log; private records are in
this file and nowhere else.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from waggledance.core import RunFailed, UsageError

FORMAT = 1
APPLICATION_ID = 0x77_67_6D_31
"""``wgm1``, in the file's header."""

CACHE_KIB = 64 * 1_024
"""Of pages, as far as they are used: ranking by BM25 reads the length of every record that matches."""

_TABLES = (
    """CREATE TABLE records (
        row INTEGER PRIMARY KEY, id BLOB NOT NULL UNIQUE, sort TEXT NOT NULL, key TEXT NOT NULL, scope TEXT NOT NULL,
        tie INTEGER NOT NULL, embedded INTEGER NOT NULL DEFAULT 0, raw BLOB NOT NULL)""",
    "CREATE INDEX waiting ON records (row) WHERE NOT embedded",
    "CREATE TABLE vectors (row INTEGER PRIMARY KEY, vector BLOB NOT NULL)",
    """CREATE TABLE authors (
        id BLOB NOT NULL, author BLOB NOT NULL, message BLOB, PRIMARY KEY (id, author)) WITHOUT ROWID""",
    """CREATE TABLE links (
        id BLOB NOT NULL, relation TEXT NOT NULL, target BLOB NOT NULL,
        PRIMARY KEY (id, relation, target)) WITHOUT ROWID""",
    "CREATE INDEX back ON links (target, relation)",
    "CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID",
    """CREATE VIRTUAL TABLE words USING fts5(
        key, text, content='', tokenize="unicode61 remove_diacritics 2")""",
)


def open_file(path: Path | None) -> sqlite3.Connection:
    """Open a memory's file, or make one that only its owner can read; in this process alone when None.

    Raises:
        UsageError: the file is something else, of a later format, damaged, or cannot be made there.
    """
    if path is not None:
        try:
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
        except OSError as why:
            raise UsageError(f"memory {path}: {why.strerror}; give another file") from why
    connection = sqlite3.connect(path or ":memory:", timeout=10, isolation_level=None, check_same_thread=False)
    try:
        if not _is_memory(connection, path):
            _make(connection, path)
        if path is not None:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = NORMAL")
            connection.execute(f"PRAGMA cache_size = -{CACHE_KIB}")
    except sqlite3.DatabaseError as why:
        connection.close()
        no_room = getattr(why, "sqlite_errorcode", 0) & 0xFF in (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR)
        what = "make room on the disk, or give another file" if no_room else "give another file, or remove this one"
        raise UsageError(f"memory {path} cannot be used: {why}; {what}") from why
    except BaseException:
        connection.close()
        raise
    return connection


def _make(connection: sqlite3.Connection, path: Path | None) -> None:
    """Make the tables, unless another process has made them since they were looked for."""
    connection.execute("BEGIN IMMEDIATE")
    if not _is_memory(connection, path):
        for statement in (
            *_TABLES,
            f"PRAGMA application_id = {APPLICATION_ID}",
            f"PRAGMA user_version = {FORMAT}",
        ):
            connection.execute(statement)
    connection.execute("COMMIT")


@contextmanager
def transaction(connection: sqlite3.Connection) -> Generator[None]:
    """Write all of what is done inside, or nothing of it.

    Raises:
        RunFailed: the disk is full, or another process has not let go of the file for ten seconds.
    """
    try:
        connection.execute("BEGIN IMMEDIATE")
        yield
        connection.execute("COMMIT")
    except BaseException as why:
        if connection.in_transaction:  # a full disk has ended it already
            connection.execute("ROLLBACK")
        if isinstance(why, sqlite3.OperationalError):
            raise RunFailed(f"the memory could not be written: {why}; what was there before is kept") from why
        raise


def _is_memory(connection: sqlite3.Connection, path: Path | None) -> bool:
    """Say whether the file holds a memory; False when it is empty.

    Raises:
        UsageError: it holds something else, or was written by a later version.
    """
    (mark,) = connection.execute("PRAGMA application_id").fetchone()
    (format,) = connection.execute("PRAGMA user_version").fetchone()
    (tables,) = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    if not tables:
        return False
    if mark != APPLICATION_ID:
        raise UsageError(f"{path} is a database, but no memory; give another file")
    if format > FORMAT:
        raise UsageError(f"memory {path} has format {format}, this version reads up to {FORMAT}; update waggledance")
    return True
