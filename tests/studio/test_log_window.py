"""Whatever can be read of a log's file is read; what is wrong with it is said."""

from __future__ import annotations

import os
import shutil
import sqlite3
import stat
from pathlib import Path
from typing import Any

import pytest

from waggledance.core import Log
from waggledance.studio._log_window import LogWindow


def columns_of(path: Path, setting: str) -> None:
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute(setting)
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()


def test_every_row_is_read_in_the_order_of_arrival(log: Path) -> None:
    window = LogWindow(log)
    assert window.refresh()
    rows = window.rows()
    with Log(log, "r") as opened:
        (name,) = opened.names()
        assert {row.id for row in rows} == {message.id for message in opened.read(name)}
    assert [row.arrival for row in rows] == list(range(1, window.last + 1))
    assert window.rows(name, after=3) == rows[3:]
    assert window.rows(name, after=3, before=6) == rows[3:5]
    assert window.rows("another") == []
    assert not window.broken
    assert not window.newer
    window.close()


def test_what_is_appended_is_noticed_and_nothing_else(log: Path, asked: Any) -> None:
    window = LogWindow(log)
    window.refresh()
    before = window.last
    assert not window.refresh()
    asked(log, "3 + 3?")
    assert window.refresh()
    assert window.last > before
    assert window.files == 1
    window.close()


def test_a_log_that_is_not_there_yet_is_empty_until_it_is(tmp_path: Path, asked: Any) -> None:
    window = LogWindow(tmp_path / "new.db")
    assert not window.refresh()
    assert window.rows() == []
    assert window.ends() == []
    assert window.counted() == {}
    assert not window.broken
    asked(tmp_path / "new.db")
    assert window.refresh()
    assert window.rows()
    window.close()


def test_a_log_that_is_made_and_has_no_tables_yet_is_looked_at_again(tmp_path: Path, asked: Any) -> None:
    path = tmp_path / "new.db"
    path.touch()
    window = LogWindow(path)
    window.refresh()
    assert window.rows() == []
    assert not window.broken
    asked(path)
    assert window.refresh()
    assert window.rows()
    window.close()


def test_another_log_of_the_same_name_is_another_file(log: Path, tmp_path: Path, asked: Any) -> None:
    window = LogWindow(log)
    window.refresh()
    first = window.rows()
    asked(tmp_path / "other.db", "6 + 6?")
    (tmp_path / "other.db").replace(log)
    assert window.refresh()
    assert window.files == 2
    assert {row.id for row in window.rows()}.isdisjoint(row.id for row in first)
    window.close()


def test_a_log_that_vanishes_is_shown_as_it_was_and_it_is_said(log: Path) -> None:
    window = LogWindow(log)
    window.refresh()
    rows = window.rows()
    log.unlink()
    assert window.refresh()
    assert "not there any more" in window.broken
    assert window.rows() == rows
    assert not window.refresh()
    window.close()


def test_a_file_of_a_newer_version_is_read_as_far_as_it_can_be(log: Path) -> None:
    columns_of(log, "PRAGMA user_version = 99")
    window = LogWindow(log)
    window.refresh()
    assert window.newer
    assert window.rows()
    assert not window.broken
    window.close()


def test_a_newer_version_whose_messages_stand_elsewhere_is_refused_with_what_to_do(log: Path) -> None:
    columns_of(log, "PRAGMA user_version = 99")
    columns_of(log, "ALTER TABLE messages RENAME COLUMN raw TO packed")
    window = LogWindow(log)
    window.refresh()
    assert window.newer
    assert window.rows() == []
    assert "format 99" in window.broken
    assert "newer waggledance" in window.broken


@pytest.mark.parametrize("content", [b"hello, this is no database at all" * 100, b"\0" * 8192])
def test_a_file_of_something_else_is_said_to_be_none(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "log.db"
    path.write_bytes(content)
    window = LogWindow(path)
    window.refresh()
    assert window.rows() == []
    assert "cannot be read as a log" in window.broken


def test_a_database_of_something_else_is_said_to_be_no_log(tmp_path: Path) -> None:
    path = tmp_path / "log.db"
    columns_of(path, "CREATE TABLE messages (id)")
    window = LogWindow(path)
    window.refresh()
    assert window.rows() == []
    assert "is no log" in window.broken


def test_of_a_torn_log_the_rows_around_the_hole_are_read(tmp_path: Path, asked: Any) -> None:
    path = tmp_path / "log.db"
    for i in range(6):
        asked(path, f"{i} + {i}?", peers=9)
    whole = LogWindow(path)
    whole.refresh()
    rows = whole.rows()
    whole.close()
    torn = bytearray(path.read_bytes())
    page = int.from_bytes(torn[16:18])
    holed = len(torn) // page // 2
    torn[holed * page : (holed + 3) * page] = b"\xff" * (3 * page)
    path.write_bytes(torn)
    window = LogWindow(path)
    window.refresh()
    kept = {row.id for row in window.rows()}
    assert 0 < len(kept) < len(rows)
    assert kept <= {row.id for row in rows}
    assert rows[0].id in kept
    assert rows[-1].id in kept
    assert "damaged" in window.broken
    assert "waggle log verify" in window.broken
    window.close()


def test_a_log_that_is_cut_off_is_read_up_to_there(tmp_path: Path, asked: Any) -> None:
    path = tmp_path / "log.db"
    for i in range(6):
        asked(path, f"{i} + {i}?", peers=9)
    os.truncate(path, path.stat().st_size // 2)
    window = LogWindow(path)
    window.refresh()
    assert window.rows()
    assert "damaged" in window.broken
    window.close()


def test_a_log_in_a_folder_where_nothing_may_be_written_is_read(log: Path, tmp_path: Path) -> None:
    folder = tmp_path / "kept"
    folder.mkdir()
    shutil.copy(log, folder / "log.db")
    (folder / "log.db").chmod(stat.S_IRUSR)
    folder.chmod(stat.S_IRUSR | stat.S_IXUSR)
    try:
        window = LogWindow(folder / "log.db")
        window.refresh()
        assert window.rows()
        window.close()
    finally:
        folder.chmod(stat.S_IRWXU)


def test_exchanges_are_none_where_the_log_is_older_than_they_are(log: Path) -> None:
    window = LogWindow(log)
    window.refresh()
    assert window.exchanges("q1", b"", 1) == []
    assert not window.broken
    window.close()
