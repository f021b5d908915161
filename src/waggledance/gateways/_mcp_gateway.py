"""The MCP door: Streamable HTTP at ``/mcp``, and the same over stdin and stdout.

A client of revision 2026-07-28 needs no session; an older one gets one by its handshake, which only its own key opens.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from importlib.util import find_spec
from typing import TYPE_CHECKING

from waggledance.core import Log, RunFailed, with_extra
from waggledance.gateways._guard import ANYONE
from waggledance.gateways._host import Host
from waggledance.gateways._keys import Keys
from waggledance.gateways._mcp_calls import McpCalls
from waggledance.gateways._threads_desk import Desk
from waggledance.gateways._threads_place import LocalThreads

if TYPE_CHECKING:
    from mcp.server.streamable_http_manager import StreamableHTTPSessionManager
    from starlette.routing import BaseRoute
    from starlette.types import Receive, Scope, Send

PATH = "/mcp"
BODY_BYTES = 64 << 20
"""No limit of ours: the guard before all doors has one, and it is smaller."""
MAX_SESSIONS = 1_000
"""Of older clients, at a time."""


class McpGateway:
    """MCP over HTTP.

    Args:
        host: whose swarms.
        desks: gives a caller's desk for threads; None where it has none.

    Raises:
        RunFailed: the package that speaks MCP is not installed.
    """

    name = "mcp"

    def __init__(self, host: Host, desks: Callable[[str], Desk | None] = lambda _caller: None) -> None:
        check_installed()
        self._calls = McpCalls(host, desks)
        self._manager: StreamableHTTPSessionManager | None = None

    def routes(self) -> Sequence[BaseRoute]:
        """Return the one route."""
        from starlette.routing import Route

        return [Route(PATH, _Endpoint(self))]

    def lifespan(self) -> AbstractAsyncContextManager[None]:
        """Hold the sessions of older clients while the server runs."""
        return self._live()

    async def answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one HTTP request.

        Raises:
            RunFailed: the server does not run.
        """
        from mcp.server.auth.middleware.bearer_auth import AuthenticatedUser
        from mcp.server.auth.provider import AccessToken

        if self._manager is None:
            raise RunFailed("the MCP door is closed: it is open within its lifespan only")
        caller: str = scope.get("waggle.caller", ANYONE)
        scope["user"] = AuthenticatedUser(AccessToken(token="", client_id=caller, scopes=[]))
        await self._manager.handle_request(scope, receive, send)

    @asynccontextmanager
    async def _live(self) -> AsyncGenerator[None]:
        from mcp.server.streamable_http_manager import StreamableHTTPSessionManager

        from waggledance.gateways._mcp_server import McpServer

        self._manager = StreamableHTTPSessionManager(
            McpServer(self._calls).server, max_request_body_size=BODY_BYTES, max_sessions=MAX_SESSIONS
        )
        try:
            async with self._manager.run():
                yield
        finally:
            self._manager = None


def check_installed() -> None:
    """Say what to install where MCP cannot be spoken.

    Raises:
        RunFailed: the package `mcp` is not installed.
    """
    if find_spec("mcp") is None:
        raise RunFailed(with_extra("MCP needs the package mcp", "mcp"))


def desks_of(keys: Keys | None, log: Log | None = None) -> Callable[[str], Desk | None]:
    """Return the desks of those who have API keys: agents that are let in can talk with each other.

    Nobody has one where there are fewer than two keys: there is nobody to talk with, or nobody can be told apart.

    Args:
        keys: who may come in.
        log: where threads are kept; in memory when None.
    """
    if keys is None or len(keys.names) < 2:
        return lambda _caller: None
    threads = LocalThreads(keys.names, log=log)
    desks = {name: Desk(threads.at(name)) for name in keys.names}
    return desks.get


class _Endpoint:
    """An ASGI app for the route; a class, so that Starlette hands it every method."""

    def __init__(self, door: McpGateway) -> None:
        self._door = door

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._door.answer(scope, receive, send)
