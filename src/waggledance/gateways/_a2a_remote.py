"""A remote A2A agent as it is spoken to: its card read and checked, a message sent, what comes back put together.

What a stranger sends is limited before it is read, and whatever is wrong with it is one error, `RemoteFailed`. The card
says where the agent is spoken to; an address on another host than the card's own is refused unless that host is named,
for else a card could send us anywhere. Redirects are not followed.

Source: Agent2Agent protocol 1.0, §3 (operations), §8 (cards), through the client of `a2a-sdk`.
"""

from __future__ import annotations

import asyncio
import json
import ssl
from collections.abc import AsyncGenerator, AsyncIterator, Collection
from contextlib import aclosing, asynccontextmanager
from functools import cache
from importlib.util import find_spec
from typing import TYPE_CHECKING, cast
from urllib.parse import urlsplit

import httpx
from a2a.client import Client, ClientCallContext, ClientConfig, ClientFactory
from a2a.client.card_resolver import parse_agent_card
from a2a.types import (
    AgentCard,
    CancelTaskRequest,
    GetTaskRequest,
    SendMessageRequest,
    StreamResponse,
    TaskState,
)
from a2a.utils.errors import A2AError
from google.protobuf.json_format import ParseError

from waggledance.core import PeerFault, RunFailed
from waggledance.gateways._a2a_heard import Heard
from waggledance.mesh import verify_card
from waggledance.mesh._a2a_card import EXTENSION, MAX_CARD_BYTES

if TYPE_CHECKING:
    import grpc.aio

BINDINGS = ("JSONRPC", "HTTP+JSON", "GRPC")
"""As we speak them; the last one where the extra ``grpc`` is installed."""
VERSIONS = ("1.", "0.3")
"""Of the protocol, that an agent may speak; what is said in 0.3 the SDK turns into 1.0 and back."""
CARD_PATH = "/.well-known/agent-card.json"
MAX_ANSWER_BYTES = 8 * 1024 * 1024
"""Of one response, a whole stream included."""
CANCEL_WITHIN_S = 3.0
POLL_S = (0.05, 0.1, 0.2, 0.5, 1.0, 2.0)
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1", "0.0.0.0"})  # noqa: S104 - a name, nothing is bound
WRONG = (
    *(A2AError, httpx.HTTPError, httpx.InvalidURL, httpx.StreamError, ParseError, PeerFault, OSError),
    *(ValueError, KeyError, TypeError, AttributeError, RecursionError),  # of the SDK, on answers of no form
)


class RemoteFailed(RunFailed):
    """A remote agent gave no answer that could be used; carries whose it is and why."""

    def __init__(self, name: str, url: str, why: str) -> None:
        super().__init__(name, url, why)
        self.name, self.url, self.why = name, url, why

    def __str__(self) -> str:
        return f"the A2A agent {self.name!r} at {self.url}: {self.why[:500]}"


