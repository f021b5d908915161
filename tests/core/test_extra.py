"""What to install where an optional package is missing."""

from __future__ import annotations

import shlex
import sys
from importlib.metadata import Distribution
from typing import Any

import pytest

from waggledance.core import with_extra


def installed_as(noted: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    def read_text(_self: Distribution, name: str) -> str | None:
        return noted if name == "direct_url.json" else ""

    monkeypatch.setattr("importlib.metadata.PathDistribution.read_text", read_text)


def test_a_copy_is_completed_by_name_with_the_python_that_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    installed_as(None, monkeypatch)
    why, _, command = with_extra("writing Parquet needs DuckDB", "parquet").partition(": ")
    assert why == "writing Parquet needs DuckDB"
    assert shlex.split(command) == [sys.executable, "-m", "pip", "install", "waggledance[parquet]"]


def test_a_checkout_is_completed_from_its_folder_whatever_it_is_called(monkeypatch: pytest.MonkeyPatch) -> None:
    installed_as('{"url": "file:///home/my%20bees/wd", "dir_info": {"editable": true}}', monkeypatch)
    command = with_extra("it needs Ray", "ray").partition(": ")[2]
    assert shlex.split(command)[-2:] == ["-e", "/home/my bees/wd[ray]"]


def test_where_there_is_no_pip_uv_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def nothing(_name: str) -> Any:
        return None

    monkeypatch.setattr("waggledance.core._extra.find_spec", nothing)
    installed_as(None, monkeypatch)
    command = with_extra("it needs Ray", "ray").partition(": ")[2]
    assert shlex.split(command)[:5] == ["uv", "pip", "install", "--python", sys.executable]
