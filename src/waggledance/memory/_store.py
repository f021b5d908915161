"""The record store: what one peer remembers, in one SQLite file, searched by words, by meaning, or by both.

The store decides nothing: it is made of what its owner put in and of records that others said, and what they said can
be taken from the log again at any time (`RecordStore.rebuild`). Every answer is a function of the set of records: rows
stand in no order that shows, and ties are broken by a hash of query and record.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

import msgspec
from blake3 import blake3

from waggledance.core import Message, MessageId, PeerId, RunFailed, UnknownName, UsageError, encode_canonical
from waggledance.memory._fusion import fused, with_firsts
from waggledance.memory._kept import ANY, Found, Kept, Mode, Where
from waggledance.memory._record import PRIVATE, TEAM, Record, Recorded, RecordId
from waggledance.memory._store_file import open_file, transaction
from waggledance.memory._vector_rows import VectorRows
from waggledance.memory._words import by_words, query_mark

if TYPE_CHECKING:
    from waggledance.topology import Embed

MODES: tuple[Mode, ...] = ("words", "meaning", "hybrid")
DEPTH = 100
"""How far down each ranking fusion looks, or four times as many as are wanted."""
MAX_WANTED = 1_000
MAX_RECORDS = 200_000
"""Exact search slows down with the number; what is worth keeping is for `select` to say."""

_decode = msgspec.msgpack.Decoder(Record).decode


class MemoryFull(RunFailed):
    """The store holds as many records as it may."""

    def __init__(self, limit: int) -> None:
        super().__init__(limit)
        self.limit = limit

    def __str__(self) -> str:
        return f"the memory holds {self.limit:,} records, which is its limit; forget some, or give a larger limit"


class RecordStore:
    """What one peer remembers.

    Args:
        path: its file, which only the owner may read; in this process alone when None.
        embed: how words become vectors; `topology.by_meaning()` when None. A file made with another is made anew.
        limit: the most records.

    Raises:
        UsageError: the file is something else, damaged, or cannot be made; or the limit is not positive.
    """

    def __init__(self, path: str | Path | None = None, *, embed: Embed | None = None, limit: int = MAX_RECORDS) -> None:
        if limit < 1:
            raise UsageError(f"a memory holds at least one record, got limit={limit}")
        self.path = None if path is None else Path(path)
        self.limit = limit
        self._connection = open_file(self.path)
        self._vectors = VectorRows(self._connection, embed)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, why: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __len__(self) -> int:
        (count,) = self._connection.execute("SELECT count(*) FROM records").fetchone()
        return int(count)

    def close(self) -> None:
        """Close the file; a memory without one is gone."""
        self._connection.close()

    # -- writing ------------------------------------------------------------------------------------------------

    def put(self, record: Record, author: PeerId | None = None, message: MessageId | None = None) -> RecordId:
        """Keep a record; return its id. One that is here already gains the author.

        Args:
            record: the record.
            author: who said it; nobody for the owner's own.
            message: the message in which it was said.

        Raises:
            MemoryFull: there are as many as there may be.
        """
        with transaction(self._connection):
            return self._put(record, author, message, len(self))[0]

    def take(self, messages: Iterable[Message[Any]]) -> int:
        """Keep the records that messages carry; return how many were new. Other messages are passed over.

        A record that is for another channel than the one it was said in is not taken. When the store is full, no more
        are taken.
        """
        with transaction(self._connection):
            before = count = len(self)
            for message in messages:
                if isinstance(message.body, Recorded) and message.body.record.scope in (TEAM, message.channel):
                    try:
                        count += self._put(message.body.record, message.author, message.id, count)[1]
                    except MemoryFull:
                        break
            return count - before

    def rebuild(self, messages: Iterable[Message[Any]]) -> int:
        """Drop everything that is not private, and take it from messages again; return how many were taken."""
        with transaction(self._connection):
            for (raw,) in self._connection.execute("SELECT raw FROM records WHERE scope != ?", (PRIVATE,)).fetchall():
                self._drop(_decode(raw))
        return self.take(messages)

    def forget(self, id: RecordId) -> bool:
        """Drop a record; say whether it was here. One that others said comes back with `take` or `rebuild`."""
        kept = self.get(id)
        if kept is None:
            return False
        with transaction(self._connection):
            self._drop(kept.record)
        return True

    # -- reading ------------------------------------------------------------------------------------------------

    def get(self, id: RecordId) -> Kept | None:
        """Return a record by its id, or None."""
        row = self._connection.execute("SELECT raw FROM records WHERE id = ?", (id,)).fetchone()
        return None if row is None else self._kept(row[0])

    def find(self, start: str) -> tuple[Kept, ...]:
        """Return the records whose id begins with these hexadecimal digits, by id."""
        found = self._connection.execute(
            "SELECT raw FROM records WHERE substr(lower(hex(id)), 1, ?) = ? ORDER BY id", (len(start), start.lower())
        )
        return tuple(self._kept(raw) for (raw,) in found.fetchall())

    def records(self, where: Where = ANY) -> tuple[Kept, ...]:
        """Return all records, sorted by id."""
        condition, values = where.sql()
        found = self._connection.execute(f"SELECT raw FROM records AS r WHERE {condition} ORDER BY id", values)  # noqa: S608
        return tuple(self._kept(raw) for (raw,) in found.fetchall())

    def neighbours(self, id: RecordId, relation: str | None = None, *, back: bool = False) -> tuple[Kept, ...]:
        """Return the records that one links to, sorted by id; those that link to it when `back`.

        Args:
            id: the record's.
            relation: of this relation only; of any when None.
            back: follow links from their ends to their beginnings.
        """
        there, here = ("id", "target") if back else ("target", "id")
        found = self._connection.execute(
            f"SELECT DISTINCT r.raw, r.id FROM links AS l JOIN records AS r ON r.id = l.{there} "  # noqa: S608
            f"WHERE l.{here} = ? AND (? IS NULL OR l.relation = ?) ORDER BY r.id",
            (id, relation, relation),
        )
        return tuple(self._kept(raw) for raw, _ in found.fetchall())

    def search(self, query: str, k: int = 5, where: Where = ANY, mode: Mode = "hybrid") -> tuple[Found, ...]:
        """Return the records that fit a query best, best first.

        By words the order is BM25's, by meaning that of cosines, and both together are fused by rank; all scores are
        those of `fused`, of one ranking or of two, and the first of either is always among those found, if k is 2 or
        more: an exact name may be nothing to the vectors. Ties go by a hash of query and record.

        Args:
            query: any text; it is data, and nothing in it is an operator. What follows 2,000 characters is not read.
            k: how many, 1 to 1,000.
            where: which records count.
            mode: ``"words"``, ``"meaning"`` or ``"hybrid"``.

        Raises:
            UsageError: the query is empty, or `k` is out of range.
            UnknownName: there is no such mode.
        """
        if not query.strip():
            raise UsageError("a search needs words to look for, got an empty query")
        if not 1 <= k <= MAX_WANTED:
            raise UsageError(f"a search returns 1 to {MAX_WANTED:,} records, got k={k}")
        if mode not in MODES:
            raise UnknownName("mode of search", mode, MODES)
        depth, mark = max(DEPTH, 4 * k), query_mark(query)
        rankings: list[list[int]] = []
        likeness: dict[int, int] = {}
        if mode != "meaning":
            condition, values = where.sql()
            rankings.append(by_words(self._connection, query, depth, condition, values))
        if mode != "words":
            likeness = self._vectors.nearest(query, depth, where)
            rankings.append(self._ordered(likeness, depth, mark))
        scores = fused(rankings)
        best = with_firsts(self._ordered(scores, k, mark), rankings)
        found = (self._found(row, where, scores, likeness) for row in best)
        return tuple(one for one in found if one is not None)

    def view(self, budget: int, where: Where = ANY) -> tuple[Kept, ...]:
        """Return what is said by most and linked to most, as far as a budget of tokens reaches.

        Records are taken in that order, ties by hash; one that is too long for what is left is passed over.

        Args:
            budget: tokens of keys and texts together, ≥ 0.
            where: which records count.

        Raises:
            UsageError: the budget is negative.
        """
        if budget < 0:
            raise UsageError(f"a view has a budget of 0 or more tokens, got {budget}")
        condition, values = where.sql()
        found = self._connection.execute(
            "SELECT r.raw, (SELECT count(*) FROM authors AS a WHERE a.id = r.id) AS said, "  # noqa: S608
            f"(SELECT count(*) FROM links AS l WHERE l.target = r.id) AS linked FROM records AS r WHERE {condition} "
            "ORDER BY said DESC, linked DESC, tie",
            values,
        )
        chosen: list[Kept] = []
        for raw, _, _ in found.fetchall():
            record = _decode(raw)
            needed = record.tokens + -(-len(record.key) // 4)
            if needed <= budget:
                chosen.append(self._kept(raw))
                budget -= needed
        return tuple(chosen)

    # -- inside -------------------------------------------------------------------------------------------------

    def _put(
        self, record: Record, author: PeerId | None, message: MessageId | None, count: int
    ) -> tuple[RecordId, int]:
        """Keep a record; return its id, and 1 if it is new."""
        id, run = record.id, self._connection.execute
        new = run("SELECT 1 FROM records WHERE id = ?", (id,)).fetchone() is None
        if new:
            if count >= self.limit:
                raise MemoryFull(self.limit)
            tie = int.from_bytes(blake3(id).digest(8)) >> 1
            put = run(
                "INSERT INTO records (id, sort, key, scope, tie, raw) VALUES (?, ?, ?, ?, ?, ?)",
                (id, record.sort, record.key, record.scope, tie, encode_canonical(record)),
            )
            run("INSERT INTO words (rowid, key, text) VALUES (?, ?, ?)", (put.lastrowid, record.key, record.text))
            for relation, target in record.links:
                run("INSERT INTO links (id, relation, target) VALUES (?, ?, ?)", (id, relation, target))
        if author is not None:
            # One message an author is named, the smallest id of all, so that the order of taking does not show.
            run(
                "INSERT INTO authors (id, author, message) VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET "
                "message = min(coalesce(message, excluded.message), coalesce(excluded.message, message))",
                (id, author, message),
            )
        return id, int(new)

    def _drop(self, record: Record) -> None:
        id, run = record.id, self._connection.execute
        (row,) = run("SELECT row FROM records WHERE id = ?", (id,)).fetchone()
        run("INSERT INTO words (words, rowid, key, text) VALUES ('delete', ?, ?, ?)", (row, record.key, record.text))
        run("DELETE FROM vectors WHERE row = ?", (row,))
        for table in ("authors", "links", "records"):
            run(f"DELETE FROM {table} WHERE id = ?", (id,))  # noqa: S608
        self._vectors.stale = True

    def _kept(self, raw: bytes) -> Kept:
        record = _decode(raw)
        said = self._connection.execute(
            "SELECT author, message FROM authors WHERE id = ? ORDER BY author", (record.id,)
        ).fetchall()
        messages = tuple(sorted(MessageId(message) for _, message in said if message is not None))
        return Kept(record=record, authors=tuple(PeerId(author) for author, _ in said), messages=messages)

    def _ordered(self, scores: dict[int, int], count: int, mark: int) -> list[int]:
        """Return the rows of the highest scores, ties by hash; only those that tie are looked up."""
        order = sorted(scores, key=lambda row: -scores[row])
        often = Counter(scores[row] for row in order)
        least = scores[order[count - 1]] if len(order) >= count else None
        order = [row for row in order if least is None or scores[row] >= least]
        tied = [row for row in order if often[scores[row]] > 1]
        marks = ", ".join(map(str, tied))
        ties = dict(self._connection.execute(f"SELECT row, tie FROM records WHERE row IN ({marks})"))  # noqa: S608
        return sorted(order, key=lambda row: (-scores[row], ties.get(row, 0) ^ mark))[:count]

    def _found(self, row: int, where: Where, scores: dict[int, int], likeness: dict[int, int]) -> Found | None:
        """Return what stands in a row; None where another process has dropped it, or put what does not count there."""
        condition, values = where.sql()
        found = self._connection.execute(f"SELECT raw FROM records AS r WHERE row = ? AND {condition}", (row, *values))  # noqa: S608
        raw = found.fetchone()
        return (
            None if raw is None else Found(kept=self._kept(raw[0]), score=scores[row], likeness_ppm=likeness.get(row))
        )
