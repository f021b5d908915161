"""A swarm of processes as people run it: `waggle join`, `mesh`, `ask --mesh`, `verify`, `id`, and nothing else."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.slow

RUN = [sys.executable, "-c", "import sys; sys.argv[0] = 'waggle'; from waggledance.cli import main; main()"]
SAYS_4 = ("--model", "scripted:Two and two make four. Answer: 4. Confidence: 80%")


class Machine:
    """One user's machine: a home of its own, and the commands typed there."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir()
        kept = {name: os.environ[name] for name in ("PATH", "LANG", "PYTHONPATH") if name in os.environ}
        self._env = {**kept, "HOME": str(folder), "WAGGLEDANCE_HOME": str(folder / "home")}
        self.joined: list[subprocess.Popen[str]] = []

    def waggle(self, *words: str, exits: int = 0) -> str:
        """Run a command to its end; return what it printed."""
        ended = subprocess.run(
            [*RUN, *words], env=self._env, cwd=self.folder, capture_output=True, text=True, timeout=90, check=False
        )
        assert ended.returncode == exits, (words, ended.returncode, ended.stdout, ended.stderr)
        assert "Traceback" not in ended.stderr
        return ended.stdout or ended.stderr

    def json(self, *words: str, exits: int = 0) -> Any:
        return json.loads(self.waggle(*words, "--json", exits=exits))

    def join(self, *words: str) -> str:
        """Start a peer and wait until it is present; return its first line."""
        peer = subprocess.Popen(
            [*RUN, "join", *words, *SAYS_4], env=self._env, cwd=self.folder, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        self.joined.append(peer)
        assert peer.stdout is not None
        ready, _, _ = select.select([peer.stdout], [], [], 60)
        assert ready, "the peer says nothing"
        return peer.stdout.readline().strip()

    def leave(self, number: int = signal.SIGTERM) -> list[int]:
        for peer in self.joined:
            peer.send_signal(number)
        statuses = [peer.wait(20) for peer in self.joined]
        self.close()
        return statuses

    def close(self) -> None:
        for peer in self.joined:
            if peer.poll() is None:
                peer.kill()
            peer.communicate()
        self.joined.clear()


@pytest.fixture
def machines(tmp_path: Path) -> Iterator[list[Machine]]:
    made = [Machine(tmp_path / name) for name in ("alice", "bob", "eve")]
    yield made
    for machine in made:
        machine.close()


def test_found_invite_join_ask_certify_verify_and_leave(machines: list[Machine]) -> None:
    alice, bob, eve = machines
    assert alice.join("--new", "bees", "--as", "alice").startswith("swarm bees ")
    invite = alice.waggle("mesh", "invite", "bees", "--as", "alice", "--vote").splitlines()[0]
    assert bob.join(invite, "--as", "bob").startswith("swarm bees ")

    file = alice.folder / "certificate.json"
    asked = ("ask", "--mesh", "bees", "--certify", "--certificate", str(file), "--answer", "number", "2+2?")
    decision = alice.json(*asked)
    assert (decision["answer"], decision["status"]) == ("4", "decided")
    assert alice.json("verify", str(file))["answer"] == "4"
    assert {signer["name"] for signer in bob.json("verify", str(file))["signers"]} == {"alice", "bob"}
    stranger = eve.json("verify", str(file))
    assert stranger["holds"]
    assert "were not known before" in stranger["keys"]
    forged = eve.folder / "forged.json"
    forged.write_text(file.read_text().replace(decision["certificate"]["digest"], "00" * 32))
    eve.waggle("verify", str(forged), exits=3)

    [status] = bob.json("mesh", "status")["peers"]
    assert status["runs"]
    assert {"alice": "alive", "bob": "alive"}.items() <= {m["name"]: m["state"] for m in status["members"]}.items()
    assert status["answered"] == 1
    assert status["alarms"] == []
    shown = alice.waggle("id", "show", "alice")
    assert next(m["key"] for m in status["members"] if m["name"] == "alice") in shown
    assert "secret" not in shown.lower().replace("keep its secret", "")

    assert alice.leave(signal.SIGINT) == [0]
    assert bob.leave(signal.SIGTERM) == [0]
    assert not any(peer["runs"] for peer in alice.json("mesh", "status")["peers"])
    assert alice.join("bees", "--as", "alice").startswith("swarm bees ")  # the name is enough the second time


def test_what_cannot_be_joined_is_said_in_a_sentence_with_its_exit_code(machines: list[Machine]) -> None:
    alice, bob, _ = machines
    alice.join("--new", "bees", "--as", "alice")
    assert "speaks with this key already" in alice.waggle("join", "bees", "--as", "alice", *SAYS_4, exits=2)
    invite = alice.waggle("mesh", "invite", "bees", "--as", "alice").splitlines()[0]
    assert "cut off or mistyped" in bob.waggle("join", invite[:-9], "--as", "bob", *SAYS_4, exits=2)
    listening = alice.json("mesh", "status")["peers"][0]["listening"][0]
    taken = bob.waggle("join", invite, "--as", "bob", "--listen", listening, *SAYS_4, exits=3)
    assert listening in taken
    assert "no swarm is known here" in bob.waggle("mesh", "status")
