"""Search by exact words, which vectors lose: names and numbers. SQLite's FTS5 ranks by BM25.

A query is data. It is split into words here, and each word is quoted for FTS5, so that quotes, ``NEAR``, ``OR``,
``column:``, ``*`` and ``^`` in it mean nothing. Any of the words may match. Words that stand in many records say little
and cost much: the rarest are taken first, as long as no more than two thousand matches have to be weighed.

Source: Robertson, Zaragoza 2009, "The Probabilistic Relevance Framework: BM25 and Beyond"; FTS5's parameters.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Sequence
from itertools import groupby
from operator import itemgetter

from blake3 import blake3

from waggledance.core import well_formed

MAX_QUERY_CHARS = 2_000
"""What comes after that is not read."""
MAX_WORDS = 64
MAX_MATCHES = 2_000
"""About 3 ms of BM25. The rarest word counts however often it stands."""

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
    words = _telling(connection, words_of(query))
    if not words:
        return []
    mark = query_mark(query)
    matching = " OR ".join(f'"{word}"' for word in words)
    # A query in SQL has no exclusive or; for whole numbers ≥ 0 it is (a | b) - (a & b).
    found = connection.execute(
        f"SELECT r.row FROM words JOIN records AS r ON r.row = words.rowid WHERE words MATCH ? AND {condition} "  # noqa: S608
        "ORDER BY words.rank, (r.tie | ?) - (r.tie & ?) LIMIT ?",
        (matching, *values, mark, mark, count),
    )
    return [row for (row,) in found]


def _telling(connection: sqlite3.Connection, words: Sequence[str]) -> tuple[str, ...]:
    """Return the rarest words: all that are equally rare or none, and those that the index spells otherwise as well."""
    chosen: list[str] = []
    weighed = 0
    for count, group in groupby(sorted((_holders(connection, word), word) for word in words), key=itemgetter(0)):
        same = [word for _, word in group]
        if weighed and weighed + count * len(same) > MAX_MATCHES:
            break
        chosen += same
        weighed += count * len(same)
    return tuple(chosen)


def _holders(connection: sqlite3.Connection, word: str) -> int:
    """Return in how many records a word stands, as the index spells it; 0 for one that it spells otherwise."""
    row = connection.execute("SELECT doc FROM terms WHERE term = ?", (word,)).fetchone()
    return 0 if row is None else int(row[0])
