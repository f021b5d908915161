"""The guard before all doors: origin, key, pace and size are looked at before any of them hears of a request.

Bound to this machine alone and without keys, a server can still be reached by a page in this machine's browser. So a
request from another page's origin is refused unless that origin is allowed, and so is one for a host name that is not
ours (a page can make its own name point here).
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Collection
from contextlib import suppress
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from waggledance.gateways._anp_header import SCHEME
from waggledance.gateways._anp_strangers import Stranger, Strangers
from waggledance.gateways._keys import Keys
from waggledance.gateways._limits import Limits, Pace
from waggledance.gateways._loopback import host_name
from waggledance.gateways._refusal import refusal

if TYPE_CHECKING:
    from starlette.requests import HTTPConnection
    from starlette.responses import Response
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

ANYONE = "local"
"""The caller where no keys are asked for."""
OPEN_PATHS = ("/healthz", "/.well-known/")
OPEN_CARD = re.compile(r"/a2a/[^/]+/\.well-known/agent-card\.json")
"""What may be seen without a key: whether the server is well, and public cards, at the root and under a swarm's path.

The whole path of a card, and not only its end: other doors have paths that end in what a caller likes.
"""
DISCARDED = 8
"""So many times the limit of a request is read and thrown away, before its sender is told that it is too large."""
STALLED_S = 60.0
"""How long the next piece of a request is waited for."""
_CALLER = "waggle.caller"


def caller_of(connection: HTTPConnection) -> str:
    """Return who asks: the name of their key, or ``"local"`` where no keys are asked for."""
    caller: str = connection.scope.get(_CALLER, ANYONE)
    return caller


async def caller_by(said: str, key: str, keys: Keys | None, strangers: Strangers | None) -> str | None:
    """Return who asks, by what they show; None where that is nobody who may come in.

    Args:
        said: the value of ``Authorization``; empty where there is none.
        key: the value of ``X-Api-Key``; empty where there is none.
        keys: who may come in.
        strangers: who may come in by their name on the web. With neither keys nor strangers everyone may.

    Raises:
        Stranger: a name on the web is not let in; says why.
    """
    kind, _, bearer = said.partition(" ")
    if strangers is not None and kind.lower() == SCHEME.lower():
        return await strangers.holder(said)
    if keys is None:
        return ANYONE if strangers is None else None
    return keys.holder((bearer if kind.lower() == "bearer" else key).strip())


class NotRead(Exception):
    """A request's body cannot be read; raised where a door reads it, and answered by the guard."""


class TooLarge(NotRead):
    """It is over the limit: 413."""


class TooSlow(NotRead):
    """The client sends no more of it, and does not leave either: 408."""


