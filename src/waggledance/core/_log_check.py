"""What of a log is intact, and what is not, exactly.

A message is *intact* when its bytes hash to its id, are canonical, carry a signature that holds or none, and everything
it builds on is intact. One that is good in itself and rests on what is missing is *loose*. A cut-off end is noticed by
the heads; whoever rewrites the whole file, ids, heads and all, is found out only by signatures, or by another copy.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Generator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any

import msgspec

from waggledance.core._errors import PeerFault
from waggledance.core._ids import MessageId, PeerId, show
from waggledance.core._keys import signature_holds
from waggledance.core._log_file import lenient, open_for_reading, open_for_writing
from waggledance.core._message import Message, decode, message_id

ROWS_AT_ONCE = 500
ROWS_ONE_BY_ONE = 64
"""After an unreadable row so many are tried alone: about a page of them."""
SMALLEST_ROW_BYTES = 200
"""An id, an author and an envelope: how many rows a file of a size can have at most."""


class Fault(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that is not as it was written."""

    reason: str
    """``unreadable`` (rows, or the file's structure), ``tampered`` (the bytes do not hash to the id), ``malformed``,
    ``not-canonical``, ``limits``, ``columns`` (a column says other than the message), ``signature``, ``gap`` (an
    author's number is missing), ``truncated`` (fewer than the head says), ``missing-previous``, ``missing-parent``,
    ``chain`` (numbers or clocks that do not follow)."""
    detail: str
    channel: str = ""
    arrival: int | None = None
    """The row."""
    author: PeerId | None = None
    sequence: int | None = None


class ChannelReport(msgspec.Struct, frozen=True, kw_only=True):
    """What of one channel is intact."""

    channel: str
    intact: int
    loose: int
    """Good in themselves, but resting on what is missing."""
    unsigned: int
    """Of the intact ones, those without a signature of their own."""
    forked: tuple[PeerId, ...] = ()
    """Authors with two messages of one number: evidence of equivocation, and no fault of the file."""


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """What a log holds that is intact, and every fault."""

    path: str
    channels: tuple[ChannelReport, ...]
    faults: tuple[Fault, ...]
    set_aside: str | None = None
    """Where the damaged file is now, after a repair."""

    @property
    def ok(self) -> bool:
        """Whether everything is as it was written."""
        return not self.faults

    @property
    def intact(self) -> int:
        """How many messages are intact, in all channels."""
        return sum(channel.intact for channel in self.channels)

    def __str__(self) -> str:
        """Return a few plain lines: the sum, each channel with a loss, each fault."""
        loose = sum(channel.loose for channel in self.channels)
        lines = [f"{self.path}: {self.intact:,} messages in {len(self.channels):,} channels are intact"]
        if loose:
            lines[0] += f", {loose:,} more can be read but rest on what is missing"
        lines[0] += "." if self.ok else f"; {len(self.faults):,} faults:"
        for fault in self.faults:
            where = f"channel {fault.channel!r}: " if fault.channel else ""
            row = "" if fault.arrival is None else f" (row {fault.arrival})"
            lines.append(f"  {fault.reason}: {where}{fault.detail}{row}")
        if self.set_aside is not None:
            lines.append(f"  The intact part was kept; the damaged file is {self.set_aside}")
        return "\n".join(lines)


class Findings(msgspec.Struct):
    """A report, and the intact messages it counts, in the order of arrival."""

    report: Report
    kept: list[tuple[Message[Any], bytes]]


def verify(path: str | Path) -> Report:
    """Read a whole log and say what is intact. Changes nothing; another process may be writing.

    Raises:
        UsageError: there is no log.
    """
    return examine(Path(path)).report


