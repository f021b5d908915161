"""The studio's own server: one log, one port, until it is asked to stop."""

from __future__ import annotations

import logging
import socket
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING

from waggledance.core import UsageError, run_awake
from waggledance.studio._studio import Studio

if TYPE_CHECKING:
    import uvicorn
    from starlette.applications import Starlette

DEFAULT_PORT = 8765
LEAVE_WITHIN_S = 1
"""How long requests under way may take when the server stops."""

logger = logging.getLogger(__name__)


def serve(
    studio: Studio,
    host: str = "127.0.0.1",
    port: int | None = None,
    *,
    told: Callable[[str], None],
    ending: Callable[[], None] = lambda: None,
) -> None:
    """Serve a studio until Ctrl-C.

    Args:
        studio: what is served.
        host: what to bind to.
        port: where; 0 takes any that is free, and None the usual one or any that is free.
        told: called once with the address, when the port is open.
        ending: called once when it is asked to end, before it does.

    Raises:
        UsageError: the port cannot be had.
    """
    opened = open_port(host, port)
    with opened:
        told(studio.address(host, opened.getsockname()[1]))
        with suppress(KeyboardInterrupt):
            run_awake(server_of(studio, ending).serve(sockets=[opened]))


def open_port(host: str, port: int | None) -> socket.socket:
    """Return a listening socket.

    Raises:
        UsageError: the port is taken, or the host is none of this machine's.
    """
    try:
        return _listening(host, DEFAULT_PORT if port is None else port)
    except OSError as why:
        if port is None:
            with suppress(OSError):
                return _listening(host, 0)
        raise UsageError(
            f"the studio cannot listen at {host} port {DEFAULT_PORT if port is None else port}: "
            f"{(why.strerror or str(why)).lower()}. Choose another with --port, or --port 0 for any that is free"
        ) from why


def app_of(studio: Studio) -> Starlette:
    """Return the studio as an app of its own."""
    from starlette.applications import Starlette

    return Starlette(routes=list(studio.routes()), lifespan=lambda _: studio.lifespan())


def server_of(studio: Studio, ending: Callable[[], None] = lambda: None) -> uvicorn.Server:
    """Return the server of a studio: one that lets its viewers go first when it is asked to stop, for it waits for
    every answer to end, and theirs do not end by themselves. Before that it calls `ending`."""
    import uvicorn

    class Server(uvicorn.Server):
        async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
            ending()
            studio.live.close()
            await super().shutdown(sockets)

    config = uvicorn.Config(
        app_of(studio), log_config=None, access_log=False, server_header=False, lifespan="on",
        timeout_graceful_shutdown=LEAVE_WITHIN_S,
    )  # fmt: skip
    return Server(config)


def _listening(host: str, port: int) -> socket.socket:
    family, kind, protocol, _, address = socket.getaddrinfo(host or None, port, type=socket.SOCK_STREAM)[0]
    opened = socket.socket(family, kind, protocol)  # without the protocol asyncio lets small answers wait 40 ms
    try:
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        opened.bind(address)
        opened.listen(128)
    except BaseException:
        opened.close()
        raise
    return opened
