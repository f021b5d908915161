"""`waggle memory`: what is added is found, shown and forgotten."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial

import pytest
from typer.testing import Result

Waggle = Callable[..., Result]


@pytest.fixture
def waggle(waggle: Waggle) -> Waggle:
    """Return what runs `waggle memory …`."""
    return partial(waggle, "memory")


def test_what_is_added_is_found_shown_and_forgotten(waggle: Waggle) -> None:
    id = waggle("add", "spare key", "with the porter").stdout.strip()
    waggle("add", "lunch", "-", "--sort", "plan", stdin="at noon\n")
    found = json.loads(waggle("search", "where is the key?", "--json").stdout)["found"]
    assert [found[0]["key"], found[0]["text"], found[0]["scope"]] == ["spare key", "with the porter", "private"]
    assert "spare key" in waggle("search", "key", "-k", "1").stdout
    assert "lunch" not in waggle("search", "lunch", "--sort", "finding").stdout
    assert "with the porter" in waggle("show", id).stdout
    assert json.loads(waggle("show", id, "--json").stdout)["id"].startswith(id)
    assert len(json.loads(waggle("show", "--json").stdout)["records"]) == 2
    assert "lunch" in waggle("show").stdout
    assert "forgotten: spare key" in waggle("forget", id).stdout
    assert waggle("search", "porter", "--mode", "words").stdout == ""
    assert waggle("show", id).exit_code == 2


def test_a_query_with_operators_and_a_text_with_escapes_do_no_harm(waggle: Waggle) -> None:
    waggle("add", "colour\x1b[31m", "red\x1b[0m")
    assert waggle("search", 'NEAR("colour" AND *', "--mode", "words").exit_code == 0
    assert "\x1b" not in waggle("show").stdout


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("search", "x"), "no memory"),
        (("show",), "no memory"),
        (("add", " "), "nothing to remember"),
        (("add", "k", "t" * 8_001), "8,000"),
        (("add", "k", "--sort", "No Name"), "sort"),
    ],
)
def test_what_cannot_be_is_said_and_exits_with_2(waggle: Waggle, words: tuple[str, ...], says: str) -> None:
    result = waggle(*words)
    assert result.exit_code == 2
    assert says in result.stderr


def test_unknown_ids_modes_and_ids_of_several_are_refused(waggle: Waggle) -> None:
    for number in range(17):
        waggle("add", f"record {number}")
    assert "there is no record" in waggle("forget", "zz").stderr
    assert "hybrid" in waggle("search", "x", "--mode", "hybrids").stderr
    assert any("give more digits" in waggle("show", digit).stderr for digit in "0123456789abcdef")
