"""Where entries stand, compared with files whose lines were counted by hand."""

from __future__ import annotations

import tomllib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from waggledance.cli._toml_lines import line_of

FILE = '''# a swarm
[ask]
peers = 3
"model" = [
  "a",  # peers = 9
  "b",
]
rule = """
protocol = 1
[budget]
"""
protocol = "vote"

[models."my.own"]
kind = "openai"
headers = { A = "1", B = "2" }

[[peers]]
name = "ada"
[[peers]]
name = "ben"
temperature = 0.1
[log]
keep = true
'''


@pytest.mark.parametrize(
    ("path", "line"),
    [
        (("ask",), 2),
        (("ask", "peers"), 3),
        (("ask", "model"), 4),
        (("ask", "model", 1), 4),
        (("ask", "protocol"), 12),
        (("models", "my.own", "kind"), 15),
        (("models", "my.own", "headers", "B"), 16),
        (("peers", 0, "name"), 19),
        (("peers", 1), 20),
        (("peers", 1, "temperature"), 22),
        (("peers", 1, "persona"), 20),
        (("log", "keep"), 24),
        (("budget", "tokens"), None),
    ],
)
def test_an_entry_is_found_on_its_own_line(path: tuple[str | int, ...], line: int | None) -> None:
    assert line_of(FILE, path) == line


def test_a_dotted_key_is_found_by_its_parts() -> None:
    assert line_of("\nask.peers = 2\nask.'rule' = 'x'\n", ("ask", "rule")) == 3


keys = st.text("ab-_ .[]\"'=#", min_size=1, max_size=4)


@given(tables=st.lists(st.tuples(keys, keys), unique_by=lambda pair: pair[0], max_size=6))
def test_every_key_of_any_file_is_found_on_the_line_it_was_written_to(tables: list[tuple[str, str]]) -> None:
    def quoted(key: str) -> str:
        return '"' + key.replace("\\", "\\\\").replace('"', '\\"') + '"'

    text = "".join(f"[{quoted(table)}]\n{quoted(key)} = '= # [x]'\n" for table, key in tables)
    read: dict[str, Any] = tomllib.loads(text)
    assert set(read) == {table for table, _ in tables}
    for i, (table, key) in enumerate(tables):
        assert line_of(text, (table,)) == 2 * i + 1
        assert line_of(text, (table, key)) == 2 * i + 2
