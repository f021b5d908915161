"""`waggle studio` as a process: it says where it is, once, and ends cleanly."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from waggledance.cli._studio_command import studio
from waggledance.core import Log, Member, UsageError
from waggledance.mesh import Genesis, Home, new_key
from waggledance.studio._serve import open_port

WAGGLE = "from waggledance.cli import main; main()"


@contextmanager
def process_of(*command: str, code: str = WAGGLE, at: Path | None = None) -> Generator[subprocess.Popen[str]]:
    """Run a command as long as the context is open."""
    process = subprocess.Popen(
        [sys.executable, "-c", code, *command], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=at
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


@contextmanager
def running(*flags: str, code: str = WAGGLE) -> Generator[tuple[subprocess.Popen[str], str]]:
    """Run ``waggle studio`` as long as the context is open; give it and its address."""
    with process_of("studio", "--port", "0", *flags, code=code) as process:
        assert process.stdout is not None
        yield process, process.stdout.readline().strip()


def heard(process: subprocess.Popen[str], words: str) -> str:
    """Wait until a process says something on stderr; return the line."""
    assert process.stderr is not None
    while words not in (line := process.stderr.readline()):
        assert process.poll() is None
    return line


@pytest.fixture
def written(tmp_path: Path) -> Generator[Path]:
    """Return a log that another process has opened, with a channel ``c`` that is not decided yet."""
    command = [sys.executable, str(Path(__file__).with_name("a_writer.py")), str(tmp_path / "log.db"), "c"]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        yield tmp_path / "log.db"
    finally:
        process.kill()
        process.communicate()


@pytest.mark.parametrize("ended_by", [signal.SIGINT, signal.SIGTERM])
def test_told_to_end_it_ends_well_while_somebody_watches_and_leaves_no_port(
    written: Path, ended_by: signal.Signals
) -> None:
    with running("--log", str(written)) as (process, address):
        with httpx.stream("GET", f"{address}api/channels/c/live?after=0") as watched:
            lines = watched.iter_lines()
            assert next(lines) == "retry: 1000"
            process.send_signal(ended_by)
            assert "event: end" not in list(lines), "a page comes back to a server that comes back"
        out, err = process.communicate(timeout=20)
        port = httpx.URL(address).port or 0
    assert process.returncode == 0, err
    assert out == "", "the address stands there once"
    assert "Traceback" not in err
    assert "rror" not in err
    with socket.socket() as again, pytest.raises(ConnectionRefusedError):
        again.connect(("127.0.0.1", port))


STUCK = """
import asyncio, sys, time
from waggledance.cli import _fork_command, main
from waggledance.peers import FunctionPeer

async def think(*_) -> str:
    print("thinking", file=sys.stderr, flush=True)
    await asyncio.to_thread(time.sleep, 600)
    return "4"

class Stuck:
    def __init__(self, force): pass
    def __call__(self, name, model): return FunctionPeer(name, think, revise=think)
    async def close(self): await asyncio.to_thread(time.sleep, 600)

_fork_command.LivePeers = Stuck
main()
"""


def begin_a_replay_that_does_not_end(process: subprocess.Popen[str], address: str) -> str:
    """Begin it in a studio made by `STUCK`, and wait until its model is at work; return the new channel's name."""
    with httpx.Client(base_url=address, timeout=20) as client:
        client.get("/")
        (line,) = client.get("/api/channels").json()["channels"]
        messages = client.get(f"/api/channels/{line['name']}").json()["messages"]
        said = next(message for message in messages if message["kind"] == "proposal/1")
        edit = {"do": "replace", "id": said["id"], "text": "7", "key": "7"}
        begun = client.post(
            f"/api/channels/{line['name']}/replay",
            json={"edits": [edit], "live": "needed"},
            headers={"sec-fetch-site": "same-origin"},
        )
        assert begun.status_code == 202
        heard(process, "thinking")
        return str(begun.json()["channel"])


def test_it_ends_while_a_replays_model_does_not_and_the_replay_is_in_the_log(log: Path) -> None:
    with running("--log", str(log), code=STUCK) as (process, address):
        begun = begin_a_replay_that_does_not_end(process, address)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    assert "Traceback" not in err
    with Log(log) as kept:  # nobody holds it
        assert begun in kept


def test_locked_it_prints_an_address_that_opens_it(log: Path) -> None:
    with running("--log", str(log), "--locked") as (_, address), httpx.Client(follow_redirects=True) as client:
        bare = address.partition("?")[0]
        assert client.get(f"{bare}api/channels").status_code == 401
        assert client.get(address).status_code == 200
        assert client.get(f"{bare}api/channels").status_code == 200


ASKED = ("ask", "2+2?", "--studio", "--log", "log.db", "--model", "scripted:4", "--protocol", "debate")


def test_a_run_is_watched_from_its_own_process_and_the_studio_stays_until_told_to_end(tmp_path: Path) -> None:
    with process_of(*ASKED, at=tmp_path) as process:
        address = heard(process, "watch it at").split()[-1]
        heard(process, "until Ctrl-C")
        (line,) = httpx.get(f"{address}api/channels").json()["channels"]
        assert (line["question"], line["answer"], line["live"]) == ("2+2?", "4", False)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=20)
    assert process.returncode == 0, err
    assert out.splitlines()[0] == "4"
    assert "Traceback" not in err


