"""Rows from a file or a pipe, read as they are needed: JSON lines, CSV, Parquet.

What is no row (no JSON, no object, too large, too many or too few fields) comes out as a row that has failed, so that
it ends in the dead letters with its reason, and the others go on.
"""

from __future__ import annotations

import asyncio
import base64
import csv
import os
import stat
import threading
from collections import Counter
from collections.abc import AsyncGenerator, Iterator, Mapping
from pathlib import Path
from typing import Any, TypeAlias

from waggledance.core import UsageError, with_extra
from waggledance.tasks._row import Row
from waggledance.tasks._row_lines import MAX_ROW_BYTES, RowLines, refused

Item: TypeAlias = Row | Mapping[str, Any]
PIECE_BYTES = 1 << 16
PIECES_WAITING = 4
ROWS_AT_ONCE = 1_000
LINES, TABLES = (".jsonl", ".ndjson"), (".csv", ".parquet")


def kind_of(path: Path, what: str) -> str:
    """Return the suffix that says how a file is written.

    Raises:
        UsageError: it is none that we read and write.
    """
    suffix = path.suffix.lower()
    if suffix not in (*LINES, *TABLES):
        raise UsageError(f"{what} {path}: the name ends in none of {', '.join((*LINES, *TABLES))}")
    return suffix


def read_rows(path: Path, *, max_bytes: int = MAX_ROW_BYTES) -> Iterator[Item]:
    """Yield the rows of a file; its first is read before this returns.

    Args:
        path: JSON lines, CSV with a header, or Parquet, by its suffix; or a file descriptor's path.
        max_bytes: a row of more is refused. Rows of Parquet are not measured.

    Raises:
        UsageError: there is no such file, or it is not what its suffix says.
    """
    suffix = kind_of(path, "rows")
    try:
        if suffix in LINES:
            return lines_of(os.open(path, os.O_RDONLY | os.O_CLOEXEC), max_bytes)
        if suffix == ".csv":
            return _csv_rows(path, max_bytes)
    except OSError as why:
        raise UsageError(f"rows {path}: {(why.strerror or str(why)).lower()}") from why
    return _parquet_rows(path)


def lines_of(file: int, max_bytes: int = MAX_ROW_BYTES) -> Iterator[Item]:
    """Yield the rows of an open file of JSON lines, and close it."""
    if stat.S_ISDIR(os.fstat(file).st_mode):
        os.close(file)
        raise UsageError("rows: that is a folder; give a file, or - for stdin")
    return _lines(file, max_bytes)


def _lines(file: int, max_bytes: int) -> Iterator[Item]:
    lines = RowLines(max_bytes)
    try:
        while piece := os.read(file, PIECE_BYTES):
            yield from lines.feed(piece)
        yield from lines.end()
    finally:
        os.close(file)


async def piped_rows(file: int, *, max_bytes: int = MAX_ROW_BYTES) -> AsyncGenerator[Item]:
    """Yield the rows of a pipe or a terminal, JSON lines, while others go on: a thread waits for them.

    The thread reads ahead by 256 KiB at most; it ends with the pipe, or with the process.
    """
    loop = asyncio.get_running_loop()
    pieces: asyncio.Queue[bytes | OSError] = asyncio.Queue()
    free = threading.Semaphore(PIECES_WAITING)

    def read() -> None:
        while True:
            free.acquire()
            try:
                piece: bytes | OSError = os.read(file, PIECE_BYTES)
            except OSError as why:
                piece = why
            try:
                loop.call_soon_threadsafe(pieces.put_nowait, piece)
            except RuntimeError:  # the loop is closed: nobody waits any more
                return
            if not piece or isinstance(piece, OSError):
                return

    threading.Thread(target=read, name="rows from a pipe", daemon=True).start()
    lines = RowLines(max_bytes)
    while piece := await pieces.get():
        if isinstance(piece, OSError):
            raise UsageError(f"rows from a pipe: {(piece.strerror or str(piece)).lower()}")
        free.release()
        for item in lines.feed(piece):
            yield item
    for item in lines.end():
        yield item


def _csv_rows(path: Path, max_bytes: int) -> Iterator[Item]:
    file = path.open(encoding="utf-8-sig", errors="surrogateescape", newline="")
    csv.field_size_limit(max(csv.field_size_limit(), max_bytes))
    reader = csv.reader(file, strict=True)
    try:
        header = _header(reader, path)
    except BaseException:
        file.close()
        raise

    def rows() -> Iterator[Item]:
        with file:
            while True:
                first = reader.line_num + 1
                try:
                    values = next(reader, None)
                except csv.Error as why:
                    upto = f", up to line {reader.line_num}" if reader.line_num > first else ""
                    yield refused(first, f"it is no CSV: {why}{upto}; is there a quote that is not closed?")
                    continue
                if values is None:
                    return
                if values:
                    yield _csv_row(values, header, reader.line_num, max_bytes)

    return rows()


def _header(reader: Iterator[list[str]], path: Path) -> list[str]:
    try:
        header = next(reader, None)
    except csv.Error as why:
        raise UsageError(f"rows {path}: the header is no CSV: {why}") from why
    if not header:
        raise UsageError(f"rows {path}: no header; its first line names the fields, as in id,question")
    twice = [name for name, n in Counter(header).items() if n > 1]
    if twice:
        raise UsageError(f"rows {path}: the header names {twice[0]!r} twice")
    return header


def _csv_row(values: list[str], header: list[str], number: int, max_bytes: int) -> Item:
    seen = ",".join(values)
    if len(values) != len(header):
        shown = seen.encode("utf-8", "surrogateescape").decode(errors="replace")
        return refused(number, f"it has {len(values)} fields, the header {len(header)}", shown)
    try:
        size = len(seen.encode())
    except UnicodeEncodeError:
        shown = seen.encode("utf-8", "surrogateescape").decode(errors="replace")
        return refused(number, "it is not UTF-8", shown)
    if size > max_bytes:
        return refused(number, f"it has more than {max_bytes:,} bytes", seen)
    return dict(zip(header, values, strict=True))


def _parquet_rows(path: Path) -> Iterator[Item]:
    duckdb = needs_duckdb("reading")
    database = duckdb.connect()
    try:
        found = database.execute("SELECT * FROM read_parquet(?)", [str(path)])
    except duckdb.Error as why:
        database.close()
        raise UsageError(f"rows {path}: no Parquet that can be read: {str(why).splitlines()[0]}") from why
    names: list[str] = [column[0] for column in found.description]

    def rows() -> Iterator[Item]:
        with database:
            while several := found.fetchmany(ROWS_AT_ONCE):
                for values in several:
                    yield dict(zip(names, map(_plain, values), strict=True))

    return rows()


def _plain(value: Any) -> Any:
    return base64.b64encode(value).decode() if isinstance(value, bytes) else value


def needs_duckdb(doing: str) -> Any:
    """Return DuckDB.

    Raises:
        UsageError: it is not installed; says how.
    """
    try:
        import duckdb
    except ImportError as why:
        raise UsageError(with_extra(f"{doing} Parquet needs DuckDB", "parquet")) from why
    return duckdb
