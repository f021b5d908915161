"""`waggle mcp` as an agent starts it: MCP over stdio in both eras, and three processes on a mesh with one thread."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager
from pathlib import Path
from typing import Any, Literal

import pytest
from mcp import Client, MCPError, StdioServerParameters

from waggledance.core import UNIT, Member
from waggledance.mesh import Genesis, Home, new_key

COMMAND = ["-c", "from waggledance.cli import main; main()", "mcp"]
NAMES = ("ann", "bob", "cee")


def started(home: Path, *more: str) -> StdioServerParameters:
    env = {"WAGGLEDANCE_HOME": str(home), "PYTHONWARNINGS": "error"}
    return StdioServerParameters(command=sys.executable, args=[*COMMAND, *more], env=env)


async def used(client: Client, tool: str, **arguments: Any) -> dict[str, Any]:
    result = await client.call_tool(tool, arguments, 60.0)
    assert not result.is_error, result.content
    given: dict[str, Any] = result.structured_content
    return given


@pytest.mark.parametrize("mode", ["auto", pytest.param("legacy", marks=pytest.mark.slow)])
async def test_an_agent_starts_the_command_and_asks(mode: Literal["auto", "legacy"], tmp_path: Path) -> None:
    server = started(tmp_path, "--no-log", "--peers", "3", "--model", "scripted:Answer: 4")
    async with Client(server, mode=mode) as client:
        assert [tool.name for tool in (await client.list_tools()).tools] == ["ask", "run", "log"]
        assert (await used(client, "ask", question="2 + 2?"))["answer"] == "4"
        assert (await used(client, "log"))["total"] == 0, "there is no log"
        with pytest.raises(MCPError):
            await client.call_tool("thread_open", {"title": "x", "members": []})


@pytest.mark.parametrize("ends", ["hang up", "signal"])
async def test_the_command_ends_when_the_client_hangs_up_or_a_signal_comes(ends: str, tmp_path: Path) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, *COMMAND, "--no-log", "--model", "scripted:Answer: 4",
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        env={**os.environ, "WAGGLEDANCE_HOME": str(tmp_path)},
    )  # fmt: skip
    assert process.stderr is not None
    assert process.stdin is not None
    assert b"MCP over stdio" in await process.stderr.readline()
    if ends == "signal":
        process.send_signal(signal.SIGTERM)
    else:
        process.stdin.close()
    assert await asyncio.wait_for(process.wait(), 20) == 0
    assert process.stdout is not None
    assert await process.stdout.read() == b"", "nothing but the protocol is on stdout"


def test_without_a_client_at_stdin_it_ends_at_once(tmp_path: Path) -> None:
    ended = subprocess.run(
        [sys.executable, *COMMAND, "--no-log", "--model", "scripted:Answer: 4"],
        stdin=subprocess.DEVNULL, capture_output=True, timeout=30, check=False,
        env={**os.environ, "WAGGLEDANCE_HOME": str(tmp_path)},
    )  # fmt: skip
    assert (ended.returncode, ended.stdout) == (0, b"")


def founded(root: Path) -> None:
    """Found a swarm of three, each with a home of its own, as on three machines."""
    members: list[Member] = []
    for name in NAMES:
        key = new_key(Home(root / name).key_file(name))
        members.append(Member(key.peer, name, UNIT))
    genesis = Genesis(name="talk", members=tuple(sorted(members, key=lambda member: member.id)), quorum="crash")
    for name in NAMES:
        Home(root / name).keep_genesis(genesis)


def free_ports(count: int) -> list[int]:
    """Return ports of this machine that nobody listens at."""
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]


@asynccontextmanager
async def member(root: Path, at: int, ports: list[int]) -> AsyncGenerator[Client]:
    others = [f"--connect=tcp/127.0.0.1:{port}" for port in ports if port != ports[at]]
    server = started(root / NAMES[at], "--mesh", "talk", "--as", NAMES[at],
                     f"--listen=tcp/127.0.0.1:{ports[at]}", *others)  # fmt: skip
    async with Client(server) as client:
        yield client


def pid_of(name: str) -> int:
    """Return the process of a member's server."""
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                command = (folder / "cmdline").read_bytes().split(b"\0")
            except OSError:
                continue
            if b"mcp" in command and command[-1:] == [b""] and f"--as\0{name}\0".encode() in b"\0".join(command):
                return int(folder.name)
    raise AssertionError(f"{name} does not run")


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="looks for processes in /proc")
async def test_three_clients_on_three_peers_share_a_thread_and_the_death_of_its_opener_changes_nothing(
    tmp_path: Path,
) -> None:
    founded(tmp_path)
    ports = free_ports(3)
    async with AsyncExitStack() as stack:
        ann, bob, cee = [await stack.enter_async_context(member(tmp_path, at, ports)) for at in range(3)]
        for client in (ann, bob, cee):
            names = [tool.name for tool in (await client.list_tools()).tools]
            assert names[-4:] == ["thread_open", "thread_say", "thread_wait", "thread_close"]
        early = asyncio.create_task(used(cee, "thread_wait", mention=True, max_ms=60_000))
        thread = (await used(ann, "thread_open", title="which oak?", members=["bob", "cee"]))["thread"]
        said = await used(ann, "thread_say", thread=thread, text="cee, which oak?", mentions=["cee"])
        heard = (await early)["message"]
        late = (await used(bob, "thread_wait", thread=thread, since=[], max_ms=60_000))["message"]
        assert heard["id"] == late["id"] == said["id"], "the same message, waited for before and after"
        os.kill(pid_of("ann"), signal.SIGKILL)
        answer = await used(cee, "thread_say", thread=thread, text="the northern one", reply_to=heard["id"])
        got = (await used(bob, "thread_wait", since=late["since"], max_ms=60_000))["message"]
        assert (got["id"], got["reply_to"], got["from"]) == (answer["id"], said["id"], "cee")
        await used(bob, "thread_close", thread=thread, summary="the northern oak")
        closing = (await used(cee, "thread_wait", since=[answer["id"]], max_ms=60_000))["message"]
        assert (closing["kind"], closing["text"]) == ("close", "the northern oak")
        assert (await used(cee, "thread_close", thread=thread))["closed"], "two of three are enough"
        record = await used(cee, "log", channel=thread)
        assert "cee, which oak?" in record["text"], "what the dead one said stays"
        assert (await used(cee, "log"))["total"] == 0, "threads are no questions, nor is the lobby"
        read: Any = (await cee.read_resource("waggle://threads")).contents[0]
        assert "Summary by bob:\n> the northern oak" in read.text
