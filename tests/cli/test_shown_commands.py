"""Every command that the README and the docs show is one that can be typed: the command and all its flags are there."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command

from waggledance.cli._app import app

WAGGLE = get_command(app)
ROOT = Path(__file__).parents[2]
PAGES = sorted(page for page in (ROOT / "README.md", *(ROOT / "docs").rglob("*.md")) if page.name != "cli.md")
_FENCED = re.compile(r"^```(?:console|bash|sh|text)?[^\n]*\n(.*?)^```", re.DOTALL | re.MULTILINE)
_TYPED = re.compile(r"^(?:\w*\$ +)?(?:[A-Z_]+=\S+ +)*(?:\./)?waggle +(?=[a-z-])(.*)$")


def shown(text: str) -> Iterator[str]:
    """Yield what follows ``waggle`` in each command of a page; a line that ends in a backslash goes on."""
    for block in _FENCED.findall(text):
        for line in re.sub(r"\\\n\s*", " ", block).splitlines():
            if typed := _TYPED.match(line):
                yield typed[1]


def words_of(line: str) -> list[str]:
    """Return the words of a command, without a comment, a pipe or a placeholder's dots."""
    words = shlex.split(line.partition("  #")[0], comments=True)
    end = next((at for at, word in enumerate(words) if word in ("|", ">", ">>", "&", "&&", ";")), len(words))
    return words[:end]


def wrong_in(words: list[str]) -> str:
    """Return the first word that no command knows; empty when all are known."""
    command: Any = WAGGLE
    at = 0
    while hasattr(command, "commands") and at < len(words) and not words[at].startswith("-"):
        if words[at] not in command.commands:
            return words[at]
        command, at = command.commands[words[at]], at + 1
    known = {flag for param in command.params for flag in (*param.opts, *param.secondary_opts)} | {"--help", "-h"}
    known |= {"--version", "--install-completion", "--show-completion"}
    return next((word for word in words[at:] if re.match(r"--?[a-z]", word) and word.split("=")[0] not in known), "")


@pytest.mark.parametrize("page", PAGES, ids=[str(page.relative_to(ROOT)) for page in PAGES])
def test_a_shown_command_and_its_flags_are_there(page: Path) -> None:
    lines = [line for line in shown(page.read_text()) if not line.startswith(("test", "waggle-invite"))]
    assert [(line, wrong) for line in lines if (wrong := wrong_in(words_of(line)))] == []


def test_the_pages_show_many_commands() -> None:
    assert sum(len(list(shown(page.read_text()))) for page in PAGES) > 80


@pytest.mark.parametrize(
    ("line", "wrong"), [("aks q", "aks"), ("ask --peer 5 q", "--peer"), ("log fork q1 --dropp", "--dropp")]
)
def test_a_command_that_is_not_there_is_found(line: str, wrong: str) -> None:
    assert wrong_in(words_of(line)) == wrong