class Guard:
    """ASGI middleware that lets in only what may come in.

    Args:
        app: what lies behind.
        keys: who may come in; everyone when None.
        limits: how much of it.
        origins: whose pages may call us, such as ``"https://chat.example"``; ``"*"`` for all.
        hosts: the host names that we go by; any when empty.
        draining: says whether the server is stopping.
        unkeyed: how the paths begin of doors that say themselves who may come in.
        pace: how often each caller may come; as often as they like when None.
        strangers: who may come in by their name on the web, beside those with keys; nobody when None.
    """

    def __init__(
        self,
        app: ASGIApp,
        keys: Keys | None,
        limits: Limits,
        origins: Collection[str],
        hosts: Collection[str],
        draining: Callable[[], bool],
        unkeyed: Collection[str],
        pace: Pace | None,
        strangers: Strangers | None,
    ) -> None:
        self._app, self._keys, self._strangers, self._limits = app, keys, strangers, limits
        self._origins, self._hosts, self._draining = frozenset(origins), frozenset(hosts), draining
        self._open = (*OPEN_PATHS, *unkeyed)
        self._pace = pace

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or refuse it."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        headers: dict[bytes, bytes] = dict(scope["headers"])
        refused = await self._refused(scope, headers)
        if refused is not None:
            await refused(scope, receive, send)
            return
        await self._sized(scope, receive, send)

    async def _refused(self, scope: Scope, headers: dict[bytes, bytes]) -> Response | None:
        path: str = scope["path"]
        if self._hosts and host_name(headers.get(b"host", b"").decode("latin-1")) not in self._hosts:
            return refusal(403, "this server does not go by the host name that was asked for", "host_not_allowed")
        origin = headers.get(b"origin")
        if origin is not None and not self._may_come_from(origin.decode("latin-1"), headers.get(b"host", b"")):
            return refusal(403, "pages of this origin may not call; allow it with --cors-origin", "origin_not_allowed")
        if path.startswith(self._open) or OPEN_CARD.fullmatch(path):
            return None
        try:
            caller = await self._caller(headers)
        except Stranger as why:
            realm = "" if self._strangers is None else self._strangers.realm
            return refusal(why.status, str(why), why.error, challenge=why.challenge(realm))
        if caller is None:
            return self._unknown()
        scope[_CALLER] = caller
        if self._draining() and scope.get("method", "POST") == "POST":  # a WebSocket has no method
            return refusal(503, "the server is stopping and takes no new questions", "draining", retry_after_s=5)
        wait_s = 0.0 if self._pace is None else self._pace.wait_s(caller, asyncio.get_running_loop().time())
        if wait_s > 0:
            a_minute = f"{self._limits.a_minute} requests a minute are let through"
            return refusal(429, f"{a_minute}; ask again later", "rate_limit_exceeded", retry_after_s=wait_s)
        return None

    def _unknown(self) -> Response:
        if self._keys is None:
            what = "requests are signed by a name that may come in; send it as: Authorization: DIDWba did=…"
            return refusal(401, what, "invalid_request", challenge=SCHEME)
        what = "the API key is missing or wrong; send it as: Authorization: Bearer KEY"
        return refusal(401, what, "invalid_api_key")

    def _may_come_from(self, origin: str, host: bytes) -> bool:
        return "*" in self._origins or origin in self._origins or urlsplit(origin).netloc == host.decode("latin-1")

    async def _caller(self, headers: dict[bytes, bytes]) -> str | None:
        said, key = (headers.get(name, b"").decode("latin-1") for name in (b"authorization", b"x-api-key"))
        return await caller_by(said, key, self._keys, self._strangers)

    async def _sized(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on while its body is no larger than it may be, whatever it says of its length."""
        seen, answered, sending = 0, False, scope["type"] == "http"

        async def limited() -> Message:
            nonlocal seen, sending
            if sending:
                try:
                    async with asyncio.timeout(STALLED_S):
                        message = await receive()
                except TimeoutError:
                    raise TooSlow from None
                sending = bool(message.get("more_body"))
            else:  # a client that waits for its answer may take its time
                message = await receive()
            seen += len(message.get("body", b""))
            if seen > self._limits.body_bytes:
                raise TooLarge
            return message

        async def told(message: Message) -> None:
            nonlocal answered
            answered = True
            await send(message)

        try:
            await self._app(scope, limited, told)
        except TooSlow:
            if answered:
                raise
            what = f"nothing more of the request came for {STALLED_S:g} s"
            await refusal(408, what, "request_timeout")(scope, receive, send)
        except TooLarge:
            if answered:
                raise
            with suppress(TimeoutError):
                async with asyncio.timeout(STALLED_S):
                    while sending and seen < DISCARDED * self._limits.body_bytes:  # most listen only when all is sent
                        message = await receive()
                        seen += len(message.get("body", b""))
                        sending = bool(message.get("more_body"))
            await self._too_large()(scope, receive, send)

    def _too_large(self) -> Response:
        size = f"{self._limits.body_bytes:,}"
        return refusal(413, f"the request has more than {size} bytes, which is the limit", "request_too_large")
