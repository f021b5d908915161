"""The log: every message of every channel, append-only, in one SQLite file.

Appending puts a message on a list; the list is written in one transaction when it holds 512 messages, when 50 ms have
gone by, or at `flush`. So a message costs microseconds, and a process that is killed loses nothing that was flushed and
at most 50 ms of what was not; what is there is always a whole prefix of what was appended. One process writes, any
number read meanwhile.

A damaged file (cut off, torn pages) is repaired when it is opened for writing: what is intact is kept, the damaged file
stays beside it as ``NAME.damaged-1``, and `Log.repaired` says what was found.
"""

from __future__ import annotations

import asyncio
import logging
import sqlite3
import threading
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self

import msgspec

from waggledance.core._bodies import Opening, Outcome
from waggledance.core._channel import Channel
from waggledance.core._errors import PeerFault, UnknownName, UsageError
from waggledance.core._exchange import Exchange
from waggledance.core._file_lock import FileLock
from waggledance.core._ids import MessageId, PeerId, show
from waggledance.core._log_check import Report
from waggledance.core._log_file import (
    LogDamaged,
    LogFailed,
    exchanges_in,
    insert,
    keep_notes,
    open_for_reading,
    open_for_writing,
    valid_notes,
)
from waggledance.core._log_lock import writer_lock
from waggledance.core._log_repair import repair_locked
from waggledance.core._message import Message, decode
from waggledance.core._retold import fork_of

logger = logging.getLogger(__name__)

BATCH_MESSAGES = 512
BATCH_SECONDS = 0.05


class Summary(msgspec.Struct, frozen=True, kw_only=True):
    """One channel of a log, in a line."""

    channel: str
    question: str
    """Its text; empty when the opening is not here."""
    asked_ms: int | None
    """The asker's clock, in milliseconds since 1970."""
    messages: int
    protocol: str
    topology: str
    rule: str
    status: str
    """``decided``, ``undecided`` or ``conflict``; ``unfinished`` without an outcome."""
    answer: str | None
    forked_from: str = ""
    """The channel that this one is a fork of; empty when it is none."""


