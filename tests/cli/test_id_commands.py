"""`waggle id`: keys are made, listed and shown; a secret only to a person who asks for it twice."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
from typer.testing import Result

from waggledance.mesh import load_key

Waggle = Callable[..., Result]
RUN = [sys.executable, "-c", "import sys; sys.argv[0] = 'waggle'; from waggledance.cli import main; main()"]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("WAGGLEDANCE_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture
def waggle(waggle: Waggle) -> Waggle:
    """Return what runs `waggle id …`."""
    return partial(waggle, "id")


def secret_of(file: Path) -> str:
    return file.read_text().split()[-1]


def test_a_new_key_is_listed_shown_and_exported_by_its_public_half_alone(waggle: Waggle, home: Path) -> None:
    made = waggle("new", "alice", "--json")
    row = json.loads(made.stdout)
    file = home / "ids" / "alice.key"
    assert row == {"name": "alice", "key": load_key(file).peer.hex(), "file": str(file)}
    assert json.loads(waggle("list", "--json").stdout) == {"ids": [{"name": "alice", "key": row["key"]}]}
    assert json.loads(waggle("show", "--json").stdout) == row
    assert waggle("export", "alice").stdout == row["key"] + "\n"
    said = "".join(waggle(*words).output for words in (("list",), ("show", "alice"), ("export",), ("new", "alice")))
    assert secret_of(file) not in said + made.output


def test_the_first_key_needs_no_name_and_several_need_one(waggle: Waggle) -> None:
    assert "name  me" in waggle("new").stdout
    waggle("new", "alice")
    shown = waggle("show")
    assert shown.exit_code == 2
    assert "there are 2 keys, so say which: alice, me" in shown.stderr


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("show",), "there are no keys in"),
        (("export", "x"), "there are no keys in"),
        (("new", "../x"), "lower-case letters, digits and hyphens"),
        (("new", ""), "lower-case letters, digits and hyphens"),
    ],
)
def test_what_cannot_be_done_is_said_in_a_sentence(waggle: Waggle, words: tuple[str, ...], says: str) -> None:
    result = waggle(*words)
    assert (result.exit_code, result.stdout) == (2, "")
    assert says in result.stderr


def test_a_key_is_never_made_twice(waggle: Waggle, home: Path) -> None:
    waggle("new", "alice")
    before = (home / "ids" / "alice.key").read_bytes()
    again = waggle("new", "alice")
    assert again.exit_code == 2
    assert "it is there already" in again.stderr
    assert (home / "ids" / "alice.key").read_bytes() == before


def test_a_key_that_others_can_read_is_listed_as_refused_and_not_shown(waggle: Waggle, home: Path) -> None:
    waggle("new", "alice")
    (home / "ids" / "alice.key").chmod(0o644)
    listed = waggle("list")
    assert listed.exit_code == 0
    assert "not used: others can read it (mode 0644)" in listed.stdout
    shown = waggle("show", "alice", "--json")
    assert shown.exit_code == 2
    assert "chmod 600" in json.loads(shown.stdout)["error"]["says"]


def test_a_program_does_not_get_the_secret(waggle: Waggle, home: Path) -> None:
    waggle("new", "alice")
    result = waggle("export", "alice", "--secret")
    assert result.exit_code == 2
    assert "only for a person at a terminal" in result.stderr
    assert secret_of(home / "ids" / "alice.key") not in result.output


@pytest.mark.parametrize(("typed", "code"), [("alice\n", 0), ("yes\n", 2), ("\n", 2)])
def test_a_person_types_the_name_to_see_the_secret(waggle: Waggle, home: Path, typed: str, code: int) -> None:
    waggle("new", "alice")
    file = home / "ids" / "alice.key"
    theirs, ours = pty.openpty()
    os.write(theirs, typed.encode())
    ran = subprocess.run(
        [*RUN, "id", "export", "alice", "--secret"], stdin=ours, capture_output=True, text=True, timeout=60, check=False
    )
    os.close(theirs)
    os.close(ours)
    assert ran.returncode == code
    assert ran.stdout == (file.read_text() if code == 0 else "")
    assert secret_of(file) not in ran.stderr
