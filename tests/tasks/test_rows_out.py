"""Rows are written whole or not at all, once each; dead letters say why; a copy grows meanwhile."""

from __future__ import annotations

import csv
import json
import resource
from pathlib import Path
from typing import Any

import pytest

from waggledance.core import UsageError
from waggledance.tasks import Failure, Row, RowsOut

ROWS = [
    Row("a", {"id": "a", "q": '1, "2"\n3'}, {"draft": "x", "score": 1, "tags": ["u", "v"], "mixed": 1, "skip": None}),
    Row("b", {"id": "b", "q": "é"}, {"draft": None, "score": 2.5, "tags": [], "mixed": "one", "skip": None}),
    Row("c", {"id": "c"}, {"draft": "x"}, failure=Failure("draft", "it hung", 3)),
    Row("d", {"id": 7, "ok": True}, {"score": 2**40, "mixed": {"k": 2**70}}),
]


def lines(path: Path) -> list[Any]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def written(path: Path, rows: list[Row]) -> tuple[int, int]:
    return RowsOut(path).finish(lambda: rows)


def test_lines_hold_id_fields_and_results_and_dead_letters_their_reason(tmp_path: Path) -> None:
    out = tmp_path / "out.jsonl"
    assert written(out, ROWS) == (3, 1)
    assert lines(out)[0] == {
        "id": "a", "q": "1, \"2\"\n3", "draft": "x", "score": 1, "tags": ["u", "v"], "mixed": 1, "skip": None,
    }  # fmt: skip
    assert lines(out)[2] == {"id": "d", "ok": True, "score": 2**40, "mixed": {"k": 2**70}}
    assert lines(tmp_path / "out.jsonl.dead.jsonl") == [
        {"id": "c", "step": "draft", "reason": "it hung", "attempts": 3, "row": {"id": "c"}, "results": {"draft": "x"}}
    ]


def test_csv_has_a_column_for_every_field_that_any_row_has(tmp_path: Path) -> None:
    written(tmp_path / "out.csv", ROWS)
    with (tmp_path / "out.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert rows[0] == {
        "id": "a", "q": "1, \"2\"\n3", "draft": "x", "score": "1", "tags": '["u","v"]', "mixed": "1", "skip": "",
        "ok": "",
    }  # fmt: skip
    assert rows[2]["ok"] == "true"


def test_parquet_keeps_types_and_lists_become_json(tmp_path: Path) -> None:
    duckdb = pytest.importorskip("duckdb")
    written(tmp_path / "out.parquet", ROWS)
    with duckdb.connect() as database:
        found = database.sql(f"SELECT * FROM read_parquet('{tmp_path / 'out.parquet'}')")
        assert dict(zip(found.columns, map(str, found.types), strict=True)) == {
            "id": "VARCHAR", "q": "VARCHAR", "draft": "VARCHAR", "score": "DOUBLE", "tags": "VARCHAR",
            "mixed": "VARCHAR", "skip": "VARCHAR", "ok": "BOOLEAN",
        }  # fmt: skip
        rows = found.fetchall()
    assert rows[0] == ("a", '1, "2"\n3', "x", 1.0, '["u","v"]', "1", None, None)
    assert rows[2][5] == '{"k":1180591620717411303424}'


def test_texts_that_look_like_dates_or_numbers_stay_texts_in_parquet(tmp_path: Path) -> None:
    duckdb = pytest.importorskip("duckdb")
    written(tmp_path / "o'.parquet", [Row("1", {"it's": "2024-01-01"}, {"x": "00012"})])
    with duckdb.connect() as database:
        found = database.read_parquet(str(tmp_path / "o'.parquet")).fetchall()
    assert found == [("1", "2024-01-01", "00012")]


@pytest.mark.parametrize("suffix", ["jsonl", "csv", "parquet"])
def test_no_rows_make_an_empty_file_that_can_be_read(tmp_path: Path, suffix: str) -> None:
    pytest.importorskip("duckdb")
    out = tmp_path / f"out.{suffix}"
    assert written(out, []) == (0, 0)
    assert out.exists()
    assert [path.name for path in tmp_path.iterdir()] == [out.name]


def test_a_copy_grows_while_the_batch_runs_and_goes_at_its_end(tmp_path: Path) -> None:
    out = RowsOut(tmp_path / "out.jsonl")
    with out.growing():
        for row in ROWS:
            out.add(row)
        assert [row["id"] for row in lines(out.partial)] == ["a", "b", "d"]
        assert len(lines(out.dead)) == 1
    assert out.partial.exists()
    with out.growing(going_on=True):
        out.add(ROWS[0])
        assert [row["id"] for row in lines(out.partial)] == ["a", "b", "d", "a"]
        out.finish(lambda: ROWS)
    assert not out.partial.exists()


def test_making_one_touches_no_copy_that_somebody_else_is_growing(tmp_path: Path) -> None:
    out = RowsOut(tmp_path / "out.jsonl")
    with out.growing():
        out.add(ROWS[0])
        before = {path: path.read_bytes() for path in tmp_path.iterdir()}
        RowsOut(tmp_path / "out.jsonl")
        assert {path: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_whoever_reads_the_file_of_an_earlier_run_reads_it_whole(tmp_path: Path) -> None:
    path = tmp_path / "out.jsonl"
    written(path, ROWS[:1])
    with path.open() as reader:
        written(path, ROWS[1:])
        assert json.loads(reader.read())["id"] == "a"
    assert [row["id"] for row in lines(path)] == ["b", "d"]


def test_a_line_that_a_kill_cut_off_does_not_spoil_the_next(tmp_path: Path) -> None:
    (tmp_path / "out.jsonl.partial.jsonl").write_text('{"id": "x"}\n{"id": "y')
    out = RowsOut(tmp_path / "out.jsonl")
    with out.growing(going_on=True):
        out.add(ROWS[0])
    assert json.loads(out.partial.read_text().splitlines()[-1])["id"] == "a"


def test_a_place_that_cannot_be_written_is_refused_at_once(tmp_path: Path) -> None:
    (tmp_path / "folder.jsonl").mkdir()
    for path, says in (
        (tmp_path / "out.xlsx", "ends in none of"),
        (tmp_path / "folder.jsonl", "folder"),
        (tmp_path / "missing" / "out.jsonl", r"no such file.*Nothing was asked yet.*--out"),
        (Path("/proc/out.jsonl"), "Nothing was asked yet"),
    ):
        with pytest.raises(UsageError, match=says):
            RowsOut(path)


def test_a_full_disk_leaves_what_was_there_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "out.jsonl"
    written(path, ROWS[:1])
    before = path.read_bytes()
    out = RowsOut(path)
    many = [Row(str(i), {"q": "x" * 100}) for i in range(500)]
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, hard))
    try:
        with pytest.raises(OSError, match="too large"):
            out.finish(lambda: many)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert path.read_bytes() == before
    out.close()
    assert [p.name for p in tmp_path.iterdir()] == ["out.jsonl"]
