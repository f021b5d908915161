"""Where A2A is spoken by gRPC: a port of its own beside the one of all other doors."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib.util import find_spec
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from waggledance.core import RunFailed, UsageError, with_extra
from waggledance.gateways._anp_strangers import Strangers
from waggledance.gateways._keys import Keys
from waggledance.gateways._limits import Limits, Pace

if TYPE_CHECKING:
    from waggledance.gateways._a2a_requests import Requests

LAST_WORDS_S = 5.0
"""How long streams may take to be read to their ends, once all tasks have ended."""


class GrpcPlace:
    """A port for A2A's gRPC binding; give it to `A2A`. Made inside the event loop that serves it.

    Args:
        where: ``"HOST:PORT"``, as in ``"127.0.0.1:50051"`` or ``"[::1]:0"``; port 0 takes a free one, see `port`.
        keys: who may call.
        strangers: who may call by their name on the web. With neither keys nor strangers everyone may.
        limits: the largest request; 10 MiB when None.
        pace: counts each caller's requests, together with those that come by HTTP; of its own, by the limits, when
            None.

    Raises:
        UsageError: it is no such place, or the port is taken or may not be used.
        RunFailed: the extra ``grpc`` is not installed.
    """

    def __init__(
        self,
        where: str,
        *,
        keys: Keys | None = None,
        strangers: Strangers | None = None,
        limits: Limits | None = None,
        pace: Pace | None = None,
    ) -> None:
        self.address, port = place_of(where)
        if find_spec("grpc") is None or find_spec("a2a") is None:
            raise RunFailed(with_extra("A2A by gRPC needs the packages a2a-sdk and grpcio", "grpc"))
        from waggledance.gateways._a2a_grpc_service import server_for

        limits = limits or Limits()
        self._draining = _never
        self._server = server_for(keys, strangers, limits.body_bytes, pace or limits.pace(), self._stopping)
        name = f"[{self.address}]" if ":" in self.address else self.address
        try:
            self.port: int = self._server.add_insecure_port(f"{name}:{port}")
        except RuntimeError as why:
            raise UsageError(
                f"cannot listen on {where} for gRPC: is it taken? Choose another --grpc HOST:PORT"
            ) from why

    def _stopping(self) -> bool:
        return self._draining()

    async def open(self, served: Mapping[str, tuple[Requests, str]], first: str, draining: Callable[[], bool]) -> None:
        """Begin to answer.

        Args:
            served: by the name of the swarm what its callers may do, and its HTTP address where that is known.
            first: the swarm that is asked where a request names none.
            draining: says whether the server is stopping.
        """
        from waggledance.gateways._a2a_grpc_service import serve_with

        self._draining = draining
        serve_with(self._server, served, first)
        await self._server.start()

    async def close(self) -> None:
        """Let streams be read to their ends, and stop; harmless where it was never opened."""
        await self._server.stop(LAST_WORDS_S)


def place_of(where: str) -> tuple[str, int]:
    """Return an address and a port.

    >>> place_of("[::1]:50051")
    ('::1', 50051)

    Raises:
        UsageError: it is no ``HOST:PORT``.
    """
    parts = _parts(where)
    if parts is None:
        raise UsageError(f"gRPC is served at HOST:PORT, as in 127.0.0.1:50051, got {where!r:.80}")
    return parts


def _parts(where: str) -> tuple[str, int] | None:
    try:
        parts = urlsplit(f"//{where}")
        address, port = parts.hostname, parts.port
    except ValueError:
        return None
    if not address or port is None or parts.netloc != where or "@" in where:
        return None
    return address, port


def _never() -> bool:
    return False
