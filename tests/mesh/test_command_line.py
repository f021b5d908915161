"""A swarm of processes as people run it: `waggle join`, `mesh`, `ask --mesh`, `verify`, `id`, and nothing else."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from openai import OpenAI

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

    def serve(self, *words: str) -> str:
        """Start a server on a free port; return its address once it serves."""
        server = subprocess.Popen(
            [*RUN, "serve", "--port", "0", *words], env=self._env, cwd=self.folder, text=True,
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
        )  # fmt: skip
        self.joined.append(server)
        assert server.stderr is not None
        said = ""
        while "; end with Ctrl-C" not in said:
            ready, _, _ = select.select([server.stderr], [], [], 60)
            came = os.read(server.stderr.fileno(), 65_536).decode() if ready else ""  # a buffer would hide lines
            assert came, f"the server does not serve: {said}"
            said += came
        return said.partition("serving at ")[2].partition("/v1")[0]

    def join(self, *words: str, says: tuple[str, ...] = SAYS_4) -> str:
        """Start a peer and wait until it is present; return its first line."""
        peer = subprocess.Popen(
            [*RUN, "join", *words, *says], env=self._env, cwd=self.folder, text=True,
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
    states = {m["name"]: m["state"] for m in status["members"]}
    assert states == {"alice": "alive", "bob": "alive", "asker": "left"}
    assert "2 alive, 1 away" in bob.waggle("mesh", "status")
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


SERVED = """
[ask]
peers = 1
model = "scripted:I say five. Answer: 5. Confidence: 80%"
[swarms.hive]
about = "members on many machines"
mesh = "bees"
key = "eve"
certify = true
"""
THINKS_LONG = """
[models.slow]
kind = "scripted"
model = "Two and two make four. Answer: 4. Confidence: 80%"
delay_s = 3
"""
VERSION = {"a2a-version": "1.0"}


def until(found: Callable[[], Any], within_s: float = 60) -> Any:
    """Return what is found, as soon as it is."""
    end = time.monotonic() + within_s
    while not (it := found()):
        assert time.monotonic() < end, "not in time"
        time.sleep(0.1)
    return it


def bees(machines: list[Machine], *, says: tuple[str, ...] = SAYS_4) -> None:
    """Let alice and bob sit, and eve's key be a member without a vote."""
    alice, bob, eve = machines
    alice.join("--new", "bees", "--as", "alice", says=says)
    bob.join(
        alice.waggle("mesh", "invite", "bees", "--as", "alice", "--vote").splitlines()[0], "--as", "bob", says=says
    )
    invite = alice.waggle("mesh", "invite", "bees", "--as", "alice").splitlines()[0]
    eve.waggle("ask", "--mesh", invite, "--as", "eve", "--answer", "number", "1+3?")


def test_an_openai_client_asks_members_on_many_machines_beside_a_swarm_of_this_one(machines: list[Machine]) -> None:
    alice, _, eve = machines
    bees(machines)
    (eve.folder / "waggle.toml").write_text(SERVED)
    url = eve.serve()
    client = OpenAI(base_url=f"{url}/v1", api_key="none")
    assert {"waggle/default", "waggle/hive"} <= {model.id for model in client.models.list()}

    def ask(model: str) -> Any:
        asked = client.chat.completions.create(model=model, messages=[{"role": "user", "content": "What is 2+2?"}])
        found: Any = asked.choices[0].model_extra
        return found["waggle"]

    assert ask("waggle/default")["answer"] == "5"
    decision = ask("waggle/hive")
    assert (decision["answer"], decision["silent"]) == ("4", [])
    file = eve.folder / "certificate.json"
    file.write_text(json.dumps(decision["certificate"]))
    for machine in machines:
        proven = machine.json("verify", str(file))
        assert (proven["answer"], {signer["name"] for signer in proven["signers"]}) == ("4", {"alice", "bob"})
    assert decision["channel"] in eve.waggle("log", "show", decision["channel"])

    vote = alice.waggle("mesh", "invite", "bees", "--as", "alice", "--vote").splitlines()[0]
    alice.join(vote, "--as", "carol")
    until(lambda: "carol" in httpx.get(f"{url}/v1/models/waggle/hive").json()["waggle"]["peers"])
    assert {m["name"] for m in ask("waggle/hive")["certificate"]["members"]} == {"alice", "bob", "carol"}
    assert eve.leave(signal.SIGTERM) == [0]


def test_a_server_killed_with_a_question_open_finds_the_members_decision_when_it_is_back(
    machines: list[Machine],
) -> None:
    alice, bob, eve = machines
    for machine in (alice, bob):
        (machine.folder / "waggle.toml").write_text(THINKS_LONG)
    bees(machines, says=("--model", "slow"))
    serve = ("--mesh", "bees", "--as", "eve", "--certify", "--answer", "number", "--protocol", "vote")
    url = eve.serve(*serve)
    message = {"messageId": "m", "role": "ROLE_USER", "parts": [{"text": "What is 2+2?"}]}
    sent = {"message": message, "configuration": {"returnImmediately": True}}
    task = httpx.post(f"{url}/message:send", json=sent, headers=VERSION).json()["task"]
    until(lambda: alice.json("mesh", "status")["peers"][0]["open"], within_s=20)
    [killed] = eve.leave(signal.SIGKILL)
    assert killed == -signal.SIGKILL
    time.sleep(5)  # members think for three
    url = eve.serve(*serve)

    def ended() -> Any:
        now = httpx.get(f"{url}/tasks/{task['id']}", headers=VERSION).json()
        return now if now["status"]["state"] != "TASK_STATE_WORKING" else None

    found = until(ended)
    assert found["status"]["state"] == "TASK_STATE_COMPLETED", found
    data = found["artifacts"][0]["parts"][1]["data"]
    assert data["answer"] == "4"
    file = eve.folder / "certificate.json"
    file.write_text(data["certificate"])
    assert bob.json("verify", str(file))["answer"] == "4"


def test_what_cannot_be_served_from_the_network_is_said_in_a_sentence(machines: list[Machine]) -> None:
    _, _, eve = machines
    assert "leave out --model" in eve.waggle("serve", "--mesh", "bees", "--model", "embedded", exits=2)
    assert "give --mesh" in eve.waggle("serve", "--certify", exits=2)
    assert "no swarm" in eve.waggle("serve", "--mesh", "bees", exits=2)
