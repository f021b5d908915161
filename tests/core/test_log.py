"""The log keeps what it took: through kills, full disks and second writers."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path
from random import Random
from typing import Any

import pytest

from waggledance.core import (
    Channel,
    Cut,
    Key,
    Log,
    LogDamaged,
    LogFailed,
    Member,
    Message,
    Opening,
    Outcome,
    PeerId,
    Proposal,
    Question,
    UnknownName,
    UsageError,
    encode,
    local_peer_id,
    swarm_id,
    verify,
)

SWARM = swarm_id("bees")
ASKER, ADA, BEA = (local_peer_id(name) for name in ("asker", "ada", "bea"))


def a_question(log: Log, name: str = "q1", rounds: int = 2, answer: str = "4") -> Channel:
    """A small question, from its opening to its outcome, written to the log as it happens."""
    channel = Channel(SWARM, name)
    channel.subscribe(log.append)
    members = (Member(ADA, "ada"), Member(BEA, "bea"))
    opening = Opening(question=Question(text=f"2+2? ({name})"), members=members, protocol="debate", rule="majority")
    heard: list[Message[Any]] = [channel.publish(ASKER, opening, [], 1_700_000_000_000)]
    for round in range(rounds):
        heard = [channel.publish(who, Proposal(key=answer, round=round), heard, 0) for who in (ADA, BEA)]
    channel.publish(ASKER, Cut(ids=tuple(sorted(m.id for m in heard))), [], 0)
    channel.publish(ASKER, Outcome(status="decided", key=answer, rule="majority", decision=bytes(32)), [], 0)
    return channel


async def test_what_was_flushed_is_read_back_alike(tmp_path: Path) -> None:
    with Log(tmp_path / "log.db") as log:
        channel = a_question(log)
        await log.flush()
    with Log(tmp_path / "log.db", "r") as log:
        assert log.read("q1") == channel.messages()
        assert [m.body for m in log.read("q1")] == [m.body for m in channel.messages()]
        assert log.load("q1").digest() == channel.digest()


def test_signatures_and_unknown_kinds_are_kept(tmp_path: Path) -> None:
    key = Key(bytes(32))
    desk = Channel(SWARM, "q1")
    message = key.signed(desk.publish(key.peer, Proposal(key="4"), [], 0))
    with Log(tmp_path / "log.db") as log:
        log.append(message, encode(message))
        [back] = log.read("q1")
    assert back.signature == message.signature
    assert verify(tmp_path / "log.db").channels[0].unsigned == 0


def test_messages_are_there_before_a_flush_for_who_asks_the_writer(tmp_path: Path) -> None:
    with Log(tmp_path / "log.db") as log:
        a_question(log)
        assert "q1" in log
        assert "q2" not in log
        assert log.names() == ("q1",)
        assert len(log.read("q1")) == 7


def test_messages_are_written_after_a_moment_without_a_flush(tmp_path: Path) -> None:
    with Log(tmp_path / "log.db") as log, Log(tmp_path / "log.db", "r") as reader:
        a_question(log)
        for _ in range(500):
            if "q1" in reader:
                break
            time.sleep(0.01)
        assert len(reader.read("q1")) == 7


def test_many_messages_are_written_in_batches_and_none_is_lost(tmp_path: Path) -> None:
    with Log(tmp_path / "log.db") as log:
        channels = [a_question(log, f"q{n}", rounds=3) for n in range(300)]
        assert len(log._pending) < 512
    with Log(tmp_path / "log.db", "r") as log:
        assert log.names() == tuple(f"q{n}" for n in range(300))
        assert all(log.load(channel.name).digest() == channel.digest() for channel in channels)
    assert verify(tmp_path / "log.db").intact == 300 * 9


def test_each_channel_has_a_line_that_says_what_was_asked_and_decided(tmp_path: Path) -> None:
    with Log(tmp_path / "log.db") as log:
        a_question(log, "q1")
        unfinished = Channel(SWARM, "q2")
        unfinished.subscribe(log.append)
        unfinished.publish(ADA, Proposal(key="4"), [], 0)
        first, second = log.channels()
    assert (first.channel, first.question, first.asked_ms, first.messages) == ("q1", "2+2? (q1)", 1_700_000_000_000, 7)
    assert (first.protocol, first.rule, first.status, first.answer) == ("debate", "majority", "decided", "4")
    assert (second.channel, second.question, second.status, second.answer) == ("q2", "", "unfinished", None)


def test_an_outcome_by_somebody_else_than_the_asker_is_not_shown(tmp_path: Path) -> None:
    with Log(tmp_path / "log.db") as log:
        channel = a_question(log)
        channel.publish(ADA, Outcome(status="decided", key="5", rule="mine", decision=bytes(32)), [], 0)
        [line] = log.channels()
    assert line.answer == "4"


def test_an_author_who_equivocated_is_not_collected_from_a_loaded_channel(tmp_path: Path) -> None:
    with Log(tmp_path / "log.db") as log:
        for answer in ("4", "5"):
            desk = Channel(SWARM, "q1")
            desk.subscribe(log.append)
            desk.publish(ADA, Proposal(key=answer), [], 0)
        other = Channel(SWARM, "q1")
        other.subscribe(log.append)
        other.publish(BEA, Proposal(key="4"), [], 0)
        loaded = log.load("q1")
    assert len(loaded) == 3
    assert [m.author for m in loaded.said(Proposal, 0)] == [BEA]
    report = verify(tmp_path / "log.db")
    assert (report.ok, report.channels[0].forked) == (True, (ADA,))


def test_a_channel_that_is_not_there_is_named_with_its_nearest(tmp_path: Path) -> None:
    with Log(tmp_path / "log.db") as log:
        a_question(log, "q12-abc")
        with pytest.raises(UnknownName, match="did you mean 'q12-abc'"):
            log.read("q12-abd")


def test_a_log_goes_on_where_it_ended(tmp_path: Path) -> None:
    for name in ("q1", "q2"):
        with Log(tmp_path / "log.db") as log:
            a_question(log, name)
    with Log(tmp_path / "log.db") as log:
        assert log.names() == ("q1", "q2")
        assert "q1" in log
    assert verify(tmp_path / "log.db").ok


# -- whose file it is -------------------------------------------------------------------------------------------


def test_only_its_owner_can_read_it(tmp_path: Path) -> None:
    with Log(tmp_path / "deep" / "log.db") as log:
        a_question(log)
        log.flush_now()
        modes = {path.name: path.stat().st_mode & 0o777 for path in (tmp_path / "deep").iterdir()}
    assert set(modes) == {"log.db", "log.db-wal", "log.db-shm", "log.db.lock"}
    assert set(modes.values()) == {0o600}
    assert [path.name for path in (tmp_path / "deep").iterdir()] == ["log.db"]


def test_a_second_writer_is_told_which_process_writes(tmp_path: Path) -> None:
    with Log(tmp_path / "log.db"):
        with pytest.raises(UsageError, match=rf"process {os.getpid()} \(this one\) is writing"):
            Log(tmp_path / "log.db")
        code = "import sys; from waggledance.core import Log; Log(sys.argv[1])"
        other = subprocess.run([sys.executable, "-c", code, tmp_path / "log.db"], capture_output=True, text=True)
        assert f"process {os.getpid()} is writing" in other.stderr
    with Log(tmp_path / "log.db") as log:
        a_question(log)


def test_a_reader_sees_what_the_writer_adds_meanwhile(tmp_path: Path) -> None:
    with Log(tmp_path / "log.db") as log, Log(tmp_path / "log.db", "r") as reader:
        assert reader.names() == ()
        a_question(log)
        log.flush_now()
        assert reader.names() == ("q1",)
        assert "q1" in reader


def test_a_reader_cannot_append(tmp_path: Path) -> None:
    Log(tmp_path / "log.db").close()
    with Log(tmp_path / "log.db", "r") as reader, pytest.raises(UsageError, match="open for reading"):
        a_question(reader)


def test_a_closed_log_says_so(tmp_path: Path) -> None:
    log = Log(tmp_path / "log.db")
    log.close()
    log.close()
    with pytest.raises(UsageError, match="closed"):
        a_question(log)
    with pytest.raises(UsageError, match="closed"):
        log.names()


def test_there_is_nothing_to_read_where_there_is_no_log(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="there is no log"):
        Log(tmp_path / "log.db", "r")
    assert not (tmp_path / "log.db").exists()
    with pytest.raises(UsageError, match="there is no log"):
        verify(tmp_path / "log.db")


def test_a_file_of_something_else_is_left_alone(tmp_path: Path) -> None:
    letter, other = tmp_path / "letter.txt", tmp_path / "other.db"
    letter.write_text("Dear Ada, " * 40)
    with sqlite3.connect(other) as connection:
        connection.execute("CREATE TABLE cats (name TEXT)")
    connection.close()
    for path, modes in ((letter, ("a", "r")), (other, ("a", "r"))):
        before = path.read_bytes()
        for mode in modes:
            with pytest.raises(UsageError, match="something else"):
                Log(path, mode)  # type: ignore[arg-type]
        assert path.read_bytes() == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["letter.txt", "other.db"]


def test_a_folder_is_no_log(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="directory"):
        Log(tmp_path)


# -- a full disk ------------------------------------------------------------------------------------------------


async def test_a_full_disk_is_said_at_flush_and_nothing_is_lost(tmp_path: Path) -> None:
    with Log(tmp_path / "log.db") as log:
        first = a_question(log, "q1")
        await log.flush()
        [pages] = log._connection.execute("PRAGMA page_count").fetchone()
        log._connection.execute(f"PRAGMA max_page_count = {pages + 2}")
        rest = [a_question(log, f"q{n}", rounds=9) for n in range(2, 60)]
        with pytest.raises(LogFailed, match=r"full.*safe.*in memory.*Make room") as failed:
            await log.flush()
        assert failed.value.kept == sum(len(channel) for channel in rest)
        assert log.names() == ("q1",)
        log._connection.execute("PRAGMA max_page_count = 1000000")
        await log.flush()
        assert [log.load(c.name).digest() for c in (first, *rest)] == [c.digest() for c in (first, *rest)]
    assert verify(tmp_path / "log.db").ok


def test_a_disk_that_stays_full_is_said_at_close_too_and_the_next_writer_may_come(tmp_path: Path) -> None:
    log = Log(tmp_path / "log.db")
    [pages] = log._connection.execute("PRAGMA page_count").fetchone()
    log._connection.execute(f"PRAGMA max_page_count = {pages}")
    for n in range(20):
        a_question(log, f"q{n}")
    with pytest.raises(LogFailed):
        log.close()
    with Log(tmp_path / "log.db") as log:
        assert log.names() == ()


# -- SIGKILL ----------------------------------------------------------------------------------------------------

WRITER = """
import sys
from waggledance.core import Channel, Log, Proposal, local_peer_id, swarm_id
log, n = Log(sys.argv[1]), 0
channel = Channel(swarm_id("bees"), sys.argv[2])
channel.subscribe(log.append)
who = [local_peer_id(name) for name in ("ada", "bea", "cal")]
heard = []
while True:
    heard = [channel.publish(w, Proposal(key="4", text="x" * (n % 700), round=n), heard, 0) for w in who]
    n += 1
    if n % 20 == 0:
        log.flush_now()
        print(len(channel), flush=True)
