import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from waggledance.cli._app import app

runner = CliRunner()


@pytest.fixture
def questions(tmp_path: Path) -> Path:
    path = tmp_path / "sums.jsonl"
    path.write_text(
        "".join(json.dumps({"id": f"s{i}", "question": f"{i} + {i} = ?", "answer": 2 * i}) + "\n" for i in range(9))
    )
    return path


def record(questions: Path, out: Path, *args: str) -> list[str]:
    return ["lab", "record", "--model", "scripted:Answer: 4|Answer: 6|Answer: 8", "--data", str(questions),
            "--out", str(out), "--samples", "3", "--tasks", "6", *args]  # fmt: skip


def test_a_recorded_bank_can_be_predicted_from_and_compared_on(questions: Path, tmp_path: Path) -> None:
    bank = tmp_path / "bank.jsonl"
    result = runner.invoke(app, record(questions, bank, "--judgements", "2", "--json"))
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout)["written"] >= 18
    again = runner.invoke(app, record(questions, bank, "--judgements", "2"))
    assert "0 lines added; it holds 18 answers" in again.stdout
    said = runner.invoke(app, ["lab", "predict", "--data", str(questions), "--bank", str(bank), "--probes", "4"])
    assert said.exit_code == 0, said.output
    assert said.stdout.startswith("sums, 3 samples of scripted; probe of 4 questions with keys")


def test_progress_goes_to_stderr_and_quiet_says_nothing(questions: Path, tmp_path: Path) -> None:
    loud = runner.invoke(app, record(questions, tmp_path / "a.jsonl"))
    assert "answers a minute" in loud.stderr
    assert "0 to come" in loud.stderr
    assert runner.invoke(app, record(questions, tmp_path / "b.jsonl", "--quiet")).stderr == ""


def test_other_settings_for_the_same_bank_are_refused(questions: Path, tmp_path: Path) -> None:
    bank = tmp_path / "bank.jsonl"
    assert runner.invoke(app, record(questions, bank)).exit_code == 0
    result = runner.invoke(app, record(questions, bank, "--temperature", "0.1"))
    assert (result.exit_code, "temperature 0.7 there, 0.1 now" in result.stderr) == (2, True)


def test_two_questions_of_one_name_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "twice.jsonl"
    path.write_text('{"id": "a", "question": "1?", "answer": 1}\n{"id": "a", "question": "2?", "answer": 2}\n')
    result = runner.invoke(
        app, ["lab", "record", "--model", "scripted:4", "--data", str(path), "--out", str(tmp_path / "b")]
    )
    assert (result.exit_code, "two questions" in result.stderr) == (2, True)
