"""A damaged log says exactly what is intact, keeps that, and never deletes the rest."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from random import Random
from typing import Any

import pytest

from waggledance.core import (
    Channel,
    Key,
    Log,
    LogDamaged,
    Message,
    MessageId,
    Proposal,
    Report,
    UnknownName,
    UsageError,
    encode,
    local_peer_id,
    repair,
    swarm_id,
    verify,
)
from waggledance.core._message import compose, message_id

SWARM = swarm_id("bees")
WHO = [local_peer_id(name) for name in ("ada", "bea", "cal")]


def write(path: Path, channels: int = 1, rounds: int = 3, text: str = "") -> dict[MessageId, Message[Any]]:
    """A log of debates; returns what is in it."""
    all_of_it: dict[MessageId, Message[Any]] = {}
    with Log(path) as log:
        for n in range(channels):
            channel = Channel(SWARM, f"q{n}")
            channel.subscribe(log.append)
            heard: list[Message[Any]] = []
            for round in range(rounds):
                heard = [channel.publish(w, Proposal(key="4", text=text, round=round), heard, 0) for w in WHO]
            all_of_it |= {m.id: m for m in channel.messages()}
    return all_of_it


def change(path: Path, *statements: tuple[str, tuple[Any, ...]]) -> Report:
    """Change a log behind its back and verify it."""
    connection = sqlite3.connect(path)
    for statement, given in statements:
        assert connection.execute(statement, given).rowcount > 0
    connection.commit()
    connection.close()
    return verify(path)


def test_a_log_as_it_was_written_is_intact(tmp_path: Path) -> None:
    written = write(tmp_path / "log.db", channels=3)
    report = verify(tmp_path / "log.db")
    assert report.ok
    assert report.intact == len(written) == 27
    assert [(c.channel, c.intact, c.loose, c.unsigned) for c in report.channels] == [
        (f"q{n}", 9, 0, 9) for n in range(3)
    ]
    assert str(report).endswith("27 messages in 3 channels are intact.")


def test_an_empty_log_is_intact(tmp_path: Path) -> None:
    Log(tmp_path / "log.db").close()
    assert verify(tmp_path / "log.db").ok


def test_a_changed_message_is_named_and_what_rests_on_it_is_counted_apart(tmp_path: Path) -> None:
    path = tmp_path / "log.db"
    write(path)
    with Log(path, "r") as log:
        target = log.read("q0")[0]
        arrival = log.arrivals()[target.id]
    forged = encode(target).replace(b"\xa14", b"\xa15")
    report = change(path, ("UPDATE messages SET raw = ? WHERE id = ?", (forged, target.id)))
    tampered, *others = report.faults
    assert (tampered.reason, tampered.channel, tampered.arrival) == ("tampered", "q0", arrival)
    assert {fault.reason for fault in others} == {"missing-previous", "missing-parent", "gap"}
    [channel] = report.channels
    assert (channel.intact, channel.loose) == (2, 6)
    assert "tampered: channel 'q0'" in str(report)


def test_a_removed_message_is_noticed_by_its_number_and_by_those_that_build_on_it(tmp_path: Path) -> None:
    path = tmp_path / "log.db"
    write(path)
    report = change(path, ("DELETE FROM messages WHERE author = ? AND sequence = 2", (WHO[0],)))
    assert Counter(fault.reason for fault in report.faults) == {
        "unreadable": 1, "missing-previous": 1, "missing-parent": 2, "gap": 1,
    }  # fmt: skip
    [gap] = [fault for fault in report.faults if fault.reason == "gap"]
    assert (gap.author, gap.sequence) == (WHO[0], 2)


def test_a_removed_tail_is_noticed_by_the_head(tmp_path: Path) -> None:
    path = tmp_path / "log.db"
    write(path)
    report = change(path, ("DELETE FROM messages WHERE arrival = 9", ()))
    [fault] = report.faults
    assert (fault.reason, fault.author, fault.sequence) == ("truncated", WHO[2], 3)
    assert "the head is number 3" in fault.detail
    assert "found 2" in fault.detail
    assert report.intact == 8


def test_a_channel_that_is_gone_altogether_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "log.db"
    write(path)
    report = change(path, ("DELETE FROM messages", ()))
    assert [(fault.reason, fault.sequence) for fault in report.faults] == [("truncated", 3)] * 3


def test_a_signature_that_does_not_hold_is_named(tmp_path: Path) -> None:
    path, key = tmp_path / "log.db", Key(bytes(32))
    message = key.signed(Channel(SWARM, "q1").publish(key.peer, Proposal(key="4"), [], 0))
    with Log(path) as log:
        log.append(message, encode(message))
    assert verify(path).ok
    report = change(path, ("UPDATE messages SET signature = ?", (bytes(64),)))
    assert [fault.reason for fault in report.faults] == ["signature", "truncated"]
    assert report.intact == 0


def test_a_message_that_is_not_canonical_is_named(tmp_path: Path) -> None:
    path = tmp_path / "log.db"
    message = list(write(path, rounds=1).values())[-1]
    raw = encode(message)
    doubled = bytes([raw[0] + 1]) + raw[1:] + b"\xa1v\x01"
    report = change(
        path, ("UPDATE messages SET raw = ?, id = ? WHERE id = ?", (doubled, message_id(doubled), message.id))
    )
    assert [fault.reason for fault in report.faults] == ["not-canonical", "truncated"]


def test_a_clock_that_its_causes_do_not_give_is_named(tmp_path: Path) -> None:
    path = tmp_path / "log.db"
    message, raw = compose(WHO[0], Proposal(key="4"), 1, None, (), 7, 0, SWARM, "q0")
    with Log(path) as log:
        log.append(message, raw)
    [fault] = verify(path).faults
    assert (fault.reason, fault.sequence) == ("chain", 1)


def test_a_column_that_contradicts_its_message_is_named_and_the_message_is_intact(tmp_path: Path) -> None:
    path = tmp_path / "log.db"
    write(path)
    report = change(path, ("UPDATE messages SET author = ? WHERE arrival = 1", (WHO[1],)))
    assert [fault.reason for fault in report.faults] == ["columns"]
    assert report.intact == 9
    repair(path)
    assert verify(path).ok
    assert verify(path).intact == 9


# -- repair -----------------------------------------------------------------------------------------------------


def test_repair_keeps_the_intact_part_and_puts_the_damaged_file_aside(tmp_path: Path) -> None:
    path = tmp_path / "log.db"
    write(path, channels=2)
    change(path, ("DELETE FROM messages WHERE channel = 'q1' AND author = ? AND sequence = 2", (WHO[0],)))
    damaged = path.read_bytes()
    report = repair(path)
    aside = tmp_path / "log.db.damaged-1"
    assert report.set_aside == str(aside)
    assert str(aside) in str(report)
    assert aside.read_bytes() == damaged
    assert path.stat().st_mode & 0o777 == 0o600
    after = verify(path)
    assert after.ok
    assert {c.channel: c.intact for c in after.channels} == {"q0": 9, "q1": 5}
    assert sorted(p.name for p in tmp_path.iterdir()) == ["log.db", "log.db.damaged-1"]


def test_a_second_damage_gets_a_second_name(tmp_path: Path) -> None:
    path = tmp_path / "log.db"
    write(path)
    for n in (1, 2):
        change(path, ("DELETE FROM messages WHERE arrival = (SELECT max(arrival) FROM messages)", ()))
        assert repair(path).set_aside == str(tmp_path / f"log.db.damaged-{n}")


def test_repair_leaves_a_log_without_faults_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "log.db"
    write(path)
    before = path.read_bytes()
    assert repair(path).set_aside is None
    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["log.db"]


def test_a_log_that_is_being_written_is_not_repaired(tmp_path: Path) -> None:
    write(tmp_path / "log.db")
    with Log(tmp_path / "log.db"), pytest.raises(UsageError, match="is writing to it"):
        repair(tmp_path / "log.db")


# -- any damage at all ------------------------------------------------------------------------------------------


def cut(content: bytearray, rng: Random) -> None:
    del content[rng.randrange(1, len(content)) :]


def flip(content: bytearray, rng: Random) -> None:
    for _ in range(rng.choice((1, 1, 8))):
        content[rng.randrange(len(content))] ^= 1 << rng.randrange(8)


def tear(content: bytearray, rng: Random) -> None:
    page = rng.randrange(len(content) // 4096)
    content[page * 4096 : page * 4096 + 4096] = bytes(4096) if rng.random() < 0.5 else rng.randbytes(4096)


@pytest.mark.parametrize("damage", [cut, flip, tear])
@pytest.mark.parametrize("seed", range(12))
def test_whatever_happens_to_the_file_what_is_kept_is_true_and_the_rest_is_named(
    tmp_path: Path, damage: Callable[[bytearray, Random], None], seed: int
) -> None:
    path, rng = tmp_path / "log.db", Random(seed)
    written = write(path, channels=8, rounds=4, text="because " * rng.randrange(300))
    content = bytearray(path.read_bytes())
    damage(content, rng)
    path.write_bytes(content)
    report = verify(path)
    with Log(path) as log:
        seen = _all_that_reads(log)
        repaired = log.repaired
    if repaired is None and not report.ok:
        repair(path)
    with Log(path, "r") as log:
        kept = [m for name in log.names() for m in log.read(name)]
    assert all(m.id in written and encode(m) == encode(written[m.id]) for m in (*seen, *kept))
    assert len(kept) == report.intact
    assert not report.ok or report.intact == len(written)
    assert verify(path).ok
    if not report.ok:
        assert (tmp_path / "log.db.damaged-1").read_bytes() == content


def _all_that_reads(log: Log) -> list[Message[Any]]:
    """What can be read before a repair; some channel may be damaged, or its name."""
    read: list[Message[Any]] = []
    with suppress(LogDamaged, UnknownName):
        for name in log.names():
            read.extend(log.read(name))
    return read


def test_a_torn_page_in_the_middle_costs_little_of_a_large_log(tmp_path: Path) -> None:
    path = tmp_path / "log.db"
    written = write(path, channels=60, rounds=4)
    content = bytearray(path.read_bytes())
    page = len(content) // 4096 // 2
    content[page * 4096 : page * 4096 + 4096] = bytes(4096)
    path.write_bytes(content)
    report = verify(path)
    assert not report.ok
    assert len(written) * 0.9 < report.intact


def test_a_broken_first_page_costs_no_message(tmp_path: Path) -> None:
    path = tmp_path / "log.db"
    written = write(path, channels=20)
    content = bytearray(path.read_bytes())
    content[100:4096] = bytes(3996)
    path.write_bytes(content)
    with Log(path) as log:
        assert log.repaired is not None
        assert log.repaired.intact == len(written)
        assert sum(len(log.read(name)) for name in log.names()) == len(written)
