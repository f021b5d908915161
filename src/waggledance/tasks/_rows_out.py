"""What a batch brought: one file of rows, one of dead letters; whole or not there, and a growing copy meanwhile.

While the batch runs, ``NAME.partial.jsonl`` and ``NAME.dead.jsonl`` grow by a line a row as it ends. At the end the
journal, which has every row once, is written out in one piece under the file's own name.

A row that was done is its id, its fields, and a field for each step. In CSV and Parquet a field whose values are lists
or objects holds JSON, and one whose values are of several types holds text.
"""

from __future__ import annotations

import csv
import os
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Protocol

import msgspec

from waggledance.core import UsageError
from waggledance.tasks._row import Row
from waggledance.tasks._rows_in import LINES, kind_of, needs_duckdb

_JSON = msgspec.json.Encoder()
_TYPES: dict[type, str] = {bool: "BOOLEAN", int: "BIGINT", float: "DOUBLE", str: "VARCHAR"}
_MIXED = {frozenset({"BIGINT", "DOUBLE"}): "DOUBLE"}
_BIGINT = 1 << 63
_DUCKDB_OBJECT_BYTES = 1 << 24  # what it reads by itself


class _File(Protocol):
    def write(self, data: bytes, /) -> int: ...


class RowsOut:
    """Where a batch's rows go. Making one looks whether they can go there, and leaves everything as it is.

    Args:
        path: the file; how it is written follows from its suffix.

    Raises:
        UsageError: the suffix is none that we write, DuckDB is needed and missing, or nothing can be written there.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.suffix = kind_of(path, "output")
        self.partial = path.with_name(f"{path.name}.partial.jsonl")
        self.dead = path.with_name(f"{path.name}.dead.jsonl")
        if self.suffix == ".parquet":
            needs_duckdb("writing")
        if path.is_dir():
            raise UsageError(f"output {path}: that is a folder; name a file in it")
        self._growing: int | None = None
        self._dying: int | None = None
        try:
            if path.exists():
                os.close(os.open(path, os.O_WRONLY))
            with _scratch(path) as scratch:
                scratch.touch()
        except OSError as why:
            raise self._refused(why) from why

    @contextmanager
    def growing(self, *, going_on: bool = False) -> Generator[None]:
        """Keep the growing copies open. Hold the batch's journal meanwhile: without it they may be another process's.

        Args:
            going_on: whether an earlier run's are added to, or begun anew.

        Raises:
            UsageError: they cannot be written.
        """
        try:
            self._growing = _appending(self.partial, going_on=going_on)
            self._dying = _appending(self.dead, going_on=going_on)
        except OSError as why:
            self.close()
            raise self._refused(why) from why
        try:
            yield
        finally:
            self.close()

    def add(self, row: Row) -> None:
        """Add a row that ended to the growing copies."""
        assert self._growing is not None
        assert self._dying is not None
        if row.failure is None:
            os.write(self._growing, _JSON.encode(flat(row)) + b"\n")
        else:
            os.write(self._dying, _JSON.encode(dead_letter(row)) + b"\n")

    def finish(self, rows: Callable[[], Iterable[Row]]) -> tuple[int, int]:
        """Write all rows in one piece, and remove the growing copy; return how many were done, and how many failed.

        Args:
            rows: gives every row that ended, each time it is called.

        Raises:
            OSError: nothing of that name was changed.
        """
        with _replacing(self.path) as file:
            done = self._write(rows, file)
        self.close()
        failed = 0
        with _replacing(self.dead) as file, file.open("wb") as lines:
            for row in rows():
                if row.failure is not None:
                    failed += 1
                    lines.write(_JSON.encode(dead_letter(row)) + b"\n")
        self.partial.unlink(missing_ok=True)
        if not failed:
            self.dead.unlink(missing_ok=True)
        return done, failed

    def close(self) -> None:
        """Let go of the growing copies, and of those that are empty."""
        for file, path in ((self._growing, self.partial), (self._dying, self.dead)):
            if file is not None:
                empty = os.fstat(file).st_size == 0
                os.close(file)
                if empty:
                    path.unlink(missing_ok=True)
        self._growing = self._dying = None

    def _refused(self, why: OSError) -> UsageError:
        what = (why.strerror or str(why)).lower()
        return UsageError(f"output {self.path}: {what}. Nothing was asked yet; write elsewhere with --out")

    def _write(self, rows: Callable[[], Iterable[Row]], path: Path) -> int:
        if self.suffix in LINES:
            with path.open("wb") as file:
                return _write_lines(_done(rows), file)
        columns = _columns(_done(rows))
        if self.suffix == ".csv":
            return _write_csv(_done(rows), columns, path)
        return _write_parquet(_done(rows), columns, path)


def flat(row: Row) -> dict[str, Any]:
    """Return a row that was done as it is written: its id, its fields, its steps' results."""
    return {"id": row.id, **{name: value for name, value in row.data.items() if name != "id"}, **row.results}


