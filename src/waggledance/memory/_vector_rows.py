"""The vectors of a memory's records: made when they are first needed, kept in the file, searched in one matrix."""

from __future__ import annotations

import sqlite3
from functools import lru_cache
from typing import TYPE_CHECKING, cast

import msgspec

from waggledance.memory._kept import Where
from waggledance.memory._record import Record
from waggledance.memory._store_file import transaction
from waggledance.memory._vectors import Matrix, to_ppm, whole

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from waggledance.topology import Embed

MAX_EMBEDDED_CHARS = 2_000
"""Of a record's words: key and the beginning of its text."""
_AT_ONCE = 512

_decode = msgspec.msgpack.Decoder(Record).decode


class VectorRows:
    """The vectors behind a connection.

    Args:
        connection: to a memory's file.
        embed: how words become vectors; `topology.by_meaning()` when None.
    """

    def __init__(self, connection: sqlite3.Connection, embed: Embed | None) -> None:
        self._connection, self._embed = connection, embed
        self._matrix: Matrix | None = None
        self._rows: list[int] = []
        self._labels: NDArray[np.int64]
        self._codes: dict[tuple[str, str], int] = {}
        """A number for each pair of sort and scope; `_labels` has one a row."""
        self._version: int = -1
        self.stale = False
        """Whether rows were dropped, so that the matrix must be read anew."""

    def nearest(self, query: str, count: int, where: Where) -> dict[int, int]:
        """Return the rows nearest to a query, with their cosines in parts per million; and all that tie with the last.

        Raises:
            UsageError: the embedding gave something else than one finite direction a text.
        """
        self._catch_up()
        if self._matrix is None or not self._rows:
            return {}
        allowed = None if where.everything else self._allowed(where)
        vector = whole(self._embedding()([query[:MAX_EMBEDDED_CHARS]]), 1)[0]
        return {self._rows[place]: to_ppm(dot) for place, dot in self._matrix.nearest(vector, count, allowed)}

    def _embedding(self) -> Embed:
        if self._embed is None:
            self._embed = _default()
        return self._embed

    def _catch_up(self) -> None:
        """Make the vectors that are missing, and bring the matrix up to what the file holds."""
        version = cast("int", self._connection.execute("PRAGMA data_version").fetchone()[0])
        if self.stale or version != self._version:
            self._matrix, self._rows, self._version, self.stale = None, [], version, False
        self._check_embedding()
        while missing := self._missing():
            words = [_decode(raw).words[:MAX_EMBEDDED_CHARS] for _, raw in missing]
            vectors = whole(self._embedding()(words), len(words)).astype("<i2")
            made = [(vector.tobytes(), row) for vector, (row, _) in zip(vectors, missing, strict=True)]
            with transaction(self._connection):  # another process may have done it, or dropped a record, meanwhile
                self._connection.executemany(
                    "INSERT OR REPLACE INTO vectors (vector, row) SELECT ?, row FROM records WHERE row = ?", made
                )
                self._connection.executemany(
                    "UPDATE records SET embedded = 1 WHERE row = ?", [(r,) for r, _ in missing]
                )
        self._extend()

    def _missing(self) -> list[tuple[int, bytes]]:
        """Return some rows without a vector, with their content."""
        found = self._connection.execute("SELECT row, raw FROM records WHERE NOT embedded LIMIT ?", (_AT_ONCE,))
        return found.fetchall()

    def _extend(self) -> None:
        """Read the vectors that are not in the matrix yet."""
        import numpy as np

        last = self._rows[-1] if self._rows else 0
        found = self._connection.execute(
            "SELECT v.row, v.vector, r.sort, r.scope FROM vectors AS v JOIN records AS r ON r.row = v.row "
            "WHERE v.row > ? ORDER BY v.row",
            (last,),
        ).fetchall()
        if found:
            rows = np.frombuffer(b"".join(one[1] for one in found), dtype="<i2").reshape(len(found), -1)
            if self._matrix is None:
                self._matrix = Matrix(rows.shape[1])
            self._matrix.extend(rows.astype(np.float32))
            self._rows += [one[0] for one in found]
            codes = [self._codes.setdefault((sort, scope), len(self._codes)) for _, _, sort, scope in found]
            self._labels = np.append(self._labels, np.asarray(codes, dtype=np.int64)) if last else np.asarray(codes)

    def _allowed(self, where: Where) -> NDArray[np.bool_]:
        """Return which rows count, shape (rows,)."""
        import numpy as np

        wanted = [
            code
            for (sort, scope), code in self._codes.items()
            if (not where.sorts or sort in where.sorts) and (not where.scopes or scope in where.scopes)
        ]
        allowed = np.isin(self._labels, wanted)
        if where.authors:
            condition, values = where.sql()
            found = self._connection.execute(f"SELECT row FROM records AS r WHERE {condition}", values)  # noqa: S608
            said = np.fromiter((row for (row,) in found), dtype=np.int64)
            allowed &= np.isin(np.asarray(self._rows), said)
        return allowed

    def _check_embedding(self) -> None:
        """Throw away vectors that another embedding made."""
        embed = self._embedding()
        name = getattr(embed, "__name__", type(embed).__name__)
        before = self._connection.execute("SELECT value FROM meta WHERE name = 'embedding'").fetchone()
        if before != (name,):
            with transaction(self._connection):
                self._connection.execute("DELETE FROM vectors")
                self._connection.execute("UPDATE records SET embedded = 0")
                self._connection.execute("INSERT OR REPLACE INTO meta VALUES ('embedding', ?)", (name,))
            self._matrix, self._rows = None, []


@lru_cache(maxsize=1)
def _default() -> Embed:
    from waggledance.topology import by_meaning

    return by_meaning()
