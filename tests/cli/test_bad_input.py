"""What strangers type and what lies about: each gives a sentence and an exit code, and leaves nothing behind."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import Result

Waggle = Callable[..., Result]


@pytest.mark.parametrize("seed", [2**63, -(2**63) - 1, 10**30])
def test_a_seed_that_fits_into_no_message_is_refused(waggle: Waggle, seed: int) -> None:
    said = waggle("ask", "q?", "--model", "scripted:4", "--seed", str(seed))
    assert said.exit_code == 2
    assert "a seed lies between" in said.output


def test_a_log_that_is_not_there_is_not_made_by_repairing_it(waggle: Waggle, tmp_path: Path) -> None:
    said = waggle("log", "repair", "--log", "none.db")
    assert said.exit_code == 2
    assert "there is no log at none.db: ask something first" in said.output
    assert list(tmp_path.iterdir()) == []


def test_a_folder_is_no_log(waggle: Waggle, tmp_path: Path) -> None:
    (tmp_path / "logs").mkdir()
    said = waggle("log", "list", "--log", "logs")
    assert said.exit_code == 2
    assert "logs is a folder, no log: name the file in it with --log, as in logs/log.db" in said.output


@pytest.mark.parametrize("rows", ["none.jsonl", "none", "folder.jsonl", "empty.csv"])
def test_rows_that_cannot_be_read_leave_no_journal_behind(waggle: Waggle, tmp_path: Path, rows: str) -> None:
    (tmp_path / "plan.yaml").write_text('name: p\nmodel: "scripted:4"\nsteps: {draft: {prompt: "{question}"}}\n')
    (tmp_path / "folder.jsonl").mkdir()
    (tmp_path / "empty.csv").write_text("")
    said = waggle("run", "plan.yaml", "--rows", rows, "--out", "out.jsonl")
    assert said.exit_code == 2
    assert "waggle: rows" in said.output
    assert [path.name for path in tmp_path.glob("out*")] == []


def test_a_folder_in_the_place_of_a_recipe_is_said_without_pythons_words(waggle: Waggle, tmp_path: Path) -> None:
    (tmp_path / "own.yaml").mkdir()
    said = waggle("team", "show", "--recipe", "own.yaml")
    assert said.exit_code == 2
    assert "the recipe own.yaml cannot be read: is a directory" in said.output


def test_nothing_to_remember_is_refused_with_an_example(waggle: Waggle, tmp_path: Path) -> None:
    said = waggle("memory", "add", "  ")
    assert said.exit_code == 2
    assert "there is nothing to remember" in said.output
    assert not (tmp_path / ".local").exists()


def test_a_parameter_of_the_protocol_among_an_arms_options_is_put_where_it_belongs(waggle: Waggle) -> None:
    said = waggle(
        "lab", "compare", "--arm", "debate rounds=1", "--data", "q.jsonl", "--out", "o", "--model", "scripted:4"
    )
    assert said.exit_code == 2
    assert "write debate(rounds=1)" in said.output


def test_a_bank_without_answers_says_what_writes_one(waggle: Waggle, tmp_path: Path) -> None:
    (tmp_path / "bank.jsonl").write_text("")
    said = waggle("ask", "q?", "--model", "recorded:bank.jsonl")
    assert said.exit_code == 2
    assert "bank.jsonl holds no recorded answers; `waggle lab record`" in said.output


def test_a_place_that_cannot_be_used_gives_a_sentence_and_the_exit_code_of_files(
    waggle: Waggle, tmp_path: Path
) -> None:
    (tmp_path / "q.jsonl").write_text('{"question": "2+2?", "answer": "4"}\n')
    (tmp_path / "file").write_text("")
    said = waggle("lab", "compare", "--arm", "vote", "--data", "q.jsonl", "--out", "file/o", "--model", "scripted:4")
    assert said.exit_code == 74
    assert "file/o cannot be used: not a directory. Name another place" in said.output


@pytest.mark.parametrize("words", [("\udcff?",), ("Which?", "--option", "the \udcff", "--option", "b")])
def test_bytes_that_are_no_characters_are_said_and_not_a_bug(waggle: Waggle, words: tuple[str, ...]) -> None:
    said = waggle("ask", *words, "--model", "scripted:4")
    assert said.exit_code == 2
    assert "UTF-8" in said.output


def test_a_damaged_log_is_mended_when_it_is_written_and_that_is_said(
    waggle: Waggle, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    assert waggle("ask", "q?", "--model", "scripted:4", "--log", "cut.db").exit_code == 0
    file = tmp_path / "cut.db"
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])
    said = waggle("ask", "q?", "--model", "scripted:4", "--log", "cut.db")
    assert said.exit_code == 0
    assert (tmp_path / "cut.db.damaged-1").exists()
    assert caplog.text.count("cut.db is damaged") == 1
    assert caplog.text.count("The intact part was kept") == 1
    assert "The intact part was kept" not in said.output


@pytest.mark.parametrize(
    ("words", "kind"),
    [
        (("ask", "--protocl", "vote", "q?"), "NoSuchOption"),
        (("ask", "--peers", "many", "q?"), "BadParameter"),
        (("ask",), "MissingParameter"),
        (("log", "show", "q1", "q2"), "UsageError"),
        (("asc", "q?"), "UsageError"),
        (("ask", "--protocol", "vote", "--rounds", "2", "q?", "--model", "scripted:4"), "UsageError"),
    ],
)
def test_a_mistake_in_what_was_typed_is_one_json_object_for_programs(
    waggle: Waggle, words: tuple[str, ...], kind: str
) -> None:
    said = waggle(*words, "--json")
    error = json.loads(said.stdout)["error"]
    assert (said.exit_code, error["exit_code"], error["kind"]) == (2, 2, kind)
    assert error["says"].splitlines()[0] in said.stderr
    assert waggle(*words).stdout == ""


def test_a_file_that_cannot_be_written_is_told_to_programs_too(waggle: Waggle, tmp_path: Path) -> None:
    (tmp_path / "home").write_text("in the way of a folder\n")
    said = waggle("id", "new", "ada", "--json")
    assert said.exit_code == 74
    assert json.loads(said.stdout)["error"]["says"] in said.stderr


@pytest.mark.parametrize("question", ["-5 + 3?", "-3", "-x is 2, what is x?"])
def test_a_question_that_begins_with_a_minus_is_a_question(waggle: Waggle, question: str) -> None:
    said = waggle("ask", question, "--seed", "-5", "--model", "scripted:4", "--json", "-q")
    assert said.exit_code == 0, said.output
    assert json.loads(said.stdout)["question"] == question
    assert json.loads(waggle("log", "list", "--json").stdout)["channels"][0]["question"] == question


@pytest.mark.parametrize("words", [("-x", "q?"), ("--protocol vote", "q?"), ("-5 + 3?", "-6?"), ("-5 + 3?", "q?")])
def test_what_may_be_a_mistyped_flag_is_not_taken_for_a_question(waggle: Waggle, words: tuple[str, ...]) -> None:
    said = waggle("ask", *words, "--model", "scripted:4")
    assert said.exit_code == 2
    assert "Usage: " in said.stderr


def test_a_door_whose_package_is_missing_is_said_before_a_model_is_fetched(
    waggle: Waggle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def nowhere(_name: str) -> None: ...

    monkeypatch.setattr("waggledance.gateways._mcp_gateway.find_spec", nowhere)
    said = waggle("mcp", "--no-log")
    assert said.exit_code == 3
    assert "needs the package mcp" in said.stderr
    assert list(tmp_path.iterdir()) == []
