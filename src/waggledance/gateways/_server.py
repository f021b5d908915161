"""A server that stops in good order: told to end, it takes no new questions, lets those at work end, and then goes.

While it drains it goes on listening, so that whoever asks is told so (503) and `/healthz` says it to whoever balances
load. Told to end a second time, it stops what is still at work at once.
"""

from __future__ import annotations

import asyncio
import socket
from types import FrameType
from typing import TYPE_CHECKING

import uvicorn

from waggledance.core import UsageError
from waggledance.gateways._chat_frames import MAX_FRAME_BYTES
from waggledance.gateways._host import Host

if TYPE_CHECKING:
    from starlette.applications import Starlette

LAST_WORDS_S = 5.0
"""How long clients may take to read the ends of their answers, once all orders have ended."""
BACKLOG = 2_048


class Server(uvicorn.Server):
    """Serves an app on one port until it is told to end.

    Args:
        app: as `app_of` made it.
        host: the swarms behind it.
        address: where to listen, as a name or a number; ``"127.0.0.1"`` is this machine alone.
        port: on which port, 0 to 65535; 0 takes a free one, see `port`.
        drain_s: how long orders at work may still take, ≥ 0 s; what takes longer is cancelled.

    Raises:
        UsageError: the port is taken or may not be used, or the address is not this machine's.
    """

    def __init__(
        self, app: Starlette, host: Host, *, address: str = "127.0.0.1", port: int = 8000, drain_s: float = 30.0
    ) -> None:
        if not 0 <= port <= 65_535:
            raise UsageError(f"a port lies between 0 and 65535, got {port}")
        if not drain_s >= 0:
            raise UsageError(f"orders at work get 0 s or more to end, got {drain_s}")
        self._host, self._drain_s = host, drain_s
        self._socket = _listening(address, port)
        self._draining: asyncio.Task[None] | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        super().__init__(
            uvicorn.Config(
                app,
                log_config=None,
                access_log=False,
                lifespan="on",
                server_header=False,
                ws="websockets-sansio",
                ws_max_size=2 * MAX_FRAME_BYTES,  # more than a room takes, so that it can say so
                timeout_graceful_shutdown=round(LAST_WORDS_S),
            )
        )

    @property
    def port(self) -> int:
        """The port that it listens on."""
        port: int = self._socket.getsockname()[1]
        return port

    @property
    def address(self) -> str:
        """Where it listens, as it stands in a URL: ``"127.0.0.1:8000"``."""
        name: str = self._socket.getsockname()[0]
        return f"[{name}]:{self.port}" if ":" in name else f"{name}:{self.port}"

    async def serve(self, sockets: list[socket.socket] | None = None) -> None:
        """Serve until told to end."""
        self._loop = asyncio.get_running_loop()
        await super().serve(sockets=[self._socket])

    def close(self) -> None:
        """Give the port back, where it was never served."""
        self._socket.close()

    def stop(self) -> None:
        """Tell it to end, from any thread; told again, it ends at once."""
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._end)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """End on SIGTERM and Ctrl-C."""
        self.stop()

    def _end(self) -> None:
        if self._draining is None:
            self._draining = asyncio.create_task(self._drain(self._drain_s))
        else:
            self._draining.cancel()
            self._draining = asyncio.create_task(self._drain(0.0))

    async def _drain(self, within_s: float) -> None:
        await self._host.drain(within_s)
        self.should_exit = True


def _listening(address: str, port: int) -> socket.socket:
    """Return a socket that listens."""
    listening: socket.socket | None = None
    try:
        family, kind, proto, _, place = socket.getaddrinfo(address, port, type=socket.SOCK_STREAM)[0]
        listening = socket.socket(family, kind, proto)
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(place)
        listening.listen(BACKLOG)
        listening.setblocking(False)
    except OSError as why:
        if listening is not None:
            listening.close()
        raise UsageError(
            f"cannot listen on {address} port {port}: {(why.strerror or str(why)).lower()}. Choose another --port"
        ) from why
    return listening
