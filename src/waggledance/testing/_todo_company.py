"""Recorded answers of a software company that makes a to-do list for the command line: nothing is asked of a model."""

from __future__ import annotations

import json
import re

from waggledance.models import Request, Scripted
from waggledance.peers import Agent

_PLAYED = re.compile(r"You are the ([a-z ]+?) of a team")

REQUEST = "A to-do list for the command line: add, list, do. It keeps its items in a file."

_PROGRAM = """```python
import json
import sys
from pathlib import Path


def load(path: Path) -> list[dict[str, object]]:
    return json.loads(path.read_text()) if path.exists() else []


def save(path: Path, items: list[dict[str, object]]) -> None:
    path.write_text(json.dumps(items))


def add(items: list[dict[str, object]], text: str) -> list[dict[str, object]]:
    if not text.strip():
        raise ValueError("an item needs a text")
    return [*items, {"text": text.strip(), "done": False}]


def do(items: list[dict[str, object]], number: int) -> list[dict[str, object]]:
    if not 1 <= number <= len(items):
        raise IndexError(f"there is no item {number}")
    return [{**item, "done": True} if i == number else item for i, item in enumerate(items, 1)]


def lines(items: list[dict[str, object]]) -> list[str]:
    return [f"{i} [{'x' if item['done'] else ' '}] {item['text']}" for i, item in enumerate(items, 1)]


def main(args: list[str], path: Path = Path("todo.json")) -> int:
    items = load(path)
    match args:
        case ["add", *words]:
            save(path, add(items, " ".join(words)))
        case ["do", number]:
            save(path, do(items, int(number)))
        case ["list"]:
            print("\\n".join(lines(items)))
        case _:
            return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
```"""
_WRONG_PROGRAM = _PROGRAM.replace("1 <= number <= len", "0 <= number < len")
"""Off by one: the last item cannot be done."""

_TESTS = """import pytest

from result import add, do, lines, load, main, save


def test_an_item_is_added_at_the_end():
    assert [i["text"] for i in add(add([], "a"), "b")] == ["a", "b"]


def test_a_new_item_is_not_done():
    assert add([], "a") == [{"text": "a", "done": False}]


def test_an_item_without_text_is_refused():
    with pytest.raises(ValueError):
        add([], "  ")


def test_the_last_item_can_be_done():
    assert [i["done"] for i in do(add(add([], "a"), "b"), 2)] == [False, True]


@pytest.mark.parametrize("number", [0, 2])
def test_an_item_that_there_is_not_cannot_be_done(number):
    with pytest.raises(IndexError):
        do(add([], "a"), number)


def test_items_are_shown_with_number_and_mark():
    assert lines(do(add([], "a"), 1)) == ["1 [x] a"]


def test_a_list_comes_back_from_its_file(tmp_path):
    save(tmp_path / "l", add([], "a"))
    assert load(tmp_path / "l") == add([], "a")


def test_the_commands_work_together(tmp_path, capsys):
    assert [main(args, tmp_path / "l") for args in (["add", "tea"], ["do", "1"], ["list"], ["sing"])] == [0, 0, 0, 2]
    assert capsys.readouterr().out == "1 [x] tea\\n"
"""
ANSWERS = {
    "product manager": json.dumps({
        "goal": "keep track of what is to be done",
        "stories": ["add an item", "list items with number and mark", "mark an item as done"],
        "out_of_scope": ["several users", "dates"],
    }),
    "architect": json.dumps({"files": ["result.py"], "interfaces": [
        {"file": "result.py", "signature": signature, "does": does} for signature, does in {
            "add(items: list[dict], text: str) -> list[dict]": "Appends; ValueError if empty.",
            "do(items: list[dict], number: int) -> list[dict]": "Marks; IndexError if none.",
            "lines(items: list[dict]) -> list[str]": "One line an item.",
            "load(path: Path) -> list[dict]": "Reads; empty if there is no file.",
            "save(path: Path, items: list[dict]) -> None": "Writes.",
            "main(args: list[str], path: Path) -> int": "The exit code: 2 for an unknown command.",
        }.items()
    ]}),
    "project manager": json.dumps(["load and save", "add, do, lines", "main"]),
    "engineer": _WRONG_PROGRAM,
    "mender": _PROGRAM,
    "tester": _TESTS,
}  # fmt: skip
"""By role. The engineer's first program is wrong; the tests find it."""


def todo_company(peers: int = 5, *, delay_s: float = 0.0) -> list[Agent]:
    """Return peers who all know the recorded answers, and give the one that the role they play asks for.

    Args:
        peers: how many, ≥ 1.
        delay_s: how long each answer takes.
    """

    def answer(request: Request) -> str:
        return ANSWERS[_PLAYED.findall(request.turns[-1].text)[-1]]

    return [Agent(f"p{i}", Scripted(answer, delay_s=delay_s)) for i in range(peers)]