"""


def test_a_killed_writer_leaves_a_whole_prefix_with_all_that_was_flushed(tmp_path: Path) -> None:
    path, rng = tmp_path / "log.db", Random(7)
    flushed: dict[str, int] = {}
    for run in range(10):
        name = f"q{run}"
        with subprocess.Popen([sys.executable, "-c", WRITER, path, name], stdout=subprocess.PIPE, text=True) as writer:
            assert writer.stdout is not None
            flushed[name] = int(writer.stdout.readline())
            time.sleep(rng.random() * 0.06)
            writer.send_signal(signal.SIGKILL)
            flushed[name] = max([flushed[name], *(int(line) for line in writer.stdout.read().split("\n")[:-1])])
        report = verify(path)
        assert report.ok, str(report)
        assert {c.channel: c.intact >= flushed[c.channel] for c in report.channels} == dict.fromkeys(flushed, True)
    with Log(path) as log:
        assert log.repaired is None
        for name in flushed:
            numbers: dict[PeerId, list[int]] = {}
            for message in log.read(name):
                numbers.setdefault(message.author, []).append(message.sequence)
            assert all(have == list(range(1, len(have) + 1)) for have in numbers.values())


def test_a_writer_that_was_killed_does_not_keep_the_next_one_out(tmp_path: Path) -> None:
    path = tmp_path / "log.db"
    with subprocess.Popen([sys.executable, "-c", WRITER, path, "q1"], stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout is not None
        writer.stdout.readline()
        writer.kill()
        writer.stdout.read()
    with Log(path) as log:
        assert "q1" in log


# -- damage, as a reader meets it -------------------------------------------------------------------------------


def test_a_reader_of_a_changed_message_is_told_which(tmp_path: Path) -> None:
    with Log(tmp_path / "log.db") as log:
        a_question(log)
    with sqlite3.connect(tmp_path / "log.db") as connection:
        [raw] = connection.execute("SELECT raw FROM messages WHERE arrival = 2").fetchone()
        connection.execute("UPDATE messages SET raw = ? WHERE arrival = 2", (raw.replace(b"\xa14", b"\xa15"),))
    connection.close()
    with Log(tmp_path / "log.db", "r") as log, pytest.raises(LogDamaged, match=r"message b3:.* of channel 'q1'"):
        log.read("q1")


# -- notes about channels -------------------------------------------------------------------------------------------


def test_a_note_is_found_until_a_message_is_added_to_its_channel(tmp_path: Path) -> None:
    with Log(tmp_path / "log.db") as log:
        channels = [a_question(log, name) for name in ("q1", "q2")]
        log.keep_notes({"q1": b"one", "q2": b"two", "nowhere": b"none"})
        assert log.notes() == {"q1": b"one", "q2": b"two"}
        channels[0].publish(ADA, Proposal(key="5", round=9), [], 0)
        assert log.notes() == {"q2": b"two"}
        log.keep_notes({"q1": b"three"})
    with Log(tmp_path / "log.db", "r") as log:
        assert log.notes() == {"q1": b"three", "q2": b"two"}
        assert log.read("q1") == channels[0].messages()
    assert verify(tmp_path / "log.db").ok


def test_a_log_without_notes_keeps_its_format_and_one_with_notes_goes_on(tmp_path: Path) -> None:
    def version() -> int:
        with sqlite3.connect(tmp_path / "log.db") as connection:
            return int(connection.execute("PRAGMA user_version").fetchone()[0])

    with Log(tmp_path / "log.db") as log:
        a_question(log)
        assert log.notes() == {}
    assert version() == 1
    for note in (b"one", b"two"):
        with Log(tmp_path / "log.db") as log:
            log.keep_notes({"q1": note})
            assert log.notes() == {"q1": note}
        assert version() == 2


def test_what_is_noted_under_a_damaged_table_is_not_there_and_harms_nothing(tmp_path: Path) -> None:
    with Log(tmp_path / "log.db") as log:
        channel = a_question(log)
        log.keep_notes({"q1": b"one"})
    with sqlite3.connect(tmp_path / "log.db") as connection:
        [page] = connection.execute("SELECT rootpage FROM sqlite_schema WHERE name = 'notes'").fetchone()
        [size] = connection.execute("PRAGMA page_size").fetchone()
    with (tmp_path / "log.db").open("r+b") as file:
        file.seek((page - 1) * size)
        file.write(b"\xff" * size)
    with Log(tmp_path / "log.db") as log:
        assert log.notes() == {}
        assert log.read("q1") == channel.messages()


def test_a_note_that_cannot_be_written_is_none_and_nothing_else_is_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise sqlite3.OperationalError("database or disk is full")

    with Log(tmp_path / "log.db") as log:
        channel = a_question(log)
        monkeypatch.setattr("waggledance.core._log.keep_notes", full)
        log.keep_notes({"q1": b"one"})
        assert log.notes() == {}
        assert log.read("q1") == channel.messages()


def test_the_notes_of_a_closed_log_say_so(tmp_path: Path) -> None:
    log = Log(tmp_path / "log.db")
    log.close()
    with pytest.raises(UsageError, match="is closed"):
        log.notes()
    with pytest.raises(UsageError, match="is closed"):
        log.keep_notes({"q1": b"one"})
