"""`waggle mesh find|card|reputation`, `ask --team`, `rollout`: what is refused, and all of it with processes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from waggledance.cli._app import app
from waggledance.core import UNIT, Member
from waggledance.mesh import Genesis, Home, new_key, verify_card

RUN = [sys.executable, "-c", "import sys; sys.argv[0] = 'waggle'; from waggledance.cli import main; main()"]
TEAMS = """
[prompts]
system = "Answer as one of a team."
[[probes]]
question = "Is it so?"
expects = "yes/no"
answer = "{right}"
"""


@pytest.fixture
def waggle(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    monkeypatch.setenv("WAGGLEDANCE_HOME", str(tmp_path / "home"))
    return lambda *words: CliRunner().invoke(app, list(words))


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("ask", "--team", "2", "2+2?"), "with --mesh"),
        (("ask", "--mesh", "bees", "--team", "2", "--certify", "2+2?"), "not by a team"),
        (("ask", "--mesh", "bees", "--skill", "sing", "2+2?"), "give --team"),
        (("ask", "--mesh", "bees", "--human", "2+2?"), "leave --human out"),
        (("ask", "--mesh", "bees", "--explain", "2+2?"), "leave --explain out"),
        (("ask", "--mesh", "bees", "--model", "embedded", "2+2?"), "leave --model out"),
        (("ask", "--mesh", "bees", "--temperature", "0", "2+2?"), "leave --temperature out"),
        (("ask", "--mesh", "bees", "--log", "own.db", "2+2?"), "leave --log out"),
        (("ask", "--certify", "2+2?"), "say which with --mesh"),
        (("ask", "--mesh", "bees", "--team", "0", "2+2?"), "--team"),
        (("mesh", "find", "somebody"), "none is known here"),
        (("mesh", "find", "--max-price", "-1"), "--max-price"),
        (("mesh", "card"), "no such peer"),
        (("mesh", "reputation"), "no such peer"),
        (("rollout", "status"), "no such peer"),
        (("rollout", "start", "missing.toml", "--kind", "prompts", "--to", "fast"), "cannot be read"),
        (("rollout", "start", "missing.toml", "--kind", "virus", "--to", "fast"), "'virus'"),
        (("rollout", "start", "missing.toml", "--kind", "data"), "--to"),
    ],
)
def test_what_makes_no_sense_is_refused_before_anything_is_sent(
    waggle: Callable[..., Result], words: tuple[str, ...], says: str
) -> None:
    refused = waggle(*words)
    assert refused.exit_code == 2
    assert says in refused.output


def test_a_peer_that_has_kept_nothing_has_neither_card_nor_reputation(waggle: Callable[..., Result]) -> None:
    home = Home()
    key = new_key(home.key_file("me"))
    home.keep_genesis(Genesis(name="bees", members=(Member(key.peer, "me", UNIT),)))
    home.peer("bees", "me").folder.mkdir()
    for words in (("mesh", "card"), ("mesh", "reputation"), ("rollout", "status")):
        refused = waggle(*words)
        assert refused.exit_code == 2
        assert "kept" in refused.output


class Members:
    """A swarm of two processes, alice and bob, each in a home of its own, and commands on alice's machine."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.running = folder, dict[str, subprocess.Popen[str]]()
        self.start(
            "alice", "--new", "bees", "--tag", "Fast", "--about", "I translate leases into French", "--price", "4"
        )
        [invite] = self.waggle("mesh", "invite", "bees", "--as", "alice", "--vote").split()
        self.start("bob", invite, "--tag", "fast", "--about", "I cook soup")

    def start(self, name: str, *words: str) -> None:
        command = [*RUN, "join", *words, "--as", name, "--skill", "talk", "--model", "scripted:Answer: yes"]
        self.running[name] = subprocess.Popen(command, env=self.env(name), stdout=subprocess.PIPE, text=True)
        out = self.running[name].stdout
        assert out is not None
        assert out.readline().startswith("swarm bees")
        deadline = time.monotonic() + 60
        while len(json.loads(self.run("mesh", "find", "--skill", "talk", "--json").stdout)["found"]) < len(
            self.running
        ):
            assert time.monotonic() < deadline, f"{name} is not found"
            time.sleep(0.2)

    def env(self, name: str) -> dict[str, str]:
        return {**os.environ, "WAGGLEDANCE_HOME": str(self.folder / name)}

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*RUN, *words], env=self.env("alice"), capture_output=True, text=True, timeout=90, check=False
        )

    def waggle(self, *words: str, code: int = 0) -> str:
        done = self.run(*words)
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout

    def json(self, *words: str, code: int = 0) -> Any:
        return json.loads(self.waggle(*words, "--json", code=code))

    def installed(self, name: str, slot: str) -> bytes | None:
        file = self.folder / name / "swarms/bees" / name / "installed" / slot
        return file.read_bytes() if file.exists() else None

    def end(self) -> None:
        for process in self.running.values():
            process.send_signal(signal.SIGTERM)
        for process in self.running.values():
            process.communicate(timeout=20)


