"""A log as a table, one row a message: JSON lines with nothing but this library, Parquet with DuckDB.

    channel   its name                              previous  id of the author's message before, or null
    arrival   place in the log, from 1              parents   ids it builds on
    id        32 bytes in hexadecimal, as all ids   lamport   logical clock
    author    whose it is                           wall_ms   the author's clock, ms since 1970
    sequence  the author's counter, from 1          kind      such as "proposal/1"
    body      JSON; in Parquet as a string          round     the round it belongs to, null for unknown kinds
    signature 64 bytes in hexadecimal, or null

Channels stand in the order in which they began, messages with causes before effects: the same log gives the same bytes.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import msgspec

from waggledance.core._errors import UsageError
from waggledance.core._extra import with_extra
from waggledance.core._log import Log
from waggledance.core._message import Message, Unknown

_COLUMNS = (
    "{channel: 'VARCHAR', arrival: 'BIGINT', id: 'VARCHAR', author: 'VARCHAR', sequence: 'BIGINT', "
    "previous: 'VARCHAR', parents: 'VARCHAR[]', lamport: 'BIGINT', wall_ms: 'BIGINT', kind: 'VARCHAR', "
    "round: 'BIGINT', body: 'VARCHAR', signature: 'VARCHAR'}"
)


def export_jsonl(path: str | Path, out: str | Path, channel: str | None = None) -> int:
    """Write a log, or one channel of it, as JSON lines; return how many.

    Raises:
        UsageError: there is no log, or no such channel.
        LogDamaged: a message is not what was written.
    """
    with Log(path, "r") as log, Path(out).open("wb") as file:
        return _write_lines(rows(log, channel), file)


def export_parquet(path: str | Path, out: str | Path, channel: str | None = None) -> int:
    """Write a log, or one channel of it, as a Parquet file; return how many rows.

    Raises:
        UsageError: DuckDB is not installed, or as `export_jsonl`.
        LogDamaged: a message is not what was written.
    """
    try:
        import duckdb
    except ImportError as why:
        raise UsageError(with_extra("writing Parquet needs DuckDB", "parquet")) from why
    from tempfile import TemporaryDirectory

    with Log(path, "r") as log, TemporaryDirectory(prefix="waggle-export-") as folder:
        lines = Path(folder) / "rows.jsonl"
        with lines.open("wb") as file:
            written = _write_lines((row | {"body": _json(row["body"])} for row in rows(log, channel)), file)
        with duckdb.connect() as database:
            source = database.sql(
                f"SELECT * FROM read_json($lines, format = 'newline_delimited', columns = {_COLUMNS})",  # noqa: S608
                params={"lines": str(lines)},
            )
            source.write_parquet(str(out))
    return written


def rows(log: Log, channel: str | None = None) -> Iterator[dict[str, Any]]:
    """Yield one plain dictionary a message, as in the table above."""
    arrivals = log.arrivals()
    for name in log.names() if channel is None else (channel,):
        for message in log.read(name):
            yield _row(message, arrivals[message.id])


def _row(message: Message[Any], arrival: int) -> dict[str, Any]:
    body = message.body
    unknown = isinstance(body, Unknown)
    plain = msgspec.msgpack.decode(body.raw) if unknown else msgspec.to_builtins(body, builtin_types=(bytes,))
    return {
        "channel": message.channel,
        "arrival": arrival,
        "id": message.id.hex(),
        "author": message.author.hex(),
        "sequence": message.sequence,
        "previous": None if message.previous is None else message.previous.hex(),
        "parents": [id.hex() for id in message.parents],
        "lamport": message.lamport,
        "wall_ms": message.wall_ms,
        "kind": message.kind,
        "round": None if unknown else body.round,
        "body": _hexed(plain),
        "signature": message.signature.hex() or None,
    }


def _hexed(value: object) -> object:
    """Return a plain value with its bytes in hexadecimal."""
    match value:
        case bytes():
            return value.hex()
        case dict():
            return {key: _hexed(item) for key, item in cast("dict[str, object]", value).items()}
        case list() | tuple():
            return [_hexed(item) for item in cast("list[object]", value)]
        case _:
            return value


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()


def _write_lines(rows: Iterator[dict[str, Any]], file: Any) -> int:
    written = 0
    for row in rows:
        file.write(msgspec.json.encode(row) + b"\n")
        written += 1
    return written
