"""A server of its own process, as a user starts it: told to end, it ends in good order."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

import grpc
import httpx
import pytest
from a2a.types import Message, Part, Role, SendMessageRequest, TaskState, a2a_pb2_grpc

from waggledance.core import Log, UsageError, outcome_of
from waggledance.gateways import Host, Hosted, OpenAIDoor, Server, app_of

SETTINGS = """
[models.slow]
kind = "scripted"
model = "Ice floats."
delay_s = 0.7

[models.never]
kind = "scripted"
model = "Ice floats."
delay_s = 100.0

[models.fast]
kind = "scripted"
model = "Ice floats."

[ask]
model = "fast"
peers = 2

[swarms.slow]
about = "takes its time"
model = "slow"
peers = 1

[swarms.never]
model = "never"
"""


@contextmanager
def serving(
    folder: Path, *more: str, env: dict[str, str] | None = None
) -> Generator[tuple[subprocess.Popen[str], str]]:
    (folder / "waggle.toml").write_text(SETTINGS)
    command = [
        sys.executable,
        "-c",
        "from waggledance.cli import main; main()",
        "serve",
        "--port",
        "0",
        "--log",
        "l.wlog",
    ]
    process = subprocess.Popen(
        [*command, *more], cwd=folder, stderr=subprocess.PIPE, text=True, env={**os.environ, **(env or {})}
    )
    assert process.stderr is not None
    try:
        line = ""
        while "serving at " not in line:
            line = process.stderr.readline()
            assert line, f"it ended with {process.wait()}"
        yield process, line.split()[2].removesuffix(";").removesuffix("/v1")
    finally:
        process.kill()
        process.wait()
        process.stderr.close()


def asked(model: str, *, stream: bool = False) -> dict[str, object]:
    return {"model": model, "stream": stream, "messages": [{"role": "user", "content": "Tell me of ice."}]}


def test_told_to_end_it_lets_questions_at_work_end_says_so_to_others_and_goes(tmp_path: Path) -> None:
    with serving(tmp_path) as (process, url), httpx.Client(base_url=url, timeout=60) as http:
        names = [model["id"] for model in http.get("/v1/models").json()["data"]]
        assert names[:3] == ["waggle/default", "waggle/slow", "waggle/never"]
        with http.stream("POST", "/v1/chat/completions", json=asked("waggle/slow", stream=True)) as streaming:
            lines = streaming.iter_lines()
            next(lines)
            process.send_signal(signal.SIGTERM)
            with httpx.Client(base_url=url, timeout=60) as other:
                while other.get("/healthz").status_code != 503:
                    time.sleep(0.01)
                refused = other.post("/v1/chat/completions", json=asked("default"))
            assert (refused.status_code, refused.json()["error"]["code"]) == (503, "draining")
            told = [json.loads(line[6:]) for line in lines if line.startswith("data: {")]
        assert "".join(c["choices"][0]["delta"].get("content") or "" for c in told) == "Ice floats."
        assert process.wait(60) == 0


@pytest.mark.slow
def test_what_takes_too_long_is_cancelled_and_the_log_ends_cleanly(tmp_path: Path) -> None:
    with serving(tmp_path, "--drain", "0.2") as (process, url), httpx.Client(base_url=url, timeout=30) as http:
        with http.stream("POST", "/v1/chat/completions", json=asked("never", stream=True)) as streaming:
            lines = streaming.iter_lines()
            next(lines)
            process.send_signal(signal.SIGTERM)
            assert '"code":"cancelled"' in "".join(lines)
        assert process.wait(60) == 0
    with Log(tmp_path / "l.wlog", "r") as log:
        (channel,) = log.names()
        assert outcome_of(log.read(channel)) is not None


@pytest.mark.slow
def test_told_twice_it_waits_for_nobody(tmp_path: Path) -> None:
    with serving(tmp_path, "--drain", "60") as (process, url), httpx.Client(base_url=url, timeout=30) as http:
        with http.stream("POST", "/v1/chat/completions", json=asked("never", stream=True)) as streaming:
            lines = streaming.iter_lines()
            next(lines)
            process.send_signal(signal.SIGINT)
            while httpx.get(f"{url}/healthz").status_code != 503:
                time.sleep(0.01)
            process.send_signal(signal.SIGINT)
            assert '"code":"cancelled"' in "".join(lines)
        assert process.wait(60) == 0


@pytest.mark.slow
def test_keys_come_from_the_environment_and_are_never_printed(tmp_path: Path) -> None:
    key = "a-secret-of-twenty-0"
    with serving(tmp_path, "--rate", "2", env={"WAGGLE_API_KEYS": f"ada {key}"}) as (process, url):
        with httpx.Client(base_url=url, timeout=60) as http:
            assert http.get("/v1/models").status_code == 401
            told = [http.get("/v1/models", headers={"Authorization": f"Bearer {key}"}).status_code for _ in range(3)]
        assert told == [200, 200, 429]
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0
        assert process.stderr is not None
        assert key not in process.stderr.read()


@pytest.mark.slow
def test_a2a_by_grpc_asks_for_the_same_keys_and_ends_with_the_server(tmp_path: Path) -> None:
    key, stubs = "a-secret-of-twenty-0", cast("Any", a2a_pb2_grpc)
    request = SendMessageRequest(message=Message(message_id="m", role=Role.ROLE_USER, parts=[Part(text="2+2?")]))
    with serving(tmp_path, "--grpc", "127.0.0.1:0", env={"WAGGLE_API_KEYS": f"ada {key}"}) as (process, url):
        card = httpx.get(f"{url}/.well-known/agent-card.json", timeout=60).json()
        (place,) = (one["url"] for one in card["supportedInterfaces"] if one["protocolBinding"] == "GRPC")
        with grpc.insecure_channel(place) as channel:
            service = stubs.A2AServiceStub(channel)
            with pytest.raises(grpc.RpcError, match="UNAUTHENTICATED"):
                service.SendMessage(request, timeout=60)
            got = service.SendMessage(request, metadata=(("authorization", f"Bearer {key}"),), timeout=60)
            assert got.task.status.state == TaskState.TASK_STATE_COMPLETED
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0


@pytest.mark.parametrize(
    ("flags", "complaint"),
    [
        (["--host", "0.0.0.0"], "no API keys are given"),
        (["--keys", "nowhere"], "cannot be read"),
        (["--rate", "0"], "limits are 1 or more"),
        (["--protocol", "debat"], "did you mean 'debate'"),
        (["--model", "nonsense"], "nonsense"),
        (["--answer", "nonsense"], "there is no kind of answer"),
        (["--host", "192.0.2.1", "--open"], "cannot listen on 192.0.2.1"),
        (["--grpc", "0.0.0.0:0"], "other machines can reach 0.0.0.0, and no API keys are given"),
        (["--grpc", "50051"], "HOST:PORT"),
        (["--grpc", "192.0.2.1:1", "--open"], "cannot listen on 192.0.2.1:1 for gRPC"),
        (["--grpc", "127.0.0.1:0", "--door", "openai"], "give --door a2a too"),
    ],
)
def test_what_cannot_be_served_is_said_before_the_port_is_opened(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    flags: list[str],
    complaint: str,
) -> None:
    from waggledance.cli._app import app

    (tmp_path / "waggle.toml").write_text(SETTINGS)
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("WAGGLE_API_KEYS", raising=False)
    with pytest.raises(SystemExit) as ended:
        app(["serve", "--port", "0", "--no-log", *flags])
    assert ended.value.code == 2
    assert complaint in capsys.readouterr().err


def test_a_port_that_is_taken_or_is_none_is_refused() -> None:
    from waggledance import FunctionPeer, Swarm

    host = Host({"default": Hosted(Swarm([FunctionPeer("ada", lambda question: "4")]))})
    app = app_of(host, [OpenAIDoor(host)])
    first = Server(app, host, port=0)
    with pytest.raises(UsageError, match="Choose another --port"):
        Server(app, host, port=first.port)
    with pytest.raises(UsageError, match="between 0 and 65535"):
        Server(app, host, port=70_000)
    with pytest.raises(UsageError, match="0 s or more"):
        Server(app, host, port=0, drain_s=float("nan"))
    first.close()