@pytest.fixture
def members(tmp_path: Path) -> Iterator[Members]:
    made = Members(tmp_path)
    yield made
    made.end()


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_swarm_of_processes_is_searched_asked_praised_and_given_new_prompts(members: Members, tmp_path: Path) -> None:
    [first, second] = members.json("mesh", "find", "put this lease into French", "--skill", "talk")["found"]
    assert (first["name"], second["name"]) == ("alice", "bob")
    assert members.json("mesh", "find", "--skill", "sing", code=3) == {"found": []}
    assert [m["name"] for m in members.json("mesh", "find", "--max-price", "3")["found"]] == ["bob"]

    asked = members.json("ask", "--mesh", "bees", "Is French a language?", "--answer", "yes/no", "--team", "1")
    assert asked["answer"] == "yes"
    praised = {m["name"]: m["tasks"] for m in members.json("mesh", "reputation")["members"]}
    assert sum(praised.values()) == 1

    card = members.waggle("mesh", "card", "alice")
    assert json.loads(card)["name"] == "alice"
    assert len(verify_card(card)) == 32

    good, bad, table = tmp_path / "good.toml", tmp_path / "bad.toml", tmp_path / "table.bin"
    good.write_text(TEAMS.format(right="yes"))
    bad.write_text(TEAMS.format(right="no"))
    table.write_bytes(os.urandom(600_000))
    start = ("rollout", "start", "--to", "fast", "--kind")
    assert members.json(*start, "prompts", str(good))["status"] == "complete"
    assert members.installed("bob", "prompts/agent.toml") == good.read_bytes()
    halted = members.json(*start, "prompts", str(bad), code=3)
    assert halted["status"] == "halted"
    assert "probe" in next(iter(halted["failed"].values()))
    assert members.json(*start, "data", str(table))["status"] == "complete"
    assert members.installed("bob", "data/table.bin") == table.read_bytes()
    assert members.installed("bob", "prompts/agent.toml") == good.read_bytes()

    skill = tmp_path / "search.toml"
    skill.write_text('[skill]\ntext = "Look twice."\n')
    question = members.waggle(*start, "skill", str(skill), "--print-question").rstrip("\n")
    certificate = tmp_path / "yes.json"
    ask = ("ask", "--mesh", "bees", "--answer", "yes/no", "--protocol", "vote", "--certificate", str(certificate))
    members.waggle(*ask, question)
    assert members.json(*start, "skill", str(skill), "--certificate", str(certificate))["status"] == "complete"
    assert members.installed("alice", "skill/search.toml") == skill.read_bytes()
    rollouts = members.json("rollout", "status", "bees")["rollouts"]
    assert [(r["slot"], r["version"], r["status"]) for r in rollouts] == [
        ("data/table.bin", 1, "complete"),
        ("prompts/agent", 1, "complete"),
        ("prompts/agent", 2, "halted"),
        ("skill/search.toml", 1, "complete"),
    ]