def examine(path: Path) -> Findings:
    """Do the work of `verify`, and return the intact messages too."""
    check = _Check(str(path))
    with _readable(path, check) as connection:
        wal = path.with_name(path.name + "-wal")
        size = path.stat().st_size + (wal.stat().st_size if wal.exists() else 0)
        check.read_rows(connection, size // SMALLEST_ROW_BYTES)
        check.read_heads(connection)
        check.read_file(connection)
    return check.findings()


@contextmanager
def _readable(path: Path, check: _Check) -> Generator[sqlite3.Connection]:
    """Open a log, even one whose first page is broken: then a copy with the first page of a new log."""
    try:
        connection = open_for_reading(path)
    except sqlite3.DatabaseError as why:
        check.fault("unreadable", f"the file: {why}")
    else:
        with closing(connection):
            yield connection
        return
    from shutil import copyfile  # here, because they load compressors that only a broken log needs
    from tempfile import TemporaryDirectory

    with TemporaryDirectory(prefix="waggle-log-") as folder:
        copy = Path(folder) / "log"
        copyfile(path, copy)
        wal = path.with_name(path.name + "-wal")
        if wal.exists():
            copyfile(wal, copy.with_name("log-wal"))
        _mend_first_page(copy, Path(folder) / "new")
        with closing(sqlite3.connect(copy, isolation_level=None)) as connection:
            connection.text_factory = lenient
            yield connection


def _mend_first_page(path: Path, new: Path) -> None:
    """Put the first page of a new log over a file's: it says where each table begins, which is alike in all logs."""
    with closing(open_for_writing(new)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        [page_bytes] = connection.execute("PRAGMA page_size").fetchone()
    page = bytearray(new.read_bytes()[:page_bytes])
    page[28:32] = max(path.stat().st_size // page_bytes, new.stat().st_size // page_bytes).to_bytes(4)
    page[32:40] = bytes(8)
    page[92:96] = page[24:28]
    with path.open("r+b") as file:
        if path.stat().st_size < page_bytes:
            file.truncate(0)
        else:
            file.write(page)


class _Check:
    """Collects rows, then judges them channel by channel."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._faults: list[Fault] = []
        self._messages: dict[str, dict[MessageId, Message[Any]]] = {}
        self._rows: dict[MessageId, tuple[int, bytes]] = {}
        self._heads: dict[tuple[str, PeerId], tuple[int, MessageId]] = {}
        self._next = 1
        """The row that should come next; a log's rows have no gaps."""

    def fault(
        self,
        reason: str,
        detail: str,
        channel: str = "",
        *,
        arrival: int | None = None,
        author: PeerId | None = None,
        sequence: int | None = None,
    ) -> None:
        self._faults.append(
            Fault(reason=reason, detail=detail, channel=channel, arrival=arrival, author=author, sequence=sequence)
        )

    def fault_of(self, message: Message[Any], reason: str, detail: str, arrival: int) -> None:
        self.fault(reason, f"message {show(message.id)} {detail}", message.channel, arrival=arrival,
                   author=message.author, sequence=message.sequence)  # fmt: skip

    # -- reading ------------------------------------------------------------------------------------------------

    def read_rows(self, connection: sqlite3.Connection, last: int) -> None:
        """Read every row that can be read, up to `last`: many at once, and one by one around those that cannot."""
        query = (
            "SELECT arrival, id, channel, author, sequence, kind, lamport, raw, signature FROM messages "
            "WHERE arrival {} ORDER BY arrival LIMIT ?"
        )
        many, one = query.format("> ?"), query.format("= ?")
        at = 0
        while True:
            try:
                rows = connection.execute(many, (at, ROWS_AT_ONCE)).fetchall()
            except sqlite3.DatabaseError as why:
                if at > last:
                    self.fault("unreadable", f"rows from {self._next} on: {why}", arrival=self._next)
                    return
                for arrival in range(at + 1, at + 1 + ROWS_ONE_BY_ONE):
                    with suppress(sqlite3.DatabaseError):
                        for row in connection.execute(one, (arrival, 1)).fetchall():
                            self._take(row)
                at += ROWS_ONE_BY_ONE
                continue
            if not rows:
                return
            for row in rows:
                self._take(row)
            at = rows[-1][0]

    def _take(self, row: tuple[Any, ...]) -> None:
        arrival, id, channel, *columns, raw, signature = row
        if arrival > self._next:
            lost = f"row {self._next} is" if arrival == self._next + 1 else f"rows {self._next} to {arrival - 1} are"
            self.fault("unreadable", f"{lost} not there, or on a broken page", arrival=self._next)
        self._next = arrival + 1
        channel = channel if isinstance(channel, str) else ""
        if not (isinstance(raw, bytes) and isinstance(id, bytes) and isinstance(signature, bytes)):
            self.fault("malformed", "the row does not hold a message", channel, arrival=arrival)
            return
        if message_id(raw) != id:
            detail = f"message {show(id)} has other bytes, which hash to {show(message_id(raw))}"
            self.fault("tampered", detail, channel, arrival=arrival)
            return
        try:
            message = decode(raw, signature)
        except PeerFault as fault:
            self.fault(fault.reason, f"message {show(id)}: {fault.detail}", channel, arrival=arrival)
            return
        fields = [message.channel, message.author, message.sequence, message.kind, message.lamport]
        if [channel, *columns] != fields:
            self.fault_of(message, "columns", "is whole, but the columns beside it say other than it", arrival)
        if signature and not signature_holds(message.author, message.id, signature):
            self.fault_of(message, "signature", "has a signature that does not hold", arrival)
            return
        self._messages.setdefault(message.channel, {})[message.id] = message
        self._rows.setdefault(message.id, (arrival, raw))

    def read_heads(self, connection: sqlite3.Connection) -> None:
        """Read what the newest messages should be."""
        try:
            for channel, author, sequence, id in connection.execute("SELECT channel, author, sequence, id FROM heads"):
                self._heads[channel, author] = (sequence, id)
        except sqlite3.DatabaseError as why:
            self.fault("unreadable", f"the table of heads: {why}")

    def read_file(self, connection: sqlite3.Connection) -> None:
        """Let SQLite check its own structures, indexes among them."""
        try:
            lines = [line for (line,) in connection.execute("PRAGMA integrity_check(5)")]
        except sqlite3.DatabaseError as why:
            lines = [str(why)]
        if lines != ["ok"]:
            self.fault("unreadable", f"the file: {'; '.join(str(line).splitlines()[-1] for line in lines)}")

    # -- judging ------------------------------------------------------------------------------------------------

    def findings(self) -> Findings:
        names = sorted({*self._messages, *(channel for channel, _ in self._heads)})
        intact = {name: self._intact(name) for name in names}
        reports = tuple(self._report(name, intact[name]) for name in names)
        kept = sorted((m for messages in intact.values() for m in messages.values()), key=lambda m: self._rows[m.id][0])
        report = Report(path=self._path, channels=reports, faults=tuple(self._faults))
        return Findings(report, [(message, self._rows[message.id][1]) for message in kept])

    def _intact(self, name: str) -> dict[MessageId, Message[Any]]:
        """Return the messages of a channel that are good and rest on good ones only; note what is missing."""
        here = self._messages.get(name, {})
        intact: dict[MessageId, Message[Any]] = {}
        for message in sorted(here.values(), key=lambda m: (m.lamport, m.id)):
            arrival, previous = self._rows[message.id][0], message.previous
            causes = message.parents if previous is None else (previous, *message.parents)
            for id in causes:
                if id not in here:
                    reason = "missing-previous" if id == previous else "missing-parent"
                    self.fault_of(message, reason, f"builds on {show(id)}, which is not here", arrival)
            if all(id in intact for id in causes):
                wrong = _chain_fault(message, intact)
                if wrong is None:
                    intact[message.id] = message
                else:
                    self.fault_of(message, "chain", wrong, arrival)
        return intact

    def _report(self, name: str, intact: dict[MessageId, Message[Any]]) -> ChannelReport:
        here = self._messages.get(name, {})
        numbers: dict[PeerId, set[int]] = {}
        forked: set[PeerId] = set()
        for message in here.values():
            have = numbers.setdefault(message.author, set())
            if message.sequence in have:
                forked.add(message.author)
            have.add(message.sequence)
        for author, have in sorted(numbers.items()):
            gone = sorted(set(range(1, max(have))) - have)
            if gone:
                detail = f"of {show(author)} number {_some(gone)} missing"
                self.fault("gap", detail, name, author=author, sequence=gone[0])
        for (channel, author), (sequence, id) in self._heads.items():
            if channel == name and id not in here:
                found = max(numbers.get(author, {0}))
                detail = f"of {show(author)} the head is number {sequence} ({show(id)}), found {found}"
                self.fault("truncated", detail, name, author=author, sequence=sequence)
        unsigned = sum(not message.signature for message in intact.values())
        return ChannelReport(channel=name, intact=len(intact), loose=len(here) - len(intact), unsigned=unsigned,
                             forked=tuple(sorted(forked)))  # fmt: skip


def _chain_fault(message: Message[Any], here: dict[MessageId, Message[Any]]) -> str | None:
    latest = max((here[id].lamport for id in message.parents), default=0)
    if message.previous is not None:
        previous = here[message.previous]
        if (previous.author, previous.sequence + 1) != (message.author, message.sequence):
            return f"says number {message.sequence} and follows number {previous.sequence}"
        latest = max(latest, previous.lamport)
    if message.lamport != latest + 1:
        return f"says logical time {message.lamport}, its causes make it {latest + 1}"
    return None


def _some(numbers: list[int]) -> str:
    shown = ", ".join(str(n) for n in numbers[:5])
    return f"{shown} is" if len(numbers) == 1 else f"{shown}{', …' if len(numbers) > 5 else ''} ({len(numbers)}) are"
