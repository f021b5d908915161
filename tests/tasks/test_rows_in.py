"""Rows come from files and pipes; what is no row ends with its reason, and the others go on."""

from __future__ import annotations

import asyncio
import os
import threading
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from waggledance.core import UsageError
from waggledance.tasks import Row, piped_rows, read_rows
from waggledance.tasks._row_lines import RowLines


def read(path: Path, content: str | bytes, **how: Any) -> list[Any]:
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return [shown(item) for item in read_rows(path, **how)]


def shown(item: Any) -> Any:
    return (item.id, item.failure.reason) if isinstance(item, Row) and item.failure else item


def test_lines_of_json_are_rows_and_bad_ones_say_what_is_wrong(tmp_path: Path) -> None:
    lines = b'\xef\xbb\xbf{"a": 1}\n\n  \n{"a": \n[1, 2]\n"x"\n{"a": "\xff"}\n{"a": NaN}\n{"a": 2}\r\n{"a": 3}'
    rows = read(tmp_path / "in.jsonl", lines)
    assert [row for row in rows if isinstance(row, dict)] == [{"a": 1}, {"a": 2}, {"a": 3}]
    bad: list[tuple[str, str]] = [row for row in rows if not isinstance(row, dict)]
    assert [name for name, _ in bad] == ["line 4", "line 5", "line 6", "line 7", "line 8"]
    assert bad[0][1].startswith("it is no JSON: ")
    assert bad[1][1].startswith("it is no JSON object")


def test_a_line_that_is_too_large_is_refused_and_not_held(tmp_path: Path) -> None:
    long = '{"a": "' + "x" * 300_000 + '"}'
    rows = read(tmp_path / "in.jsonl", f'{{"a": 1}}\n{long}\n{{"a": 2}}\n{long}', max_bytes=200_000)
    assert rows[0] == {"a": 1}
    assert rows[1] == ("line 2", "it has more than 200,000 bytes")
    assert rows[2] == {"a": 2}
    assert rows[3] == ("line 4", "it has more than 200,000 bytes")


def test_deeply_nested_json_is_refused_and_not_fatal(tmp_path: Path) -> None:
    [row] = read(tmp_path / "in.jsonl", "[" * 100_000)
    assert row[0] == "line 1"


@given(st.lists(st.binary(max_size=30).map(lambda line: line.replace(b"\n", b"")), max_size=8), st.integers(1, 9))
@settings(max_examples=60)
def test_it_does_not_matter_in_which_pieces_lines_come(lines: list[bytes], size: int) -> None:
    whole = b"\n".join(lines)
    pieces = [whole[i : i + size] for i in range(0, len(whole), size)]

    def rows(pieces: list[bytes]) -> list[Any]:
        feed = RowLines(20)
        return [shown(item) for piece in pieces for item in feed.feed(piece)] + [shown(item) for item in feed.end()]

    assert rows(pieces) == rows([whole])


def test_csv_rows_are_texts_by_the_names_of_the_header(tmp_path: Path) -> None:
    table = '\ufeffid,question\n1,"What, ""really""?\nYes."\n2\n3,b,c\n\n4,d\n'
    assert read(tmp_path / "in.csv", table) == [
        {"id": "1", "question": 'What, "really"?\nYes.'},
        ("line 4", "it has 1 fields, the header 2"),
        ("line 5", "it has 3 fields, the header 2"),
        {"id": "4", "question": "d"},
    ]


def test_csv_that_is_not_utf8_or_too_large_is_refused_by_the_row(tmp_path: Path) -> None:
    table = b"a,b\n1,\xff\n2," + b"x" * 500 + b"\n3,fine\n"
    assert read(tmp_path / "in.csv", table, max_bytes=400) == [
        ("line 2", "it is not UTF-8"),
        ("line 3", "it has more than 400 bytes"),
        {"a": "3", "b": "fine"},
    ]


@pytest.mark.parametrize(("content", "says"), [("", "no header"), ("a,b,a\n", "names 'a' twice")])
def test_a_csv_without_a_header_that_can_be_used_is_refused(tmp_path: Path, content: str, says: str) -> None:
    with pytest.raises(UsageError, match=says):
        read(tmp_path / "in.csv", content)


def test_parquet_rows_keep_their_types(tmp_path: Path) -> None:
    duckdb = pytest.importorskip("duckdb")
    path = tmp_path / "in.parquet"
    with duckdb.connect() as database:
        database.sql("SELECT 1 AS id, 'x' AS q, [1.5, 2] AS l, NULL AS n, 'ab'::BLOB AS b").write_parquet(str(path))
    assert list(read_rows(path)) == [{"id": 1, "q": "x", "l": [1.5, 2.0], "n": None, "b": "YWI="}]


@pytest.mark.parametrize(
    ("name", "says"),
    [("in.txt", "ends in none of"), ("missing.jsonl", "no such file"), ("missing.csv", "no such file")],
)
def test_a_file_that_is_missing_or_of_another_kind_is_refused_at_once(tmp_path: Path, name: str, says: str) -> None:
    with pytest.raises(UsageError, match=says):
        read_rows(tmp_path / name)


def test_a_folder_and_a_parquet_file_that_is_none_are_refused_at_once(tmp_path: Path) -> None:
    pytest.importorskip("duckdb")
    (tmp_path / "folder.jsonl").mkdir()
    (tmp_path / "no.parquet").write_text("PAR?")
    for name, says in (("folder.jsonl", "folder"), ("no.parquet", "no Parquet that can be read")):
        with pytest.raises(UsageError, match=says):
            read_rows(tmp_path / name)


async def test_rows_come_through_a_pipe_as_they_are_written_and_the_loop_goes_on_meanwhile() -> None:
    out, into = os.pipe()
    got, first = list[Any](), threading.Event()

    def write() -> None:
        os.write(into, b'{"n": 1}\n{"n"')
        first.wait(10)
        os.write(into, b": 2}\nno\n")
        os.close(into)

    threading.Thread(target=write).start()
    async for item in piped_rows(out):
        got.append(shown(item))
        first.set()
    os.close(out)
    assert got[:2] == [{"n": 1}, {"n": 2}]
    assert got[2][0] == "line 3"


async def test_a_pipe_is_read_ahead_by_so_much_and_no_more() -> None:
    out, into = os.pipe()
    written = 0
    line = b'{"a": "' + b"x" * 1000 + b'"}\n'

    def write() -> None:
        nonlocal written
        try:
            while True:
                written += os.write(into, line)
        except OSError:
            return

    writer = threading.Thread(target=write)
    writer.start()
    rows = piped_rows(out)
    for _ in range(3):
        await anext(rows)
    before = -1
    while before != written:
        before = written
        await asyncio.sleep(0.05)
    assert written < 1 << 20
    os.close(out)
    await rows.aclose()


def test_a_quote_that_is_not_closed_names_the_lines_that_it_took(tmp_path: Path) -> None:
    (tmp_path / "in.csv").write_text('id,q\na,x\nb,"never\nc,y\nd,z\n')
    first, lost = read_rows(tmp_path / "in.csv")
    assert first == {"id": "a", "q": "x"}
    assert isinstance(lost, Row)
    assert lost.failure is not None
    assert lost.id == "line 3"
    assert "up to line 5; is there a quote that is not closed?" in lost.failure.reason
