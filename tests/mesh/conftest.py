"""Peers of a test: in its own process, or in processes of their own that can be killed and frozen."""

from __future__ import annotations

import asyncio
import json
import sys
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Protocol

import pytest

from loading import load

PROGRAM = Path(__file__).with_name("_peer_process.py")


class DrivenPeer(ABC):
    """Ask a peer what it saw, let it send, and wait until its report fulfils a condition."""

    def __init__(self, first: dict[str, Any]) -> None:
        self.first = first
        self.listening: list[str] = first.get("listening", [])
        self._sent = 0

    @abstractmethod
    async def ask(self, **command: Any) -> dict[str, Any]: ...

    async def report(self) -> dict[str, Any]:
        return await self.ask(do="report")

    async def send(self, to: int | None, *, count: int = 1, size: int = 200, patient: bool = True) -> dict[str, Any]:
        """Send, or spread if `to` is None; a patient peer waits for room."""
        self._sent += count
        return await self.ask(do="send", to=to, first=self._sent - count, count=count, size=size, patient=patient)

    async def until(self, fulfilled: Callable[[dict[str, Any]], bool], within_s: float = 15) -> dict[str, Any]:
        report: dict[str, Any] = {}
        with suppress(TimeoutError):
            async with asyncio.timeout(within_s):
                while not fulfilled(report := await self.report()):
                    await asyncio.sleep(0.02)
                return report
        raise AssertionError(f"not within {within_s} s: {report}")


class PeerHere(DrivenPeer):
    """A peer on the test's own event loop."""

    def __init__(self, program: Any, running: Any) -> None:
        super().__init__(json.loads(json.dumps({"listening": running.transport.listening})))
        self._program, self.running = program, running

    async def ask(self, **command: Any) -> dict[str, Any]:
        return json.loads(json.dumps(await self._program.obey(command, self.running)))


class PeerProcess(DrivenPeer):
    """A peer in a process of its own."""

    def __init__(self, process: asyncio.subprocess.Process, first: dict[str, Any]) -> None:
        super().__init__(first)
        self._process = process

    async def ask(self, **command: Any) -> dict[str, Any]:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(command).encode() + b"\n")
        return await answer_of(self._process)

    def signal(self, number: int) -> None:
        self._process.send_signal(number)

    async def leave(self, within_s: float = 10) -> int:
        """Close its input, which makes it end; return its exit status."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        return await asyncio.wait_for(self._process.wait(), within_s)

    async def kill(self) -> None:
        with suppress(ProcessLookupError):
            self._process.kill()
        await self._process.communicate()


class Peers(Protocol):
    """Starts peers here: ``await peers(1, connect=[…])``."""

    async def __call__(self, name: int, **settings: Any) -> PeerHere: ...


class Processes(Protocol):
    """Starts peers in processes: ``await processes(1, connect=[…])``, `before` being words before the command."""

    async def __call__(self, name: int, *, before: Sequence[str] = (), **settings: Any) -> PeerProcess: ...


async def answer_of(process: asyncio.subprocess.Process) -> dict[str, Any]:
    assert process.stdout is not None
    line = await asyncio.wait_for(process.stdout.readline(), 30)
    assert line, "the peer's process has ended"
    return json.loads(line)


@pytest.fixture
async def peers() -> AsyncIterator[Peers]:
    """Start peers here. All are closed in the end."""
    program = load(PROGRAM)
    started: list[PeerHere] = []

    async def start(name: int, **settings: Any) -> PeerHere:
        running = program.Running(name)
        await running.open(settings)
        started.append(PeerHere(program, running))
        return started[-1]

    yield start
    for peer in started:
        await peer.running.close()


@pytest.fixture
async def processes() -> AsyncIterator[Processes]:
    """Start peers in processes. All are killed in the end."""
    started: list[PeerProcess] = []

    async def start(name: int, *, before: Sequence[str] = (), **settings: Any) -> PeerProcess:
        process = await asyncio.create_subprocess_exec(
            *before, sys.executable, str(PROGRAM), json.dumps({"name": name, **settings}),
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
        )  # fmt: skip
        try:
            first = await answer_of(process)
        except BaseException:
            process.kill()
            await process.communicate()
            raise
        started.append(PeerProcess(process, first))
        return started[-1]

    yield start
    for peer in started:
        await peer.kill()
