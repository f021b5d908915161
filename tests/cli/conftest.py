"""Commands in this process, in a folder of their own where nothing of the user's is found."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from waggledance.cli._app import app

NOT_THE_USERS = (
    "OPENAI_API_KEY",
    "OPENAI_BASE_URL",
    "WAGGLEDANCE_DATA",
    "WAGGLE_CONFIG",
    "WAGGLE_MODEL",
    "WAGGLE_PEERS",
    "XDG_DATA_HOME",
)


@pytest.fixture
def waggle(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    """Return what runs a command by its words; a bug in it is raised."""
    monkeypatch.chdir(tmp_path)
    for name in NOT_THE_USERS:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("WAGGLE_LOG", str(tmp_path / "log.db"))
    monkeypatch.setenv("WAGGLE_MEMORY", str(tmp_path / "memory.db"))
    monkeypatch.setenv("WAGGLEDANCE_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("WAGGLEDANCE_MODELS", str(tmp_path / "models"))
    runner = CliRunner()

    def run(*words: str, stdin: str = "") -> Result:
        result = runner.invoke(app, list(words), input=stdin)
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result

    return run
