"""A link to somebody else's MCP server: opened when first needed, used by many tasks, closed with all it has started.

The SDK's client must be left by the task that entered it, so a task of its own holds it. A server over stdio runs under
a keeper of ours, which ends it with its children, also when this process is killed, and drops what is no message. Over
HTTP a redirect stays on the server's origin (the SDK sees to that), and an answer has at most `MOST_BYTES`.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, suppress
from pathlib import Path
from typing import cast

import httpx2
from mcp import Client, MCPError, StdioServerParameters
from mcp.client.streamable_http import streamable_http_client
from mcp_types import CONNECTION_CLOSED

from waggledance.core import RunFailed
from waggledance.gateways import _mcp_keeper
from waggledance.peers._plain import line
from waggledance.tasks import _sandbox_keeper

MOST_BYTES = 4 << 20
"""Of one message."""
CLOSE_S = 8.0
"""How long a server may take to end; the SDK kills it after four."""


class ToolServerFailed(RunFailed):
    """An MCP server could not be used: which one, what was wanted of it, and what was seen."""

    def __init__(self, server: str, doing: str, seen: str) -> None:
        super().__init__(server, doing, seen)
        self.server, self.doing, self.seen = server, doing, seen

    def __str__(self) -> str:
        return f"the MCP server {self.server!r} could not {self.doing}: {self.seen}"


class McpLink:
    """One connection to a server.

    Args:
        name: what the server is called here.
        command: what starts it; over HTTP when empty.
        url: where it is, when there is no command.
        env: set in its environment, beside PATH, HOME and the like; nothing else of ours is in it.
        headers: sent with every request over HTTP.
        within_s: how long it may take to answer.
    """

    def __init__(
        self,
        name: str,
        *,
        command: Sequence[str],
        url: str,
        env: Mapping[str, str],
        headers: Mapping[str, str],
        within_s: float,
    ) -> None:
        self._name, self._command, self._url = name, tuple(command), url
        self._env, self._headers, self._within_s = dict(env), dict(headers), within_s
        self._ready: asyncio.Future[Client] = asyncio.get_running_loop().create_future()
        self._closing = asyncio.Event()
        self._task = asyncio.get_running_loop().create_task(self._hold())

    @property
    def works(self) -> bool:
        """Whether it is open, or opening."""
        return not self._task.done()

    async def client(self) -> Client:
        """Return the SDK's client, when it is connected.

        Raises:
            ToolServerFailed: the server does not start, does not answer in time, or speaks another protocol.
        """
        try:
            async with asyncio.timeout(self._within_s):
                return await asyncio.shield(self._ready)
        except TimeoutError:
            await self.close()
            raise ToolServerFailed(self._name, "be reached", f"it did not answer within {self._within_s:g} s") from None

    async def close(self) -> None:
        """End it, and the server with it. Closing twice is harmless."""
        self._closing.set()
        if not self._ready.done():
            self._task.cancel()
        await asyncio.wait((self._task,), timeout=CLOSE_S)

    async def _hold(self) -> None:
        try:
            async with AsyncExitStack() as stack:
                client = await stack.enter_async_context(await self._made(stack))
                if not self._ready.done():
                    self._ready.set_result(client)
                await self._closing.wait()
        except (Exception, asyncio.CancelledError) as why:
            if not self._ready.done():
                seen = "it was closed" if isinstance(why, asyncio.CancelledError) else seen_of(why)
                self._ready.set_exception(ToolServerFailed(self._name, "be reached", seen))
                self._ready.exception()  # whoever waits is told; nobody may be waiting any more
            if isinstance(why, asyncio.CancelledError):
                raise

    async def _made(self, stack: AsyncExitStack) -> Client:
        if self._command:
            command = kept(self._command)
            parameters = StdioServerParameters(
                command=command[0], args=list(command[1:]), env=self._env, encoding_error_handler="replace"
            )
            return Client(parameters, read_timeout_seconds=self._within_s)
        timeout = httpx2.Timeout(self._within_s, read=None)
        http = httpx2.AsyncClient(transport=_Bounded(), headers=self._headers, timeout=timeout)
        await stack.enter_async_context(http)
        return Client(streamable_http_client(self._url, http_client=http), read_timeout_seconds=self._within_s)


def kept(command: Sequence[str]) -> tuple[str, ...]:
    """Return the command that runs a server under our keeper; itself where there is none for this system."""
    if sys.platform != "linux":
        return tuple(command)
    keeper, folder = str(Path(_mcp_keeper.__file__)), str(Path(_sandbox_keeper.__file__).parent)
    return (sys.executable, "-I", "-S", keeper, folder, str(MOST_BYTES), *command)


def seen_of(why: BaseException) -> str:
    """Return what an error of the SDK's says, in one line; of several, the first."""
    while isinstance(why, BaseExceptionGroup):
        why = cast("BaseExceptionGroup[BaseException]", why).exceptions[0]
    if has_hung_up(why):
        return "it ended, or hung up"
    return line(str(why), 300) or type(why).__name__


def has_hung_up(why: BaseException) -> bool:
    """Say whether an error of the SDK's says that the connection is gone."""
    return isinstance(why, MCPError) and why.code == CONNECTION_CLOSED


class _Bounded(httpx2.AsyncHTTPTransport):
    """HTTP whose answers have a size that can be held; streams of events have theirs checked by the SDK, one by one."""

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        response = await super().handle_async_request(request)
        if not response.headers.get("content-type", "").startswith("text/event-stream"):
            assert isinstance(response.stream, httpx2.AsyncByteStream), "an async transport answers with one"
            response.stream = _BoundedStream(response.stream)
        return response


class _BoundedStream(httpx2.AsyncByteStream):
    def __init__(self, stream: httpx2.AsyncByteStream) -> None:
        self._stream = stream

    async def __aiter__(self) -> AsyncIterator[bytes]:
        seen = 0
        async for chunk in self._stream:
            seen += len(chunk)
            if seen > MOST_BYTES:
                raise httpx2.ReadError(f"an answer of more than {MOST_BYTES:,} bytes")
            yield chunk

    async def aclose(self) -> None:
        with suppress(httpx2.TransportError):
            await self._stream.aclose()
