"""Two servers in processes of their own ask one swarm of processes; the first is killed, and the second is asked."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import pytest

from loading import load
from waggledance.consensus import Certificate, verify_certificate

HEADERS = {"a2a-version": "1.0", "content-type": "application/json"}
MEMBERS = Path(__file__).parents[1] / "mesh" / "_members.py"


@contextmanager
def server(home: Path, key: str, connect: str) -> Generator[tuple[subprocess.Popen[str], str]]:
    """Serve the swarm with a key of its own; yield the process and its address."""
    flags = ["--mesh", "bees", "--as", key, "--certify", "--connect", connect, "--port", "0", "--door", "a2a"]
    run = [sys.executable, "-c", "from waggledance.cli import main; main()", "serve"]
    env = {**os.environ, "WAGGLEDANCE_HOME": str(home), "WAGGLE_LOG": str(home / f"{key}.db")}
    process = subprocess.Popen([*run, *flags], env=env, cwd=home, stderr=subprocess.PIPE, text=True)
    try:
        assert process.stderr is not None
        told = ""
        while not (found := re.search(r"serving at (http://[^/]+)", told)):
            line = process.stderr.readline()
            assert line, told
            told += line
        yield process, found[1]
    finally:
        process.kill()
        process.communicate()


def call(address: str, path: str, body: object = None) -> Any:
    data = None if body is None else json.dumps(body).encode()
    with urlopen(Request(address + path, data, HEADERS), timeout=30) as answer:
        return json.loads(answer.read())


def all_were_asked(reports: dict[str, dict[str, Any]]) -> bool:
    """Say whether every member has a question's channel."""
    return all(any(name.startswith("q") for name in report["digests"]) for report in reports.values())


@pytest.mark.slow
def test_a_server_with_another_key_gives_the_certified_decision_of_one_that_was_killed(tmp_path: Path) -> None:
    members = load(MEMBERS).Members(tmp_path)
    names = ("p0", "p1", "p2", "p3")
    members.found(*names)
    try:
        members.start_all(*names, think_s=1.0)
        members.met()
        where = members.running["p0"].first["listening"][0]
        with server(tmp_path / "p0", "first", where) as (process, first):
            message = {"messageId": "m", "role": "ROLE_USER", "parts": [{"text": "2 + 2?"}]}
            asked = {"message": message, "configuration": {"returnImmediately": True}}
            id = call(first, "/message:send", asked)["task"]["id"]
            members.until(all_were_asked)
            process.kill()
            process.wait()
        with server(tmp_path / "p1", "second", where) as (_, second):
            deadline = time.monotonic() + 60
            while (task := call(second, f"/tasks/{id}"))["status"]["state"] == "TASK_STATE_WORKING":
                assert time.monotonic() < deadline
                time.sleep(0.2)
        assert task["status"]["state"] == "TASK_STATE_COMPLETED", task
        decision = task["artifacts"][0]["parts"][1]["data"]
        assert decision["answer"] is not None
        certificate = Certificate.from_json(decision["certificate"])
        proven = verify_certificate(certificate, certificate.members)
        assert {certificate.members[i].name for i in range(4)} == set(names)
        assert len(proven.signers) >= 3
    finally:
        members.close()
