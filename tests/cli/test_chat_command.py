"""`waggle chat` as people use it: one opens a room, another comes in, both talk, the swarm answers when called."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from waggledance.cli._chat_view import _turn
from waggledance.gateways._chat_frames import Attached, Said

Start = Callable[..., "Terminal"]


class Terminal:
    """A running command with its two ends."""

    def __init__(self, folder: Path, *arguments: str, settings: str = "") -> None:
        (folder / "waggle.toml").write_text(settings)
        environment = {**os.environ, "XDG_DATA_HOME": str(folder), "PYTHONUNBUFFERED": "1", "COLUMNS": "200"}
        command = [sys.executable, "-c", "from waggledance.cli import main; main()", "chat", *arguments]
        self.process: subprocess.Popen[str] = subprocess.Popen(
            command,
            cwd=folder,
            env=environment,
            text=True,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        self.seen = ""

    def types(self, line: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(f"{line}\n")
        self.process.stdin.flush()

    def shows(self, pattern: str) -> re.Match[str]:
        """Read lines until one shows the pattern."""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.seen += line
            found = re.search(pattern, line)
            if found is not None:
                return found
        raise AssertionError(f"{pattern!r} was not shown:\n{self.seen}")

    def leaves(self) -> int:
        assert self.process.stdin is not None
        self.process.stdin.close()
        return self.process.wait(timeout=40)


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    started: list[Terminal] = []

    def begin(*arguments: str, settings: str = "") -> Terminal:
        started.append(Terminal(tmp_path, *arguments, settings=settings))
        return started[-1]

    yield begin
    for terminal in started:
        terminal.process.kill()
        terminal.process.wait()
        for pipe in (terminal.process.stdin, terminal.process.stdout):
            assert pipe is not None
            pipe.close()


def test_two_people_talk_and_the_swarm_answers_when_called(start: Start) -> None:
    ada = start(
        "--as", "ada", "--port", "0", "--peers", "3", "--model", "scripted:Nine. Answer: 9", "--log", "l.sqlite"
    )
    address = ada.shows(r"waggle chat (\S+) --as")[1]
    bob = start(address, "--as", "bob")
    bob.shows("you are bob, in lobby with ada, swarm")
    ada.shows("bob has come")
    bob.types("hi <b>ada</b>\x1b[2J")
    assert "\x1b" not in ada.shows("bob: hi <b>ada</b>").string
    ada.types("@swarm how many sheep?")
    bob.shows("swarm: Nine")
    false = start(address, "--as", "ADA")
    false.shows("no way into the room .* is taken")
    assert false.leaves() == 3
    assert bob.leaves() == 0
    ada.shows("bob has gone")
    assert ada.leaves() == 0
    again = start("--as", "cyd", "--port", "0", "--model", "scripted:4", "--log", "l.sqlite")
    again.shows("bob: hi")
    again.shows("swarm: Nine")
    assert again.leaves() == 0


def test_lines_that_come_through_a_pipe_are_answered_before_the_room_closes(start: Start) -> None:
    slow = '[models.slow]\nkind = "scripted"\nmodel = "Nine. Answer: 9"\ndelay_s = 1.0\n'
    piped = start("--as", "ada", "--port", "0", "--peers", "1", "--model", "slow", "--no-log", settings=slow)
    piped.types("Good morning.")
    piped.types("@swarm how many sheep?")
    assert piped.leaves() == 0
    piped.shows("swarm: Nine")


@pytest.mark.slow
def test_the_end_of_a_room_is_told_to_who_is_left(start: Start) -> None:
    ada = start("--as", "ada", "--port", "0", "--model", "scripted:4", "--no-log")
    bob = start(ada.shows(r"waggle chat (\S+) --as")[1], "--as", "bob")
    bob.shows("you are bob")
    assert ada.leaves() == 0
    bob.shows("the room has ended the connection")
    assert bob.process.wait(timeout=40) == 3


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (("127.0.0.1:9/chat/lobby",), 3, "no way into the room"),
        (("http://127.0.0.1:9",), 2, "begins with ws://"),
        (("--room", "No Room", "--model", "scripted:4", "--no-log"), 2, "a room's name"),
        (("--host", "0.0.0.0", "--model", "scripted:4", "--no-log"), 2, "other machines can reach"),
        (("--as", "swarm", "--port", "0", "--model", "scripted:4", "--no-log"), 3, "name of a swarm"),
        (("--model", "scriptd:4", "--no-log"), 2, "did you mean 'scripted'"),
    ],
)
def test_what_cannot_be_done_is_told_in_a_sentence(
    start: Start, arguments: tuple[str, ...], code: int, says: str
) -> None:
    terminal = start(*arguments)
    terminal.shows(says)
    assert terminal.process.wait(timeout=40) == code


def test_a_turn_is_shown_with_the_words_of_its_media_and_nothing_that_a_terminal_obeys() -> None:
    part = Attached(type="audio/wav", blob="00" * 32, alt="moo\x1b[2J")
    shown = _turn(Said(1, "", "ada\x07", "one\ntwo", (part,), (), 0))
    assert shown.split(" ", 1)[1] == "ada�: one\n      two\n      [audio/wav] moo�[2J"
