"""`waggle log fork` and `waggle lab debug`, in this process."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import Result

Waggle = Callable[..., Result]


@pytest.fixture
def asked(waggle: Waggle) -> str:
    """A debate of three that ends with 5, and its channel's name."""
    scripted = "scripted:Answer: 4|Answer: 5|Answer: 5|Answer: 5|Answer: 5|Answer: 4"
    done = waggle("ask", "2+2?", "--peers", "3", "--model", scripted, "--protocol", "debate", "--rounds", "1", "-q")
    assert done.exit_code == 0, done.output
    [channel] = json.loads(waggle("log", "list", "--json").stdout)["channels"]
    return str(channel["channel"])


def first_answer(waggle: Waggle, channel: str) -> str:
    lines = [json.loads(line) for line in waggle("log", "show", channel, "--json").stdout.splitlines()]
    return str(next(line["id"] for line in lines if line["kind"] == "proposal/1"))


def plain(result: Result) -> dict[str, Any]:
    assert result.exit_code == 0, result.output
    found: dict[str, Any] = json.loads(result.stdout)
    return found


def test_a_dropped_message_makes_a_fork_that_is_listed_and_decided_again(waggle: Waggle, asked: str) -> None:
    made = waggle("log", "fork", asked, "--drop", first_answer(waggle, asked)[:12], "--with", "scripted:Answer: 7")
    assert made.exit_code == 0, made.output
    assert "now: 7" in made.stdout
    assert "2 calls made anew, 4 answered from the record" in made.stdout
    listed = json.loads(waggle("log", "list", "--json").stdout)["channels"]
    assert [line["forked_from"] for line in listed] == ["", asked]
    again = waggle("replay", listed[1]["channel"])
    assert "the same decision as then" in again.stdout


def test_without_a_change_the_fork_is_exact_and_takes_no_call(waggle: Waggle, asked: str) -> None:
    made = plain(waggle("log", "fork", asked, "--live", "never", "--json"))
    assert made["exact"] is True
    assert made["calls"] == {"live": 0, "recorded": 6}
    assert made["changed"] == []


def test_other_words_another_model_a_peer_less_and_another_rule(waggle: Waggle, asked: str) -> None:
    id = first_answer(waggle, asked)
    reworded = plain(waggle("log", "fork", asked, "--replace", f"{id}=Answer: 9", "--with", "scripted:9", "--json"))
    assert {"do": "replace", "id": id, "text": "Answer: 9"} in reworded["edits"]
    swapped = plain(waggle("log", "fork", asked, "--model", "ada=scripted:8", "--with", "scripted:8", "--json"))
    assert swapped["decision"]["answer"] == "8"
    less = plain(waggle("log", "fork", asked, "--without", "ada", "--with", "scripted:5", "--json"))
    assert len(less["decision"]["support"]) == 1
    ruled = plain(waggle("log", "fork", asked, "--rule", "confidence", "--live", "never", "--json"))
    assert ruled["decision"]["rule"] == "confidence"


@pytest.mark.parametrize("words", [("log", "fork", "q1"), ("lab", "debug", "q1", "--right", "4")])
def test_a_log_that_is_not_there_is_not_made_by_forking_it(
    waggle: Waggle, tmp_path: Path, words: tuple[str, ...]
) -> None:
    said = waggle(*words, "--log", "none.db")
    assert said.exit_code == 2
    assert "there is no log at none.db: ask something first" in said.output
    assert list(tmp_path.iterdir()) == []


def test_a_missing_record_ends_with_3_and_leaves_nothing_behind(waggle: Waggle, asked: str) -> None:
    made = waggle("log", "fork", asked, "--drop", first_answer(waggle, asked), "--live", "never")
    assert made.exit_code == 3
    assert "the record does not say what" in made.stderr
    assert len(json.loads(waggle("log", "list", "--json").stdout)["channels"]) == 1


@pytest.mark.parametrize(
    ("flags", "says"),
    [
        (("--drop", "xyz"), "at least 4 hexadecimal digits"),
        (("--drop", "0000"), "0 messages of the channel begin with"),
        (("--replace", "abcd"), "takes ID=TEXT"),
        (("--model", "ada"), "takes PEER=SPEC"),
        (("--without", "adda"), "did you mean 'ada'?"),
        (("--live", "always"), "--live is never, needed, after"),
        (("--live", "after"), "say which with `at`"),
    ],
)
def test_what_cannot_be_changed_is_refused_with_the_reason(
    waggle: Waggle, asked: str, flags: tuple[str, ...], says: str
) -> None:
    made = waggle("log", "fork", asked, *flags)
    assert made.exit_code == 2
    assert says in made.stderr


def test_a_channel_is_named_by_its_beginning_though_it_has_forks(waggle: Waggle, asked: str) -> None:
    for _ in range(2):
        assert waggle("log", "fork", "q1", "--live", "never").exit_code == 0
    assert waggle("log", "show", "q1").exit_code == 0


def test_a_wrong_run_is_debugged_to_a_tree(waggle: Waggle, asked: str) -> None:
    found = waggle("lab", "debug", asked, "--right", "4", "--with", "scripted:Answer: 5", "--replays", "3")
    assert found.exit_code == 0, found.output
    assert "control" in found.stdout
    tree = plain(waggle("lab", "debug", asked, "--right", "4", "--with", "scripted:Answer: 5", "--json"))
    assert tree["replays"] <= 6
    assert tree["control"]["turned"] == 0
    id = first_answer(waggle, asked)
    mended = waggle("lab", "debug", asked, "--right", "4", "--with", "scripted:4", "--mend", f"{id}=Answer: 4")
    assert mended.exit_code == 0, mended.output
    assert waggle("lab", "debug", asked, "--right", "5", "--with", "scripted:5").exit_code == 2