def test_a_studio_that_stays_after_a_run_ends_while_a_replays_model_does_not(tmp_path: Path) -> None:
    with process_of(*ASKED, code=STUCK, at=tmp_path) as process:
        address = heard(process, "watch it at").split()[-1]
        heard(process, "until Ctrl-C")
        begin_a_replay_that_does_not_end(process, address)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    assert out.splitlines()[0] == "4"
    assert "Traceback" not in err


ASKED_OF_THOSE = """
from dataclasses import replace
from waggledance.cli import _ask

seated = _ask.seat

def seat(*given, **how):
    seating = seated(*given, **how)
    return replace(seating, peers=tuple(FunctionPeer(peer.name, think) for peer in seating.peers))

_ask.seat = seat
"""


@pytest.mark.parametrize("beside", ["--studio", "--check"])
def test_a_run_whose_model_does_not_end_ends_all_the_same_and_says_what_was_decided(
    tmp_path: Path, beside: str
) -> None:
    code = STUCK.replace("main()", f"{ASKED_OF_THOSE}\nmain()")
    asked = [beside if flag == "--studio" else flag for flag in ASKED]
    with process_of(*asked, code=code, at=tmp_path) as process:
        heard(process, "thinking")
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    assert "interrupted: decided on what had been said" in out
    assert "Traceback" not in err


FAILING = f"""
from waggledance.cli import main
from waggledance.core import RunFailed
from waggledance.peers import FunctionPeer

def think(_):
    raise RunFailed("out of order")
{ASKED_OF_THOSE}
main()
"""


def test_a_run_that_nobody_answers_can_be_looked_at(tmp_path: Path) -> None:
    with process_of(*ASKED, code=FAILING, at=tmp_path) as process:
        address = heard(process, "watch it at").split()[-1]
        assert "out of order" in heard(process, "the run failed")
        heard(process, "until Ctrl-C")
        (line,) = httpx.get(f"{address}api/channels").json()["channels"]
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=60)
    assert (line["question"], line["live"]) == ("2+2?", False)
    assert process.returncode == 3, err


def test_beside_a_run_that_cannot_begin_nothing_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    asked = ["openai:none@http://127.0.0.1:9/v1" if flag == "scripted:4" else flag for flag in ASKED]
    with process_of(*asked, at=tmp_path) as process:
        _, err = process.communicate(timeout=60)
    assert process.returncode == 3
    assert "OPENAI_API_KEY" in err


def test_a_studio_beside_a_run_without_a_log_is_refused(tmp_path: Path) -> None:
    with process_of(*ASKED, "--no-log", at=tmp_path) as process:
        _, err = process.communicate(timeout=60)
    assert process.returncode == 2
    assert "leave --no-log out" in err


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    """Return the home of a machine where ada is a peer of the swarm bees and has kept a log."""
    monkeypatch.setenv("WAGGLEDANCE_HOME", str(tmp_path / "home"))
    home = Home()
    home.keep_genesis(Genesis(name="bees", members=(Member(new_key(home.key_file("ada")).peer, "ada"),)))
    home.peer("bees", "ada").folder.mkdir(parents=True)
    return home


def test_of_a_swarm_on_the_network_the_log_of_a_peer_of_this_machine_is_shown(home: Home) -> None:
    kept = home.peer("bees", "ada").log
    with Log(kept):
        pass
    with running("--mesh", "bees") as (_, address):
        assert httpx.get(f"{address}api/channels", timeout=20).json()["log"] == str(kept)


@pytest.mark.parametrize(
    ("swarm", "key", "log", "why"),
    [
        ("wasps", None, None, "wasps"),
        ("bees", "ben", None, "no such peer on this machine"),
        ("bees", None, Path("log.db"), "leave one out"),
        (None, "ada", None, "say which swarm with --mesh"),
    ],
)
@pytest.mark.usefixtures("home")
def test_a_peer_that_is_not_here_and_two_logs_at_once_are_refused(
    swarm: str | None, key: str | None, log: Path | None, why: str
) -> None:
    with pytest.raises(UsageError, match=why):
        studio(log, None, swarm, key, host="127.0.0.1", port=0, open_page=False, locked=False)


def test_a_port_that_is_taken_is_said_to_be_so(log: Path) -> None:
    with open_port("127.0.0.1", 0) as taken:
        flags = ["--log", str(log), "--port", str(taken.getsockname()[1])]
        command = [sys.executable, "-c", "from waggledance.cli import main; main()", "studio", *flags]
        ended = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert ended.returncode == 2
    assert "already in use" in ended.stderr
    assert "--port" in ended.stderr
    assert ended.stdout == ""


def test_without_a_port_the_usual_one_is_taken_or_any_that_is_free(monkeypatch: pytest.MonkeyPatch) -> None:
    with open_port("127.0.0.1", 0) as taken:
        monkeypatch.setattr("waggledance.studio._serve.DEFAULT_PORT", taken.getsockname()[1])
        with open_port("127.0.0.1", None) as other:
            assert other.getsockname()[1] not in (0, taken.getsockname()[1])


def test_importing_the_room_loads_no_server() -> None:
    heavy = "starlette", "uvicorn", "anyio", "numpy"
    code = f"import sys, waggledance.studio; print([name for name in {heavy} if name in sys.modules])"
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert ended.stdout.strip() == "[]"