class Remote:
    """How one agent is spoken to.

    Args:
        url: where its card lies, with or without the card's path.
        key: sent as a bearer token; none when empty.
        hosts: other hosts that its card may point to.
    """

    def __init__(self, url: str, *, key: str, hosts: Collection[str]) -> None:
        self.url = url.removesuffix(CARD_PATH).rstrip("/")
        self._headers = {"Authorization": f"Bearer {key}"} if key else {}
        self._said = ClientCallContext(service_parameters=self._headers)
        self._hosts = {host.lower() for host in hosts}
        self._card: AgentCard | None = None

    async def card(self) -> AgentCard:
        """Return the agent's card; read once, so that it cannot change under us. Raises any of `WRONG`."""
        if self._card is None:
            async with self._http() as http:
                answer = await http.get(self.url + CARD_PATH, follow_redirects=False)
                if answer.status_code != 200:
                    raise PeerFault("malformed", f"no card at {self.url}{CARD_PATH}: HTTP {answer.status_code}")
                raw = answer.content
            if len(raw) > MAX_CARD_BYTES:
                raise PeerFault("oversize", f"a card of {len(raw):,} bytes; the limit is {MAX_CARD_BYTES:,}")
            card = _parsed(raw)
            if any(extension.uri == EXTENSION for extension in card.capabilities.extensions):
                verify_card(raw)  # it says that it is a peer's of ours: then that peer signed it
            self._card = self._usable(card)
        return self._card

    @asynccontextmanager
    async def talk(self, *, streaming: bool) -> AsyncGenerator[Client]:
        """Open a conversation with the agent. Raises any of `WRONG`."""
        card = await self.card()
        async with self._http() as http:
            config = ClientConfig(
                httpx_client=http, streaming=streaming, polling=True, supported_protocol_bindings=list(_spoken()),
                grpc_channel_factory=self._channel,
            )  # fmt: skip
            async with ClientFactory(config).create(card) as client:
                yield client

    async def ask(self, client: Client, request: SendMessageRequest, heard: Heard) -> None:
        """Send a message and hear what comes back, until the agent has done what it does. Raises any of `WRONG`."""
        stream: AsyncIterator[StreamResponse] = client.send_message(request, context=self._said)
        read = 0
        async with aclosing(cast("AsyncGenerator[StreamResponse]", stream)) as events:
            async for event in events:
                read += event.ByteSize()
                if read > MAX_ANSWER_BYTES:
                    raise ValueError(f"more than {MAX_ANSWER_BYTES:,} bytes, which is the limit")
                heard.take(event)
        tries = 0
        while heard.task and heard.state in _AT_WORK:
            await asyncio.sleep(POLL_S[min(tries, len(POLL_S) - 1)])
            tries += 1
            heard.whole(await client.get_task(GetTaskRequest(id=heard.task), context=self._said))

    async def cancel(self, client: Client, task: str) -> None:
        """Tell the agent that nobody waits any more; whether it listens is its own affair."""
        try:
            async with asyncio.timeout(CANCEL_WITHIN_S):
                await client.cancel_task(CancelTaskRequest(id=task), context=self._said)
        except (*WRONG, TimeoutError):
            return

    def _usable(self, card: AgentCard) -> AgentCard:
        """Return a card with only those addresses that we speak to.

        Raises:
            PeerFault: there is none.
        """
        own, seen = _host(self.url), [i for i in card.supported_interfaces if i.protocol_binding in BINDINGS]
        usable = [i for i in seen if i.protocol_version.startswith(VERSIONS) and i.protocol_binding in _spoken()]
        near = [i for i in usable if _near(own, _host(i.url)) or _host(i.url) in self._hosts]
        if not near:
            what = ", ".join(f"{i.protocol_binding} {i.protocol_version} at {i.url[:100]}" for i in seen[:5])
            why = (
                "another host than its own; name it in hosts=[…]"
                if usable
                else "no binding that is spoken here (JSON-RPC, HTTP+JSON, or gRPC with the extra grpc; A2A 1 or 0.3)"
            )
            raise PeerFault("interfaces", f"the card offers {why}: {what or 'nothing'}")
        made = AgentCard()
        made.CopyFrom(card)
        del made.supported_interfaces[:]
        made.supported_interfaces.extend(near)
        return made

    def _channel(self, url: str) -> grpc.aio.Channel:
        from waggledance.gateways._a2a_channel import channel_to

        return channel_to(url, secure=self.url.startswith("https://"), max_bytes=MAX_ANSWER_BYTES)

    def _http(self) -> httpx.AsyncClient:
        transport = _Limited(httpx.AsyncHTTPTransport(verify=_tls()))
        timeout = httpx.Timeout(None, connect=10.0)  # the whole call has a limit of its own
        return httpx.AsyncClient(transport=transport, headers=self._headers, timeout=timeout)


_AT_WORK = (TaskState.TASK_STATE_SUBMITTED, TaskState.TASK_STATE_WORKING, TaskState.TASK_STATE_UNSPECIFIED)


def _parsed(raw: bytes) -> AgentCard:
    """Return a card of any version that we speak.

    Raises:
        PeerFault: it is none.
    """
    try:
        return parse_agent_card(json.loads(raw))
    except (ValueError, ParseError, RecursionError) as why:
        raise PeerFault("malformed", f"not an A2A card: {why}") from why


def _host(url: str) -> str:
    return (urlsplit(url if "://" in url else f"//{url}").hostname or "").lower()


@cache
def _spoken() -> tuple[str, ...]:
    return BINDINGS if find_spec("grpc") is not None else BINDINGS[:-1]


def _near(one: str, other: str) -> bool:
    return one == other or (one in _LOOPBACK and other in _LOOPBACK)


@cache
def _tls() -> ssl.SSLContext:
    """Return how servers are checked: made once, for it takes a moment to read all authorities."""
    return httpx.create_ssl_context()


class _Limited(httpx.AsyncBaseTransport):
    """A transport that stops reading when a response is larger than any that we want."""

    def __init__(self, inner: httpx.AsyncBaseTransport) -> None:
        self._inner = inner

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        response = await self._inner.handle_async_request(request)
        response.stream = _LimitedStream(cast("httpx.AsyncByteStream", response.stream))
        return response

    async def aclose(self) -> None:
        await self._inner.aclose()


class _LimitedStream(httpx.AsyncByteStream):
    def __init__(self, inner: httpx.AsyncByteStream) -> None:
        self._inner = inner

    async def __aiter__(self) -> AsyncIterator[bytes]:
        read = 0
        async for chunk in self._inner:
            read += len(chunk)
            if read > MAX_ANSWER_BYTES:
                raise httpx.ReadError(f"more than {MAX_ANSWER_BYTES:,} bytes, which is the limit")
            yield chunk

    async def aclose(self) -> None:
        await self._inner.aclose()
