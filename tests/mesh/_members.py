"""Members of a swarm in processes of their own, driven from a test or a benchmark: asked, killed, frozen, restarted."""

from __future__ import annotations

import json
import os
import resource
import selectors
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from waggledance.core import UNIT, Key, Log
from waggledance.core import Member as Founder
from waggledance.mesh import Genesis, Home, Limits, load_key, new_key

PROGRAM = Path(__file__).with_name("_member_process.py")
PATIENCE_S = 45.0
SWARM, ASKER = "bees", "asker"


class Ended(Exception):
    """The process has ended; carries why."""


class Quiet(Exception):
    """The process did not answer in time."""


class MemberProcess:
    """One member's process."""

    def __init__(self, settings: dict[str, Any], before: Sequence[str]) -> None:
        self.settings, self.key = settings, settings["key"]
        self.process = subprocess.Popen(
            [*before, sys.executable, "-W", "error", str(PROGRAM), json.dumps(settings)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, env={**os.environ, "PYTHONHASHSEED": "0"},
        )  # fmt: skip
        self._answers: dict[int, dict[str, Any]] = {}
        self._asked = 0
        self._rest = b""
        self.first: dict[str, Any] = {}

    def begun(self, within_s: float = PATIENCE_S) -> MemberProcess:
        """Wait until it is present in its swarm."""
        self.first = self._line(time.monotonic() + within_s)
        if "error" in self.first:
            self.end()
            raise Ended(f"{self.first['error']}: {self.first['says']}")
        return self

    def tell(self, do: str, **command: Any) -> int:
        """Give it something to do; return the number of its answer."""
        self._asked += 1
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps({"do": do, "number": self._asked, **command}).encode() + b"\n")
        self.process.stdin.flush()
        return self._asked

    def answer(self, number: int, within_s: float = PATIENCE_S) -> dict[str, Any]:
        """Return what it answered."""
        until = time.monotonic() + within_s
        while number not in self._answers:
            said = self._line(until)
            self._answers[said["to"]] = said
        return self._answers.pop(number)

    def poll(self, number: int) -> dict[str, Any] | None:
        """Return what it answered, if it has."""
        with suppress(Quiet):
            return self.answer(number, 0.0)
        return None

    def ask(self, do: str, **command: Any) -> dict[str, Any]:
        return self.answer(self.tell(do, **command))

    def report(self) -> dict[str, Any]:
        return self.ask("report")

    def resident_kb(self) -> int:
        """Return the memory that it uses by itself, in KiB: what it shares with others is left out.

        It is not asked: saying how much it is would take some.
        """
        fields = Path(f"/proc/{self.process.pid}/statm").read_text().split()
        return (int(fields[1]) - int(fields[2])) * (resource.getpagesize() // 1024)

    def send(self, number: int) -> None:
        self.process.send_signal(number)

    def kill(self) -> None:
        self.process.kill()
        self.end()

    def leave(self, number: int = signal.SIGTERM, within_s: float = 15) -> int:
        """Tell it to end; return its exit status."""
        self.send(number)
        status = self.process.wait(within_s)
        self.end()
        return status

    def end(self) -> None:
        """Close its pipes and wait for it; kill it if it is still there."""
        for pipe in (self.process.stdin, self.process.stdout):
            assert pipe is not None
            with suppress(BrokenPipeError):
                pipe.close()
        try:
            self.process.wait(0.5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    @property
    def running(self) -> bool:
        return self.process.poll() is None

    def _line(self, until: float) -> dict[str, Any]:
        assert self.process.stdout is not None
        with selectors.DefaultSelector() as ready:
            ready.register(self.process.stdout, selectors.EVENT_READ)
            while b"\n" not in self._rest:
                if not ready.select(max(0.0, until - time.monotonic())):
                    raise Quiet(f"{self.key} says nothing")
                read = os.read(self.process.stdout.fileno(), 1 << 16)
                if not read:
                    raise Ended(f"{self.key} has ended: {self.process.wait(5)}")
                self._rest += read
        line, _, self._rest = self._rest.partition(b"\n")
        return json.loads(line)


class Members:
    """The members of one swarm on this machine, each with a home of its own.

    Args:
        folder: where their homes are.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.running: dict[str, MemberProcess] = {}
        self._all: list[MemberProcess] = []

    def home(self, key: str) -> Home:
        return Home(self.folder / key)

    def log(self, key: str) -> Log:
        """Return what a member has in its log, to read."""
        return Log(self.home(key).peer(SWARM, key).log, "r")

    def found(self, *keys: str, limits: Limits | None = None) -> Genesis:
        """Found a swarm of these keys, and let each know of it. Each has a vote, save the one called asker."""
        genesis = Genesis(
            name=SWARM,
            members=tuple(
                Founder(new_key(self.home(key).key_file(key)).peer, key, 0 if key == ASKER else UNIT) for key in keys
            ),
            limits=limits or Limits(),
        )
        for key in keys:
            self.home(key).keep_genesis(genesis)
        return genesis

    def key(self, name: str) -> Key:
        return load_key(self.home(name).key_file(name))

    def launch(self, name: str, *, before: Sequence[str] = (), **settings: Any) -> MemberProcess:
        """Start a process in the home of this name, with the key of this name, and return at once."""
        known = [where for peer in self.running.values() for where in peer.first["listening"]]
        started = MemberProcess(
            {"key": name, "swarm": SWARM, "home": str(self.folder / name), "connect": known, **settings}, before
        )
        self._all.append(started)
        return started

    def start(self, name: str, **settings: Any) -> MemberProcess:
        """Start a process and wait until it is present."""
        self.running[name] = self.launch(name, **settings).begun()
        return self.running[name]

    def start_all(self, *keys: str, **settings: Any) -> list[MemberProcess]:
        """Start the first, and then, all at once, those that dial it."""
        first, *rest = keys
        begun = [self.start(first, **settings)]
        launched = {name: self.launch(name, **settings) for name in rest}
        for name, process in launched.items():
            self.running[name] = process.begun()
            begun.append(process)
        return begun

    def kill(self, key: str) -> None:
        self.running.pop(key).kill()

    def reports(self) -> dict[str, dict[str, Any]]:
        told = {key: process.tell("report") for key, process in self.running.items()}
        return {key: self.running[key].answer(number) for key, number in told.items()}

    def until(
        self, fulfilled: Callable[[dict[str, dict[str, Any]]], object], within_s: float = 30
    ) -> dict[str, dict[str, Any]]:
        """Wait until what all report fulfils a condition; return it."""
        until = time.monotonic() + within_s
        while True:
            reports = self.reports()
            if fulfilled(reports):
                return reports
            if time.monotonic() > until:
                told = {name: {**report, "digests": len(report["digests"])} for name, report in reports.items()}
                raise AssertionError(f"not within {within_s} s: {told}")
            time.sleep(0.05)

    def met(self, within_s: float = 30) -> dict[str, dict[str, Any]]:
        """Wait until all who run see each other alive."""
        return self.until(
            lambda reports: all(
                {name for name, state in report["states"].items() if state == "alive"} | {key} >= reports.keys()
                for key, report in reports.items()
            ),
            within_s,
        )

    def equal(self, within_s: float = 30) -> float:
        """Wait until all who run hold the same sets; return how long that took, seconds."""
        began = time.monotonic()
        self.until(lambda reports: len({json.dumps(r["digests"], sort_keys=True) for r in reports.values()}) == 1,
                   within_s)  # fmt: skip
        return time.monotonic() - began

    def close(self) -> None:
        """End whatever runs still, and remove the homes."""
        for process in self._all:
            if process.running:
                process.process.kill()
            process.end()
        self.running.clear()
        shutil.rmtree(self.folder, ignore_errors=True)
