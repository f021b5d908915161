"""What fits on a terminal, and what a pipe gets."""

from __future__ import annotations

import io
from typing import Any

import pytest
from rich.console import Console

from waggledance.cli import _printing

NAMES = ("channel", "asked", "rule", "question")
ROWS = [("q1-9b0c34", "2026-11-22 07:17", "majority", "A farmer has 17 sheep. All but 9 run away. How many are left?")]


def at_width(width: int, monkeypatch: pytest.MonkeyPatch) -> io.StringIO:
    written = io.StringIO()

    def terminal(_stream: Any) -> Console:
        return Console(file=written, width=width, force_terminal=False, highlight=False)

    monkeypatch.setattr(_printing, "terminal", terminal)
    return written


def test_a_table_leaves_spare_columns_out_before_it_breaks_a_name(monkeypatch: pytest.MonkeyPatch) -> None:
    written = at_width(56, monkeypatch)
    _printing.print_table(NAMES, ROWS, spare=("rule", "asked"))
    shown = written.getvalue()
    assert "q1-9b0c34" in shown
    assert "2026-11-22 07:17" in shown
    assert "majority" not in shown
    assert max(map(len, shown.splitlines())) <= 56


def test_a_table_with_room_shows_every_column_in_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    written = at_width(120, monkeypatch)
    _printing.print_table(NAMES, ROWS, spare=("rule", "asked"))
    assert "majority" in written.getvalue()
    assert len(written.getvalue().splitlines()) == 2


def test_a_pipe_gets_every_column(capsys: pytest.CaptureFixture[str]) -> None:
    _printing.print_table(NAMES, ROWS, spare=("rule", "asked"))
    assert capsys.readouterr().out == "\t".join(ROWS[0]) + "\n"


def test_a_table_without_rows_has_its_header_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    written = at_width(80, monkeypatch)
    _printing.print_table(NAMES, [], spare=("rule",))
    assert "channel" in written.getvalue()


def test_a_long_line_breaks_between_words_and_goes_on_under_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    written = at_width(40, monkeypatch)
    _printing.print_lines([[("note: ", ""), ("nobody judged two different answers, so the majority decided", "")]])
    assert written.getvalue().splitlines() == [
        "note: nobody judged two different",
        "      answers, so the majority decided",
    ]


@pytest.mark.parametrize("line", ["replay waggle replay q10-9b0c34" + "x" * 40, "def f():\n    return " + "x" * 60])
def test_what_people_copy_is_not_broken(line: str, monkeypatch: pytest.MonkeyPatch) -> None:
    written = at_width(30, monkeypatch)
    _printing.print_lines([[("", ""), (line, "")]])
    assert written.getvalue().rstrip("\n") == line
