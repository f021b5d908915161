"""The A2A door: the swarms that are served as agents of the Agent2Agent protocol, version 1.0.

The first swarm (or the one called ``"default"``) is at the server's root, and every swarm under ``/a2a/NAME``: its card
at ``/.well-known/agent-card.json``, JSON-RPC at the card's own address, HTTP+JSON beside it, and gRPC on a port of its
own where that is wanted, with equal tasks in all.
"""

from __future__ import annotations

import math
from collections.abc import AsyncGenerator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from email.utils import formatdate
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit

from waggledance.core import Key, LoopClock, RunFailed, UsageError, with_extra
from waggledance.gateways._host import DEFAULT, Host

if TYPE_CHECKING:
    from a2a.types import AgentCard
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.routing import BaseRoute

    from waggledance.gateways._a2a_grpc import GrpcPlace
    from waggledance.gateways._a2a_requests import Requests
    from waggledance.gateways._a2a_webhook import Webhooks

CARD_PATH = "/.well-known/agent-card.json"
_MAX_CARDS = 64


class A2A:
    """The A2A door.

    Args:
        host: the swarms that are served.
        url: the server's address as callers know it, such as ``"https://swarm.example"``; as each request names it
            when empty.
        keyed: whether callers may show an API key; then the card says so, and there is an extended card.
        named: whether callers may sign as a name on the web; the same.
        webhooks: which addresses notifications may go to; public ones when None.
        key: signs the cards; nobody does when None.
        tasks: the file in which tasks are kept; beside the host's log when None, and in memory where it has none.
        wait_s: how many seconds a caller who wants to wait for a task's end does wait at most, ≥ 0, and then is given
            the task as it is, still at work: for proxies that cut what is silent for long. To the end when None, as
            the protocol has it.
        grpc: where it is spoken by gRPC too; nowhere when None.

    Raises:
        UsageError: `wait_s` is negative or no number.
        RunFailed: the extra ``a2a`` is not installed.
    """

    name = "a2a"

    def __init__(
        self,
        host: Host,
        *,
        url: str = "",
        keyed: bool = False,
        named: bool = False,
        webhooks: Webhooks | None = None,
        key: Key | None = None,
        tasks: Path | None = None,
        wait_s: float | None = None,
        grpc: GrpcPlace | None = None,
    ) -> None:
        if wait_s is not None and not (math.isfinite(wait_s) and wait_s >= 0):
            raise UsageError(f"an A2A caller waits 0 seconds or more for a task, got {wait_s}; None waits to its end")
        if find_spec("a2a") is None or find_spec("sse_starlette") is None:
            raise RunFailed(with_extra("the A2A door needs the package a2a-sdk", "a2a"))
        from waggledance.gateways._a2a_ledger import Ledger
        from waggledance.gateways._a2a_push import Pushes
        from waggledance.gateways._a2a_webhook import Webhooks
        from waggledance.gateways._a2a_work import Work

        if tasks is None and host.log is not None:
            tasks = host.log.path.with_name(f"{host.log.path.name}.a2a")
        self._host, self._url, self._key, self._wait_s = host, url.rstrip("/"), key, wait_s
        self._keyed, self._named = keyed, named
        self._grpc = grpc
        self._opened = formatdate(LoopClock().wall_ms() // 1_000, usegmt=True)
        self._work = Work(host, Ledger(tasks))
        self._pushes = Pushes(self._work, webhooks or Webhooks())
        self._cards: dict[tuple[str, str, tuple[str, ...] | None], AgentCard] = {}

    def routes(self) -> Sequence[BaseRoute]:
        """Return where the swarms' cards are, and where they are spoken to."""
        return [
            *self._routes_of(self._first, ""),
            *(route for name in self._host.swarms for route in self._routes_of(name, _path(name))),
        ]

    @property
    def _first(self) -> str:
        swarms = self._host.swarms
        return DEFAULT if DEFAULT in swarms else next(iter(swarms))

    def lifespan(self) -> AbstractAsyncContextManager[None]:
        """Bring tasks of an earlier process to their end; at the end, let notifications arrive."""
        return self._living()

    @asynccontextmanager
    async def _living(self) -> AsyncGenerator[None]:
        for id in await self._work.recover():
            self._pushes.resume(id)
        if self._grpc is not None:
            served = {
                name: (self._requests_of(name), self._url and self._url + _path(name)) for name in self._host.swarms
            }
            await self._grpc.open(served, self._first, lambda: self._host.draining)
        try:
            yield
        finally:
            await self._work.stop()
            if self._grpc is not None:
                await self._grpc.close()
            await self._pushes.close()
            self._work.ledger.close()

    def _routes_of(self, name: str, path: str) -> list[BaseRoute]:
        from starlette.routing import Route

        from waggledance.gateways._a2a_bindings import routes_for

        base = partial(self._base, path)

        async def card(request: Request) -> Response:
            return _served(request, self._card(name, base(request)), self._opened)

        return [Route(f"{path}{CARD_PATH}", card), *routes_for(path, self._requests_of(name), base)]

    def _requests_of(self, name: str) -> Requests:
        from waggledance.gateways._a2a_requests import Requests

        extended = partial(self._card, name, extended=True) if self._keyed or self._named else None
        return Requests(name, self._work, self._pushes, extended, self._wait_s)

    def _base(self, path: str, request: Request) -> str:
        return (self._url or str(request.base_url).rstrip("/")) + path

    def _card(self, name: str, url: str, *, extended: bool = False) -> AgentCard:
        """Return a swarm's card; signing takes a millisecond, so the last ones are kept."""
        from waggledance.gateways._a2a_agent_card import card_for

        hosted = self._host.swarms[name]
        place = (name, url, hosted.names if extended else None)
        if place not in self._cards:
            if len(self._cards) >= _MAX_CARDS:  # by callers that name us in many ways
                self._cards.clear()
            self._cards[place] = card_for(
                name, hosted, url, key=self._key, keyed=self._keyed, named=self._named, grpc=self._grpc_at(url),
                extended=extended,
            )  # fmt: skip
        return self._cards[place]

    def _grpc_at(self, url: str) -> str:
        """Return where a caller who knows us by an address finds gRPC: at the same host, on its own port."""
        if self._grpc is None:
            return ""
        host = (urlsplit(url).hostname if url else None) or self._grpc.address
        return f"[{host}]:{self._grpc.port}" if ":" in host else f"{host}:{self._grpc.port}"


def _path(name: str) -> str:
    """Return under which path a swarm is spoken to."""
    return f"/a2a/{quote(name, safe='')}"


def _served(request: Request, card: Any, changed: str) -> Response:
    """Return a card, or that it is the one which the caller has; it is as it was when the door was opened."""
    from blake3 import blake3
    from google.protobuf.json_format import MessageToJson
    from starlette.responses import Response

    body = MessageToJson(card, indent=None).encode()
    tag = f'"{blake3(body).hexdigest(16)}"'
    headers = {"etag": tag, "last-modified": changed, "cache-control": "max-age=60"}
    if request.headers.get("if-none-match") == tag:
        return Response(status_code=304, headers=headers)
    return Response(body, headers=headers, media_type="application/json")
