"""What the OpenAI door costs over a swarm in process, and A2A's and MCP's beside it; how soon it streams, how much it takes.

    python benchmarks/serve.py [--small] [overhead] [doors] [first] [rate] [load]

The server is a process of its own with scripted models; the client is a few lines over a bare socket, so that it is not
the client that is measured. `--small` takes seconds, the whole about four minutes, two of them the load.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncGenerator, Awaitable, Generator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from statistics import median, quantiles

from starlette.applications import Starlette

from _serve_app import WORDS, app_for, host_for
from waggledance.core import Log, Question
from waggledance.gateways import A2A, Host, McpGateway, OpenAIDoor, Server, app_of, desks_of

APP = Path(__file__).with_name("_serve_app.py")
ASKED = {"model": "default", "messages": [{"role": "user", "content": "What is 17 - 8?"}]}


@contextmanager
def server(kind: str, *more: str) -> Generator[tuple[int, int]]:
    """Run a server; give its port and its process id."""
    process = subprocess.Popen(
        [sys.executable, str(APP), kind, *more], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None
        yield int(process.stdout.readline()), process.pid
    finally:
        process.communicate("", timeout=60)


def encoded(body: object) -> bytes:
    """Return a request as it goes over the wire."""
    return posted("/v1/chat/completions", body)


def posted(path: str, body: object, **headers: str) -> bytes:
    """Return a request to a path as it goes over the wire."""
    raw = json.dumps(body).encode()
    named = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in headers.items())
    head = f"POST {path} HTTP/1.1\r\nhost: localhost\r\n{named}content-length: {len(raw)}\r\n\r\n"
    return head.encode() + raw


ASKED_A2A = posted(
    "/message:send",
    {"message": {"messageId": "m", "role": "ROLE_USER", "parts": [{"text": "What is 17 - 8?"}]}},
    a2a_version="1.0", content_type="application/json",
)  # fmt: skip
_MCP = "2026-07-28"
_META = {"protocolVersion": _MCP, "clientInfo": {"name": "bench", "version": "1"}, "clientCapabilities": {}}
ASKED_MCP = posted(
    "/mcp",
    {
        "jsonrpc": "2.0", "id": 1, "method": "tools/call",
        "params": {"name": "ask", "arguments": {"question": "What is 17 - 8?"},
                   "_meta": {f"io.modelcontextprotocol/{name}": value for name, value in _META.items()}},
    },
    accept="application/json, text/event-stream", content_type="application/json",
    mcp_protocol_version=_MCP, mcp_method="tools/call", mcp_name="ask",
)  # fmt: skip


class Connection:
    """One kept-alive connection to a server."""

    def __init__(self, port: int) -> None:
        self._port = port

    async def __aenter__(self) -> Connection:
        self._in, self._out = await asyncio.open_connection("127.0.0.1", self._port)
        return self

    async def __aexit__(self, *_: object) -> None:
        self._out.close()

    async def ask(self, request: bytes) -> bytes:
        """Send a request and return the answer's body."""
        self._out.write(request)
        head = await self._in.readuntil(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200"), head
        length = re.search(rb"content-length: (\d+)", head)
        assert length is not None, head
        return await self._in.readexactly(int(length[1]))

    async def stream(self, request: bytes, first: list[int] | None = None) -> str:
        """Send a request and return what the events' deltas say, joined; `first` gets the delay of the first stamp."""
        self._out.write(request)
        head = await self._in.readuntil(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200"), head
        said, done = "", False
        while size := int(await self._in.readline(), 16):
            chunk = await self._in.readexactly(size + 2)
            now = time.perf_counter_ns()
            for line in chunk.decode().splitlines():
                if line == "data: [DONE]":
                    done = True
                elif line.startswith("data: "):
                    for choice in json.loads(line[6:])["choices"]:
                        delta = choice["delta"]
                        said += (delta.get("content") or "") + delta.get("reasoning_content", "")
            if first is not None and not first and (stamp := re.search(r"at (\d+)", said)):
                first.append(now - int(stamp[1]))
        await self._in.readline()
        assert done, "a stream without its end"
        return said


def shown(ns: list[int]) -> str:
    """Return a median with its quartiles and the 99th percentile, in milliseconds."""
    low, _, high = quantiles(ns, n=4)
    return f"{median(ns) / 1e6:.2f} ms (quartiles {low / 1e6:.2f} to {high / 1e6:.2f}, p99 {quantiles(ns, n=100)[98] / 1e6:.2f})"


async def overhead(small: bool) -> None:
    """The same question in process, through the door, and a bare echo, in turns.

    Servers and client share one process here, so that it is not the scheduler of a busy machine that is measured.
    """
    rounds = 10 if small else 100
    print("## Overhead of the door: one client, one request after the other, three scripted peers, one vote\n")
    question, request = Question(text="What is 17 - 8?", expects="number"), encoded(ASKED)
    for kept in (False, True):
        taken: dict[str, list[tuple[int, int]]] = {"in process": [], "through the door": [], "bare echo": []}
        with tempfile.TemporaryDirectory() as folder:
            logs = [Log(f"{folder}/{i}.wlog") if kept else None for i in range(2)]
            here, there = (host_for("door", log) for log in logs)
            async with (
                here_served(app_for("door", there), there) as door,
                here_served(app_for("echo", here), here) as echo,
            ):
                swarm = here.swarms["default"].swarm
                for _ in range(20 * rounds):
                    taken["in process"].append(await _timed(swarm.ask(question)))
                    taken["through the door"].append(await _timed(door.ask(request)))
                    taken["bare echo"].append(await _timed(echo.ask(request)))
                assert (await swarm.ask(question)).key == "9"
                assert b'"answer":"9"' in await door.ask(request)
            for log in logs:
                if log is not None:
                    log.close()
        print(f"- {'each with a log' if kept else 'without a log'}:")
        for kind, both in taken.items():
            own = median(cpu for _, cpu in both) / 1e6
            print(f"  - {kind}: {shown([ns for ns, _ in both])}; processor time {own:.2f} ms")
        for what, i in (("by the clock", 0), ("in processor time", 1)):
            more = median(t[i] for t in taken["through the door"]) - median(t[i] for t in taken["in process"])
            print(f"  - overhead {what}, median to median: **{more / 1e6:.2f} ms** (goal: at most 3)")


async def _timed(work: Awaitable[object]) -> tuple[int, int]:
    """Return how long it took by the clock, and how much of this process's processor time, in nanoseconds."""
    began, used = time.perf_counter_ns(), time.process_time_ns()
    await work
    return time.perf_counter_ns() - began, time.process_time_ns() - used


async def doors(small: bool) -> None:
    """The same question in process and through each door, in turns; the clients are bare sockets, and no SDK's."""
    host = host_for("door")
    app = app_of(host, [OpenAIDoor(host), A2A(host), McpGateway(host, desks_of(None, None))])
    question = Question(text="What is 17 - 8?", expects="number")
    requests = {"OpenAI, chat completion": encoded(ASKED), "A2A, message:send": ASKED_A2A, "MCP, tool ask": ASKED_MCP}
    taken: dict[str, list[tuple[int, int]]] = {"in process": [], **{name: [] for name in requests}}
    async with here_served(app, host) as door:
        for request in requests.values():
            assert b"9" in await door.ask(request)
        for _ in range(100 if small else 1_000):
            taken["in process"].append(await _timed(host.swarms["default"].swarm.ask(question)))
            for name, request in requests.items():
                taken[name].append(await _timed(door.ask(request)))
    print("\n## Three doors: one client, one request after the other, three scripted peers, one vote, no log\n")
    bare = median(cpu for _, cpu in taken["in process"])
    for name, both in taken.items():
        own = [cpu for _, cpu in both]
        print(f"- {name}: processor time {median(own) / 1e6:.2f} ms, least {min(own) / 1e6:.2f}; "
              f"over in process {(median(own) - bare) / 1e6:.2f}; by the clock {shown([ns for ns, _ in both])}")  # fmt: skip


@asynccontextmanager
async def here_served(app: Starlette, host: Host) -> AsyncGenerator[Connection]:
    """Serve an app in this process; give a connection to it."""
    server = Server(app, host, port=0)
    serving = asyncio.create_task(server.serve())
    async with Connection(server.port) as client:
        yield client
    server.stop()
    await serving


async def first(small: bool) -> None:
    """From the first peer's first token to the chunk at the client."""
    delays: list[int] = []
    with server("stream") as (port, _):
        async with Connection(port) as client:
            for _ in range(50 if small else 500):
                one: list[int] = []
                await client.stream(encoded({**ASKED, "stream": True}), one)
                delays += one
    print("\n## First chunk after the first peer's first token: one client, three peers\n")
    print(f"- {shown(delays)} (goal: at most 10)")


async def rate(small: bool) -> None:
    """Requests a second of 32 connections, the door and a bare Starlette echo in turns."""
    rounds, seconds = (2, 1.0) if small else (5, 4.0)
    print("\n## Requests a second: 32 connections, one server process, the client on the other core\n")
    found: dict[str, list[tuple[float, float]]] = {"echo": [], "door": []}
    with server("echo") as echo, server("door") as door:
        for _ in range(rounds):
            for kind, where in (("echo", echo), ("door", door)):
                found[kind].append(await _rate_of(*where, seconds))
    for kind, measured in found.items():
        rates, cpu_ms = [r for r, _ in measured], median(ms for _, ms in measured)
        print(f"- {kind}: {median(rates):,.0f}/s (each round: {', '.join(f'{r:,.0f}' for r in rates)}); the server's "
              f"own time {cpu_ms:.2f} ms a request, so {1_000 / cpu_ms:,.0f}/s of a core that it has to itself")  # fmt: skip
    print("- goal for the door: at least 500/s")


async def _rate_of(port: int, pid: int, seconds: float) -> tuple[float, float]:
    """Return answers a second, and milliseconds of the server's processor time for each."""
    began, answered, request, cpu_s = time.perf_counter(), 0, encoded(ASKED), _cpu_s(pid)

    async def one() -> None:
        nonlocal answered
        async with Connection(port) as client:
            while time.perf_counter() - began < seconds:
                await client.ask(request)
                answered += 1

    await asyncio.gather(*(one() for _ in range(32)))
    return answered / (time.perf_counter() - began), (_cpu_s(pid) - cpu_s) / answered * 1_000


async def load(small: bool) -> None:
    """200 clients that stream all the time; every word is counted, the server's memory is watched."""
    seconds = 5.0 if small else 120.0
    began, streams, request = time.perf_counter(), 0, encoded({**ASKED, "stream": True})
    request = encoded({"model": "default", "messages": [{"role": "user", "content": "Count."}], "stream": True})
    whole = " ".join(f"w{i}" for i in range(WORDS))
    memory: list[tuple[float, float]] = []
    with server("count") as (port, pid):

        async def one() -> None:
            nonlocal streams
            async with Connection(port) as client:
                while time.perf_counter() - began < seconds:
                    said = await client.stream(request)
                    assert said == whole, said
                    streams += 1

        async def watch() -> None:
            while True:
                memory.append((time.perf_counter() - began, _resident_mb(pid)))
                await asyncio.sleep(seconds / 20)

        watching = asyncio.create_task(watch())
        await asyncio.gather(*(one() for _ in range(200)))
        watching.cancel()
    print(f"\n## Load: 200 streaming clients for {seconds:.0f} s, {WORDS} words a stream\n")
    print(f"- {streams:,} streams, {streams / seconds:,.0f}/s, {streams * WORDS:,} words, none lost")
    settled = [mb for at, mb in memory if at >= seconds / 4]
    print(f"- memory of the server: {memory[0][1]:.0f} MB at first, {settled[0]:.0f} MB after a quarter, "
          f"{settled[-1]:.0f} MB at the end, {max(settled):.0f} MB at most")  # fmt: skip


def _cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _resident_mb(pid: int) -> float:
    status = Path(f"/proc/{pid}/status").read_text()
    found = re.search(r"VmRSS:\s+(\d+) kB", status)
    return int(found[1]) / 1_024 if found else 0.0


PARTS = {"overhead": overhead, "doors": doors, "first": first, "rate": rate, "load": load}

if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("parts", nargs="*", metavar="part", help=", ".join(PARTS))
    parser.add_argument("--small", action="store_true")
    arguments = parser.parse_args()
    for part in arguments.parts or PARTS:
        asyncio.run(PARTS[part](arguments.small))
