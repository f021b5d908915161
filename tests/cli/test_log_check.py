"""`waggle log check`, `waggle log trace` and `waggle ask --check`: what they print, and how they end."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from waggledance.cli._app import app
from waggledance.core import Channel, Cost, Log, Member, Opening, Proposal, Question, encode, local_peer_id, swarm_id


def run(*words: str | Path) -> Result:
    return CliRunner().invoke(app, [str(word) for word in words])


@pytest.fixture
def asked(tmp_path: Path) -> Path:
    """Return a log with a run that holds."""
    (tmp_path / "lines.txt").write_text("4\n" * 20)
    ended = run("ask", "2 + 2?", "--model", f"scripted:{tmp_path / 'lines.txt'}", "--log", tmp_path / "log.db", "-q",
                "--check", "--protocol", "debate")  # fmt: skip
    assert ended.exit_code in (0, 3), ended.output
    return tmp_path / "log.db"


@pytest.fixture
def broken(tmp_path: Path) -> Path:
    """Return a log in which ada votes twice."""
    channel, ada = Channel(swarm_id("t"), "q1-twice"), local_peer_id("ada")
    opening = Opening(question=Question(text="2 + 2?"), members=(Member(ada, "ada"),), protocol="vote")
    said = [channel.publish(local_peer_id("asker"), opening, [], 0)]
    said += [channel.publish(ada, Proposal(key=key, text=key, cost=Cost(calls=2)), said, 0) for key in "45"]
    with Log(tmp_path / "broken.db") as log:
        for message in said:
            log.append(message, encode(message))
    return tmp_path / "broken.db"


def test_a_log_that_keeps_its_contracts_says_so(asked: Path) -> None:
    ended = run("log", "check", "--log", asked)
    assert ended.exit_code == 0
    assert "12 contracts hold" in ended.output


def test_the_first_violating_step_is_named_and_who_made_it(broken: Path) -> None:
    ended = run("log", "check", "q1", "--log", broken)
    assert ended.exit_code == 3
    assert "vote-once: b3:" in ended.output
    assert "by ada: number 2 of proposal/1" in ended.output
    assert "first violating step: " in ended.output
    told = json.loads(run("log", "check", "--log", broken, "--json").stdout)
    [channel] = told["channels"]
    assert (told["holds"], channel["first"]) == (False, channel["violations"][0]["at"])
    assert channel["violations"][0]["by"] == "ada"


def test_contracts_budgets_and_grants_can_be_chosen(broken: Path) -> None:
    assert run("log", "check", "--log", broken, "--contract", "schema").exit_code == 0
    spent = run("log", "check", "--log", broken, "--contract", "spend", "--budget-calls", "3")
    assert "brings calls to 4, 3 allowed" in spent.output
    for wrong, why in (
        (("--contract", "shema"), "did you mean 'schema'"),
        (("--contract", "nowhere:x"), "cannot be had from 'nowhere'"),
        (("--grant", "ada"), "write --grant PEER=TOOL,TOOL"),
        (("q9",), "no channel 'q9'"),
    ):
        ended = run("log", "check", *wrong, "--log", broken)
        assert ended.exit_code == 2
        assert why in ended.output


def test_spans_are_printed_one_a_line(asked: Path) -> None:
    ended = run("log", "trace", "--to", "-", "--log", asked)
    assert ended.exit_code == 0
    spans = [json.loads(line) for line in ended.stdout.splitlines() if line.startswith("{")]
    assert any(span["name"].startswith("invoke_workflow") for span in spans)
    assert any(span["name"].startswith("chat ") for span in spans)
    assert "gen_ai.input.messages" not in ended.stdout
    assert "gen_ai.input.messages" in run("log", "trace", "--to", "-", "--prompts", "--log", asked).stdout


def test_an_address_or_a_header_that_says_nothing_is_refused(asked: Path) -> None:
    assert run("log", "trace", "--to", "nowhere", "--log", asked).exit_code == 2
    ended = run("log", "trace", "--to", "http://127.0.0.1:9", "--header", "key", "--log", asked)
    assert ended.exit_code == 2
    assert "--header NAME=VALUE" in ended.output


def test_a_mesh_is_checked_afterwards() -> None:
    ended = run("ask", "2 + 2?", "--mesh", "x", "--check")
    assert ended.exit_code == 2
    assert "afterwards" in ended.output


def test_a_log_of_a_later_program_is_not_guessed_at(broken: Path) -> None:
    with closing(sqlite3.connect(broken)) as file:
        file.execute("PRAGMA user_version = 99")
    ended = run("log", "check", "--log", broken)
    assert ended.exit_code == 2
    assert "99" in ended.output
