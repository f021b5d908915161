"""Search by exact words, which vectors lose: names and numbers. SQLite's FTS5 ranks by BM25.

A query is data. It is split into words here, and each word is quoted for FTS5, so that quotes, ``NEAR``, ``OR``,
``column:``, ``*`` and ``^`` in it mean nothing. Words that stand in many records say little and cost much:

- While the rarest word stands in no more than 2,000 records, it and the next rarest are weighed as long as they have no
  more matches than that together; any of them may match. This is BM25 of those words, exactly.
- Where all stand in more, the records that hold *every* word come first, then those that hold the rarest. Of either, if
  they are more than 2,000, a thousand (or twice as many as are wanted) are drawn by their own hashes, the same for
  every query, and weighed by BM25: what is not drawn is not found in this way. Where fewer than are wanted come out, as
  under a narrow `Where`, all are weighed.

Source: Robertson, Zaragoza 2009, "The Probabilistic Relevance Framework: BM25 and Beyond"; FTS5's parameters. That who
holds all words comes first is the coordination level of Salton, Fox, Wu 1983, "Extended Boolean Information Retrieval";
the drawing is ours.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Mapping, Sequence
from itertools import groupby

from blake3 import blake3

from waggledance.core import well_formed

MAX_QUERY_CHARS = 2_000
"""What comes after that is not read."""
MAX_WORDS = 64
MAX_MATCHES = 2_000
"""About 3 ms of BM25."""
DRAWN = 1_000
"""How many are weighed where more match."""
_EVERY_TIE = 1 << 63
"""A record's `tie` is a hash of 63 bits."""

_WORD = re.compile(r"[^\W_]+")


def words_of(query: str) -> tuple[str, ...]:
    """Return a query's distinct words in small letters, sorted; at most 64.

    >>> words_of('NEAR("Ada", 3) OR ada*')
    ('3', 'ada', 'near', 'or')
    """
    found = dict.fromkeys(_WORD.findall(well_formed(query[:MAX_QUERY_CHARS]).casefold()))
    return tuple(sorted(list(found)[:MAX_WORDS]))


def query_mark(query: str) -> int:
    """Return 63 bits of a query's hash: what breaks its ties, together with a record's own."""
    return int.from_bytes(blake3(b"waggle/query/1\0" + well_formed(query).encode()).digest(8)) >> 1


def by_words(
    connection: sqlite3.Connection, query: str, count: int, condition: str, values: Sequence[object]
) -> list[int]:
    """Return the rows that match best, best first, ties by hash.

    Args:
        connection: to a memory's file.
        query: any text.
        count: how many.
        condition: SQL over ``records AS r`` that rows must meet.
        values: of its parameters.
    """
    found = _Search(connection, count, query_mark(query), condition, values)
    words = words_of(query)
    held = {word: n for word in words if (n := found.matches(f'"{word}"', MAX_MATCHES + 1))}
    if not held:
        return []
    if min(held.values()) <= MAX_MATCHES:
        return found.weighed(_any(_telling(held)))
    rows = found.drawn(" AND ".join(f'"{word}"' for word in held))
    if len(rows) < count and len(held) > 1:
        rare = _telling({word: found.matches(f'"{word}"') for word in held})
        rows = list(dict.fromkeys([*rows, *found.drawn(_any(rare))]))[:count]
    return rows


class _Search:
    """One query's: how many rows, in what order, and which count."""

    def __init__(
        self, connection: sqlite3.Connection, count: int, mark: int, condition: str, values: Sequence[object]
    ) -> None:
        self._connection, self._count, self._mark = connection, count, mark
        self._condition, self._values = condition, values

    def weighed(self, matching: str, below: int = _EVERY_TIE) -> list[int]:
        """Return the rows that match best among those with a lower hash, best first, ties by hash."""
        # A query in SQL has no exclusive or; for whole numbers ≥ 0 it is (a | b) - (a & b).
        found = self._connection.execute(
            "SELECT r.row FROM words JOIN records AS r ON r.row = words.rowid "  # noqa: S608
            f"WHERE words MATCH ? AND r.tie <= ? AND {self._condition} "
            "ORDER BY words.rank, (r.tie | ?) - (r.tie & ?) LIMIT ?",
            (matching, below - 1, *self._values, self._mark, self._mark, self._count),
        )
        return [row for (row,) in found]

    def matches(self, matching: str, most: int = -1) -> int:
        """Return how many records match, counted up to a number."""
        counted = "SELECT count(*) FROM (SELECT 1 FROM words WHERE words MATCH ? LIMIT ?)"
        return int(self._connection.execute(counted, (matching, most)).fetchone()[0])

    def drawn(self, matching: str) -> list[int]:
        """Return the same, where there are many only of those that are drawn, if these are enough."""
        matches = self.matches(matching)
        if matches > max(MAX_MATCHES, 2 * self._count):
            rows = self.weighed(matching, _EVERY_TIE * max(DRAWN, 2 * self._count) // matches)
            if len(rows) == self._count:
                return rows
        return self.weighed(matching)


def _any(words: Sequence[str]) -> str:
    return " OR ".join(f'"{word}"' for word in words)


def _telling(held: Mapping[str, int]) -> tuple[str, ...]:
    """Return the rarest words: all that are equally rare or none."""
    chosen: list[str] = []
    weighed = 0
    for count, group in groupby(sorted(held, key=lambda word: (held[word], word)), key=held.__getitem__):
        same = list(group)
        if weighed and weighed + count * len(same) > MAX_MATCHES:
            break
        chosen += same
        weighed += count * len(same)
    return tuple(chosen)
