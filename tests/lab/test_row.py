"""Rows and the file that they are added to."""

from __future__ import annotations

from pathlib import Path

import pytest

from waggledance.core import UsageError
from waggledance.lab import Spent
from waggledance.lab._row import Row, add_rows, code_version, read_rows


def row(task: str, value: float = 1.0) -> Row:
    return Row(arm="a", task=task, cluster=task, repeat=0, value=value, solved=value, spent=Spent(calls=3))


def test_rows_are_added_once_and_the_last_of_a_run_counts(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    assert add_rows(path, [row("t1"), row("t2")]) == 2
    before = path.read_bytes()
    assert add_rows(path, [row("t1"), row("t2", 0.0)]) == 1
    assert path.read_bytes().startswith(before)
    assert {r.task: r.value for r in read_rows(path)} == {"t1": 1.0, "t2": 0.0}


def test_a_line_that_a_crash_cut_off_spoils_only_itself(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "rows.jsonl"
    add_rows(path, [row("t1"), row("t2")])
    path.write_bytes(path.read_bytes()[:-20])
    add_rows(path, [row("t1"), row("t2")])
    assert {r.task for r in read_rows(path)} == {"t1", "t2"}
    assert "skipped 1 broken" in caplog.text


def test_no_rows_are_a_usage_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="lab compare"):
        read_rows(tmp_path / "rows.jsonl")


def test_the_code_version_holds_the_digest_of_the_source() -> None:
    version, _, digest = code_version().partition("+")
    assert version
    assert len(digest) == 12