class Log:
    """Every message of every channel, in a file.

    Args:
        path: the file; made, with its folder, when it is opened for appending and not there.
        mode: ``"a"`` to append, one process at a time; ``"r"`` to read, meanwhile or afterwards.

    Raises:
        UsageError: another process writes to it; there is none to read; the file is something else.
        LogDamaged: opened for reading, and damaged.
    """

    def __init__(self, path: str | Path, mode: Literal["a", "r"] = "a") -> None:
        if mode not in ("a", "r"):
            raise UsageError(f'a log is opened to append ("a") or to read ("r"), got mode {mode!r}')
        self.path = Path(path)
        self.repaired: Report | None = None
        """What was found, when the file was damaged and had to be repaired."""
        self._lock = threading.RLock()
        self._pending: list[tuple[Message[Any], bytes]] = []
        self._exchanges: list[Exchange] = []
        self._write_at = BATCH_MESSAGES
        self._failure: LogFailed | None = None
        self._writer: FileLock | None = None
        self._due, self._closing = threading.Event(), threading.Event()
        self._thread: threading.Thread | None = None
        if mode == "r":
            with self._damage_named():
                self._connection = open_for_reading(self.path)
                self._names = self._known_names()
        else:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._writer = writer_lock(self.path)
            try:
                self._connection, self._names = self._open()
            except BaseException as why:
                self._writer.release()
                if isinstance(why, sqlite3.Error):
                    raise LogFailed(str(self.path), 0, str(why)) from why
                raise

    def _open(self) -> tuple[sqlite3.Connection, set[str]]:
        try:
            self._connection = open_for_writing(self.path)
            return self._connection, self._known_names()
        except sqlite3.OperationalError:
            raise
        except sqlite3.DatabaseError as why:
            logger.warning("log %s is damaged (%s); keeping what is intact", self.path, why)
            self.repaired = repair_locked(self.path)
            logger.warning("%s", self.repaired)
            self._connection = open_for_writing(self.path)
            return self._connection, self._known_names()

    def _known_names(self) -> set[str]:
        try:
            return {name for (name,) in self._connection.execute("SELECT DISTINCT channel FROM heads")}
        except BaseException:
            self._connection.close()
            raise

    # -- writing ------------------------------------------------------------------------------------------------

    def append(self, message: Message[Any], raw: bytes) -> None:
        """Take a message with its canonical bytes; it is written at the latest by `flush`.

        A failure to write raises at `flush` and `close`, not here: a run goes on with a full disk, and loses nothing.

        Raises:
            UsageError: the log is closed, or open for reading.
        """
        if self._writer is None:
            raise self._not_writing()
        pending = self._pending
        pending.append((message, raw))
        self._names.add(message.channel)
        waiting = len(pending)
        if waiting == 1:
            self._write_soon()
        elif waiting >= self._write_at:
            self._write()

    def append_exchange(self, exchange: Exchange) -> None:
        """Take what a peer asked of its model or tools; it is written as messages are.

        Raises:
            UsageError: the log is closed, or open for reading.
        """
        if self._writer is None:
            raise self._not_writing()
        self._exchanges.append(exchange)
        if len(self._exchanges) == 1:
            self._write_soon()

    async def flush(self) -> None:
        """Return when everything taken so far is written.

        Raises:
            LogFailed: it could not be written; it is kept, and the next flush tries again.
        """
        await asyncio.sleep(0)
        self.flush_now()

    def flush_now(self) -> None:
        """Do the same as `flush` from code that is not async."""
        self._write()
        if self._failure is not None:
            raise self._failure

    def keep_notes(self, notes: Mapping[str, bytes]) -> None:
        """Note something about channels, to be found by `notes` until a message is added to them.

        A note saves work and nothing else: where it cannot be written there is none.

        Raises:
            UsageError: the log is closed, or open for reading.
        """
        if self._writer is None:
            raise self._not_writing()
        self._write()
        with self._lock:
            try:
                keep_notes(self._connection, notes)
            except sqlite3.Error as why:
                logger.info("log %s: no notes on %d channels: %s", self.path, len(notes), why)

    def close(self) -> None:
        """Write what is left and let the next writer in. Closing twice is harmless.

        Raises:
            LogFailed: something could not be written; the file is closed all the same.
        """
        self._closing.set()
        self._due.set()
        if self._thread is not None:
            self._thread.join()
            self._thread = None
        with self._lock:
            try:
                if self._writer is not None:
                    self.flush_now()
            finally:
                self._connection.close()
                if self._writer is not None:
                    self._writer.release()
                    self._writer = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _not_writing(self) -> UsageError:
        return UsageError(f"log {self.path} is closed or open for reading; open it with Log({str(self.path)!r})")

    def _write(self) -> None:
        """Write what is pending; note a failure, and keep what was not written."""
        with self._lock:
            pending = self._pending
            batch = pending[: len(pending)]  # another thread may append meanwhile: it comes with the next batch
            exchanges = self._exchanges[: len(self._exchanges)]
            if not (batch or exchanges):
                return
            try:
                insert(self._connection, batch, exchanges)
            except sqlite3.Error as why:
                self._failure = LogFailed(str(self.path), len(batch), str(why))
                self._write_at = len(batch) + BATCH_MESSAGES
            else:
                del pending[: len(batch)], self._exchanges[: len(exchanges)]
                self._failure, self._write_at = None, BATCH_MESSAGES

    def _write_soon(self) -> None:
        if self._thread is None:
            self._start_thread()
        self._due.set()

    def _start_thread(self) -> None:
        self._thread = threading.Thread(target=self._keep_time, name=f"log {self.path.name}", daemon=True)
        self._thread.start()

    def _keep_time(self) -> None:
        """Write what has waited for 50 ms. Real time, whatever clock the run has: nothing in the log depends on it."""
        while not self._closing.is_set():
            self._due.wait()
            self._closing.wait(BATCH_SECONDS)
            self._due.clear()
            self._write()
            if self._pending or self._exchanges:
                self._due.set()

    # -- reading ------------------------------------------------------------------------------------------------

    def __contains__(self, channel: object) -> bool:
        if self._writer is None:
            return channel in self.names()
        return channel in self._names

    def __len__(self) -> int:
        """Return how many channels there are."""
        return len(self.names() if self._writer is None else self._names)

    def names(self) -> tuple[str, ...]:
        """Return the names of all channels, in the order in which they began."""
        rows = self._select("SELECT channel FROM messages GROUP BY channel ORDER BY min(arrival)")
        return tuple(name for (name,) in rows)

    def notes(self) -> dict[str, bytes]:
        """Return what was noted about channels to which nothing was added since; nothing where that is damaged."""
        if self._writer is not None:
            self._write()
        with self._lock:
            try:
                return valid_notes(self._connection)
            except sqlite3.ProgrammingError as why:
                raise UsageError(f"log {self.path} is closed") from why
            except sqlite3.DatabaseError as why:
                logger.info("log %s: its notes cannot be read: %s", self.path, why)
                return {}

    def arrivals(self) -> dict[MessageId, int]:
        """Return each message's place in the log, from 1."""
        return dict(self._select("SELECT id, arrival FROM messages ORDER BY arrival DESC"))

    def channels(self) -> tuple[Summary, ...]:
        """Return a line about every channel, in the order in which they began."""
        counted = dict(self._select("SELECT channel, count(*) FROM messages GROUP BY channel"))
        ends: dict[str, list[Message[Any]]] = {name: [] for name in self.names()}
        rows = self._select(
            "SELECT channel, id, raw, signature FROM messages WHERE kind IN ('opening/1', 'outcome/1', 'fork/1')"
            " ORDER BY arrival"
        )
        for name, id, raw, signature in rows:
            ends[name].append(self._opened(name, id, raw, signature))
        return tuple(_summary(name, counted[name], messages) for name, messages in ends.items())

    def read(self, channel: str) -> tuple[Message[Any], ...]:
        """Return a channel's messages, causes before effects, ties by id: the same order in every copy.

        Raises:
            UnknownName: there is no such channel.
            LogDamaged: a message is not what was written.
        """
        rows = self._select("SELECT id, raw, signature FROM messages WHERE channel = ? ORDER BY arrival", (channel,))
        if not rows:
            raise UnknownName("channel", channel, self.names())
        messages = {row[0]: self._opened(channel, *row) for row in rows}
        return tuple(sorted(messages.values(), key=lambda m: (m.lamport, m.id)))

    def exchanges(self, channel: str) -> tuple[Exchange, ...]:
        """Return what peers asked of models and tools in a channel, in the order in which they were answered.

        Raises:
            LogDamaged: an exchange is not what was written.
        """
        if self._writer is not None:
            self._write()
        with self._lock, self._damage_named():
            try:
                return tuple(exchanges_in(self._connection, channel))
            except msgspec.DecodeError as why:
                raise LogDamaged(str(self.path), f"an exchange of channel {channel!r}: {why}") from why

    def load(self, channel: str) -> Channel:
        """Return a channel as it was, ready to be read and collected from. Raises what `read` raises."""
        messages = self.read(channel)
        loaded = Channel(messages[0].swarm, channel)
        seen: set[tuple[PeerId, int]] = set()
        for message in messages:
            place = (message.author, message.sequence)
            if place in seen:
                loaded.disown(message.author)
            seen.add(place)
            loaded.add(message, b"")
        return loaded

    def _opened(self, channel: str, id: object, raw: object, signature: object) -> Message[Any]:
        if not (isinstance(id, bytes) and isinstance(raw, bytes) and isinstance(signature, bytes)):
            raise LogDamaged(str(self.path), f"a row of channel {channel!r} does not hold a message")
        try:
            message = decode(raw, signature)
        except PeerFault as fault:
            raise LogDamaged(str(self.path), f"message {show(id)} of channel {channel!r}: {fault.detail}") from fault
        if message.id != id or message.channel != channel:
            raise LogDamaged(str(self.path), f"message {show(id)} of channel {channel!r} has another content now")
        return message

    def _select(self, query: str, given: tuple[Any, ...] = ()) -> list[Any]:
        if self._writer is not None:
            self._write()
        with self._lock, self._damage_named():
            return self._connection.execute(query, given).fetchall()

    @contextmanager
    def _damage_named(self) -> Generator[None]:
        try:
            yield
        except sqlite3.ProgrammingError as why:
            raise UsageError(f"log {self.path} is closed") from why
        except sqlite3.DatabaseError as why:
            raise LogDamaged(str(self.path), str(why)) from why


def _summary(name: str, messages: int, ends: list[Message[Any]]) -> Summary:
    opening = next((m for m in ends if isinstance(m.body, Opening)), None)
    outcome: Outcome | None = None
    for message in ends:
        if opening is not None and message.author == opening.author and isinstance(message.body, Outcome):
            outcome = message.body
    body = None if opening is None else opening.body
    fork = fork_of(ends)
    asked = fork or opening
    return Summary(
        channel=name,
        question="" if body is None else body.question.text,
        asked_ms=None if asked is None else asked.wall_ms,
        messages=messages,
        protocol="" if body is None else body.protocol,
        topology="" if body is None else body.topology,
        rule="" if body is None else body.rule,
        status="unfinished" if outcome is None else outcome.status,
        answer=None if outcome is None else outcome.key,
        forked_from="" if fork is None else fork.body.parent,
    )
