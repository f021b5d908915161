"""Tasks that A2A callers were given, in a SQLite file beside the log: found again when the process was restarted.

The log has what was said; this has what only the door knows: which task is which channel, who asked in which
conversation, the task as its caller last could see it, and where notifications go. Written before a caller is told, so
that no task that a caller has heard of is forgotten; a task is written again only when it ends. Of tasks that have
ended the newest 10,000 are kept. Callers' tokens for their webhooks are in it: only its owner may read the file.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec

from waggledance.core import RunFailed

MAX_ENDED = 10_000
WORKING = 2
"""`TaskState.TASK_STATE_WORKING`, the one state here that is not an end."""
_FORMAT = 1
_TABLES = """
CREATE TABLE IF NOT EXISTS tasks (
    id TEXT PRIMARY KEY, swarm TEXT NOT NULL, caller TEXT NOT NULL, context TEXT NOT NULL, channel TEXT NOT NULL,
    state INTEGER NOT NULL, changed_ms INTEGER NOT NULL, place INTEGER NOT NULL, task BLOB NOT NULL);
CREATE INDEX IF NOT EXISTS tasks_of ON tasks (swarm, caller, changed_ms, place);
CREATE TABLE IF NOT EXISTS pushes (
    task TEXT NOT NULL, id TEXT NOT NULL, config BLOB NOT NULL, PRIMARY KEY (task, id));
"""
_OLD = "(SELECT id FROM tasks WHERE state != :working ORDER BY changed_ms DESC, place DESC LIMIT -1 OFFSET :most)"
_FORGET = f"DELETE FROM pushes WHERE task IN {_OLD}; DELETE FROM tasks WHERE id IN {_OLD}"  # noqa: S608 - no values
_ASKED = """
FROM tasks WHERE swarm = :swarm AND caller = :caller AND (:context = '' OR context = :context)
    AND (:state = 0 OR state = :state) AND changed_ms >= :since_ms
"""
_COUNT = f"SELECT count(*) {_ASKED}"
_PAGE = f"""
SELECT * {_ASKED} AND (changed_ms, place) < (:before_ms, :before_place)
ORDER BY changed_ms DESC, place DESC LIMIT :size
"""
_MOST = 2**63 - 1


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """One task, as its caller last could see it."""

    id: str
    swarm: str
    caller: str
    context: str
    channel: str = ""
    """Where it stands in the log; empty until the swarm has opened it."""
    state: int = WORKING
    """A number of A2A's `TaskState`."""
    changed_ms: int
    """When the state changed last, in milliseconds since 1970."""
    place: int = 0
    """Counts changes of all tasks, so that those of one millisecond have an order."""
    task: bytes
    """The task in A2A's protocol buffer form."""


class Ledger:
    """The tasks of one door.

    Args:
        path: the file; made if it is not there. In memory when None: forgotten with the process.

    Raises:
        RunFailed: the file cannot be opened, is damaged, or of a newer version; says what to do.
    """

    def __init__(self, path: Path | None) -> None:
        self._path = path
        with self._failures_named():
            if path is not None:
                path.touch(mode=0o600)
            # one event loop writes, in whatever thread it runs
            self._connection = sqlite3.connect(path or ":memory:", isolation_level=None, check_same_thread=False)
        try:
            with self._failures_named():
                self._place = self._ready()
        except BaseException:
            self._connection.close()
            raise

    def close(self) -> None:
        """Let go of the file. Closing twice is harmless."""
        self._connection.close()

    def write(self, entry: Entry) -> None:
        """Keep a task as it is now; forget the oldest of very many that have ended."""
        self._place += 1
        values = msgspec.structs.astuple(msgspec.structs.replace(entry, place=self._place))
        self._do("INSERT OR REPLACE INTO tasks VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", values)
        if self._place % 100 == 0:
            for forget in _FORGET.split("; "):
                self._do(forget, {"working": WORKING, "most": MAX_ENDED})

    def opened(self, id: str, channel: str) -> None:
        """Note in which channel a task stands."""
        self._do("UPDATE tasks SET channel = ? WHERE id = ?", (channel, id))

    def find(self, id: str) -> Entry | None:
        """Return a task by its id."""
        rows = self._do("SELECT * FROM tasks WHERE id = ?", (id,))
        return _entry(rows[0]) if rows else None

    def unfinished(self) -> list[Entry]:
        """Return the tasks that have not ended, oldest first; after a restart nobody is at work on them."""
        rows = self._do("SELECT * FROM tasks WHERE state = ? ORDER BY place", (WORKING,))
        return [_entry(row) for row in rows]

    def page(
        self,
        swarm: str,
        caller: str,
        *,
        size: int,
        context: str = "",
        state: int = 0,
        since_ms: int | None = None,
        after: tuple[int, int] | None = None,
    ) -> tuple[list[Entry], int]:
        """Return a page of a caller's tasks, the last changed first, and how many there are on all pages.

        Args:
            swarm: whose tasks.
            caller: who asked for them.
            size: how many at most, ≥ 1.
            context: of this conversation only; of all when empty.
            state: in this state only; in any when 0.
            since_ms: changed at that time or later.
            after: `changed_ms` and `place` of the last task of the page before.
        """
        before_ms, before_place = after or (_MOST, _MOST)
        asked = {
            "swarm": swarm, "caller": caller, "context": context, "state": state, "since_ms": since_ms or 0,
            "before_ms": before_ms, "before_place": before_place, "size": size,
        }  # fmt: skip
        ((total,),) = self._do(_COUNT, asked)
        return [_entry(row) for row in self._do(_PAGE, asked)], total

    def push_to(self, task: str, id: str, config: bytes) -> None:
        """Keep where notifications of a task go."""
        self._do("INSERT OR REPLACE INTO pushes (task, id, config) VALUES (?, ?, ?)", (task, id, config))

    def pushes(self, task: str) -> dict[str, bytes]:
        """Return where notifications of a task go, by id, sorted."""
        return dict(self._do("SELECT id, config FROM pushes WHERE task = ? ORDER BY id", (task,)))

    def forget_push(self, task: str, id: str) -> None:
        """Send no more there; harmless when there is no such thing."""
        self._do("DELETE FROM pushes WHERE task = ? AND id = ?", (task, id))

    def _ready(self) -> int:
        """Make the tables where they are missing; return how many changes there were."""
        do = self._connection.execute
        do("PRAGMA journal_mode=WAL")
        do("PRAGMA synchronous=NORMAL")
        (format,) = do("PRAGMA user_version").fetchone()
        if format > _FORMAT:
            raise RunFailed(f"{self._path} was written by a newer version of waggledance; update, or move it away")
        self._connection.executescript(_TABLES)
        do(f"PRAGMA user_version={_FORMAT}")
        changes: int = do("SELECT coalesce(max(place), 0) FROM tasks").fetchone()[0]
        return changes

    def _do(self, sql: str, given: Sequence[Any] | Mapping[str, Any]) -> list[Any]:
        with self._failures_named():
            return self._connection.execute(sql, given).fetchall()

    @contextmanager
    def _failures_named(self) -> Generator[None]:
        try:
            yield
        except (sqlite3.Error, OSError) as why:
            what = f"the tasks in {self._path or 'memory'} cannot be read or written: {why}"
            raise RunFailed(f"{what}; move the file away to begin anew") from why


def _entry(row: Sequence[Any]) -> Entry:
    return Entry(**dict(zip(Entry.__struct_fields__, row, strict=True)))