def dead_letter(row: Row) -> dict[str, Any]:
    """Return a row that failed as it is written: where, why, after how many attempts, and all of it."""
    why = row.failure
    assert why is not None, "only rows that failed are dead letters"
    told = {"id": row.id, "step": why.step, "reason": why.reason, "attempts": why.attempts}
    return {**told, "row": row.data, "results": row.results}


def _done(rows: Callable[[], Iterable[Row]]) -> Iterator[dict[str, Any]]:
    return (flat(row) for row in rows() if row.failure is None)


def _columns(rows: Iterable[dict[str, Any]]) -> dict[str, str]:
    """Return the type of every field, in the order in which they were first seen."""
    found: dict[str, str] = {}
    for row in rows:
        for name, value in row.items():
            known, kind = found.setdefault(name, ""), _kind(value)
            if kind != known:
                found[name] = kind if not known else known if not kind else _both(known, kind)
    return {name: kind or "VARCHAR" for name, kind in found.items()}


def _kind(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, int) and not -_BIGINT <= value < _BIGINT:
        return "VARCHAR"
    return _TYPES.get(type(value), "VARCHAR")


def _both(a: str, b: str) -> str:
    return _MIXED.get(frozenset({a, b}), "VARCHAR")


def _cell(value: Any, kind: str) -> Any:
    """Return a value as it stands in a field of a type."""
    if value is None or kind != "VARCHAR" or isinstance(value, str):
        return value
    return _JSON.encode(value).decode()


def _write_lines(rows: Iterable[dict[str, Any]], file: _File) -> int:
    count = 0
    for row in rows:
        file.write(_JSON.encode(row) + b"\n")
        count += 1
    return count


def _write_csv(rows: Iterable[dict[str, Any]], columns: dict[str, str], path: Path) -> int:
    count = 0
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(columns or ["id"])
        for row in rows:
            writer.writerow([_csv_cell(row.get(name), kind) for name, kind in columns.items()])
            count += 1
    return count


def _csv_cell(value: Any, kind: str) -> Any:
    return str(value).lower() if isinstance(value, bool) else _cell(value, kind)


def _write_parquet(rows: Iterable[dict[str, Any]], columns: dict[str, str], path: Path) -> int:
    columns = columns or {"id": "VARCHAR"}
    count, longest = 0, 0
    with _scratch(path) as lines:
        with lines.open("wb") as file:
            for row in rows:
                cells = {name: _cell(row.get(name), kind) for name, kind in columns.items()}
                longest = max(longest, file.write(_JSON.encode(cells) + b"\n"))
                count += 1
        types = ", ".join(f"{_quoted(name)}: {_quoted(kind)}" for name, kind in columns.items())
        size = max(_DUCKDB_OBJECT_BYTES, longest + 1)
        with needs_duckdb("writing").connect() as database:
            source = database.sql(
                "SELECT * FROM read_json($lines, format = 'newline_delimited', "  # noqa: S608 — names are quoted
                f"columns = {{{types}}}, maximum_object_size = {size})",
                params={"lines": str(lines)},
            )
            source.write_parquet(str(path))
    return count


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _appending(path: Path, *, going_on: bool) -> int:
    begun_anew = 0 if going_on else os.O_TRUNC
    file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | begun_anew, 0o644)
    size = os.fstat(file).st_size
    if size and os.pread(file, 1, size - 1) != b"\n":
        os.write(file, b"\n")
    return file


@contextmanager
def _replacing(path: Path) -> Generator[Path]:
    """Give a file to write, which then takes the place of `path`; nothing of it stays when that fails."""
    with _scratch(path) as scratch:
        yield scratch
        with scratch.open("rb") as file:
            os.fsync(file.fileno())
        scratch.replace(path)


@contextmanager
def _scratch(path: Path) -> Generator[Path]:
    scratch = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        yield scratch
    finally:
        with suppress(FileNotFoundError):
            scratch.unlink()
