"""MCP over this process's stdin and stdout, for an agent that starts us.

The SDK reads stdin in a thread that nothing can wake but a line, so that a process told to end would wait for its
client. Where stdin is a pipe it is read by the event loop here.
"""

from __future__ import annotations

import asyncio
import os
import stat
import sys
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import TYPE_CHECKING, cast

from waggledance.gateways._host import Host
from waggledance.gateways._mcp_calls import McpCalls
from waggledance.gateways._mcp_gateway import check_installed
from waggledance.gateways._threads_desk import Desk

if TYPE_CHECKING:
    import anyio

LINE_BYTES = 16 << 20
"""Of one message; who sends more is hung up on."""


async def serve_stdio(host: Host, desk: Desk | None = None) -> None:
    """Speak MCP until the client hangs up; nothing else may print to stdout.

    Args:
        host: whose swarms. What it is at work on when the client hangs up is stopped.
        desk: the client's desk for threads; none when None.

    Raises:
        RunFailed: the package that speaks MCP is not installed.
    """
    check_installed()
    from mcp.server.stdio import stdio_server

    from waggledance.gateways._mcp_server import McpServer

    server = McpServer(McpCalls(host, lambda _caller: desk)).server
    pipe = await _pipe()
    try:
        if pipe is None:  # a file, which never makes anybody wait
            async with stdio_server() as (receiving, sending):
                await server.run(receiving, sending, server.create_initialization_options())
        else:
            async with aclosing(_lines(pipe[1])) as lines:
                stdin = cast("anyio.AsyncFile[str]", lines)  # of which the SDK only iterates over the lines
                async with stdio_server(stdin) as (receiving, sending):
                    await server.run(receiving, sending, server.create_initialization_options())
    finally:
        if pipe is not None:
            pipe[0].close()
        await host.drain(0.0)


async def _pipe() -> tuple[asyncio.ReadTransport, asyncio.StreamReader] | None:
    """Return stdin as the event loop reads it; None where it is no pipe."""
    mode = os.fstat(sys.stdin.fileno()).st_mode
    if not (stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode)):
        return None
    loop, reader = asyncio.get_running_loop(), asyncio.StreamReader(limit=LINE_BYTES)
    copy = os.fdopen(os.dup(sys.stdin.fileno()), "rb", buffering=0)
    transport, _ = await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), copy)
    return transport, reader


async def _lines(reader: asyncio.StreamReader) -> AsyncGenerator[str]:
    try:
        while line := await reader.readline():
            yield line.decode(errors="replace")
    except ValueError:  # a line that is too long
        return
