"""What strangers type and what lies about: each gives a sentence and an exit code, and leaves nothing behind."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from waggledance.cli._app import app

Waggle = Callable[..., Result]


@pytest.fixture
def waggle(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Waggle:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("WAGGLE_LOG", str(tmp_path / "log.db"))
    monkeypatch.delenv("WAGGLE_CONFIG", raising=False)

    def run(*words: str) -> Result:
        result = CliRunner().invoke(app, list(words))
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result

    return run


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
