"""A2A's gRPC binding, on a port of its own: the SDK's service over the same operations as the other two bindings.

A gRPC server speaks HTTP/2 as no browser and no ASGI server does, so it listens beside the others, and the guard before
them does not see its calls: who calls (API key), how often and how much is looked at here, by the same keys, the same
pace and the same limit. One port serves all swarms: a request's ``tenant`` says which, as each swarm's card does.

Source: Agent2Agent protocol 1.0, §10 (gRPC), §3.6 (versions), §4.4.6 (interfaces and their tenants).
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Callable, Mapping
from contextvars import ContextVar
from typing import Any, cast

import grpc
import grpc.aio
from a2a.server.context import ServerCallContext
from a2a.server.request_handlers.grpc_handler import GrpcHandler, GrpcServerCallContextBuilder
from a2a.server.request_handlers.request_handler import RequestHandler
from a2a.types import a2a_pb2_grpc
from a2a.utils.constants import VERSION_HEADER
from a2a.utils.errors import InvalidParamsError
from google.protobuf.message import DecodeError

from waggledance.gateways._a2a_bindings import VERSION, check_version
from waggledance.gateways._a2a_requests import BASE, CALLER, Requests
from waggledance.gateways._anp_header import SCHEME
from waggledance.gateways._anp_strangers import Stranger, Strangers
from waggledance.gateways._guard import caller_by
from waggledance.gateways._keys import Keys
from waggledance.gateways._limits import Pace

logger = logging.getLogger(__name__)

_LET_IN: ContextVar[str] = ContextVar("_LET_IN")
"""Who the guard let in; a call is guarded and answered in one task."""


def server_for(
    keys: Keys | None, strangers: Strangers | None, body_bytes: int, pace: Pace | None, draining: Callable[[], bool]
) -> grpc.aio.Server:
    """Return a server that lets in only what may come in, and answers nothing yet.

    Args:
        keys: who may call.
        strangers: who may call by their name on the web. With neither keys nor strangers everyone may.
        body_bytes: the largest request.
        pace: how often each caller may call; as often as they like when None.
        draining: says whether new questions are refused.
    """
    options = [
        ("grpc.max_receive_message_length", body_bytes),
        ("grpc.so_reuseport", 0),  # else two servers share a port, and a caller meets either
    ]
    return grpc.aio.server(interceptors=[_Guard(keys, strangers, pace, draining)], options=options)


def serve_with(server: grpc.aio.Server, served: Mapping[str, tuple[Requests, str]], first: str) -> None:
    """Let a server answer for swarms; see `GrpcPlace.open`."""
    handler = GrpcHandler(cast("RequestHandler", _BySwarm(served, first)), _Contexts())
    register: Any = a2a_pb2_grpc  # generated, without types
    register.add_A2AServiceServicer_to_server(handler, server)


class _BySwarm:
    """Passes an operation on to the swarm that its request is for."""

    def __init__(self, served: Mapping[str, tuple[Requests, str]], first: str) -> None:
        self._served, self._first = served, first

    def __getattr__(self, operation: str) -> Callable[[Any, ServerCallContext], Any]:
        def called(params: Any, context: ServerCallContext) -> Any:
            name = context.tenant or self._first
            if name not in self._served:
                known = ", ".join(map(repr, self._served))
                raise InvalidParamsError(f"there is no swarm {name[:80]!r} here to be the tenant; there are {known}")
            requests, context.state[BASE] = self._served[name]
            return getattr(requests, operation)(params, context)

        return called


class _Contexts(GrpcServerCallContextBuilder):
    """Says who calls, and refuses other versions of the protocol."""

    def build(self, context: grpc.aio.ServicerContext[Any, Any]) -> ServerCallContext:
        """Return what a call's operation may know of it.

        Raises:
            VersionNotSupportedError: it is of another version of the protocol.
        """
        said = _said(context.invocation_metadata())
        check_version(said.get(VERSION_HEADER.lower(), VERSION))
        return ServerCallContext(state={"headers": {VERSION_HEADER: VERSION}, CALLER: _LET_IN.get()})


class _Guard(grpc.aio.ServerInterceptor):
    """Lets in only what may come in: key, whether the server is stopping, pace."""

    def __init__(
        self, keys: Keys | None, strangers: Strangers | None, pace: Pace | None, draining: Callable[[], bool]
    ) -> None:
        self._keys, self._strangers, self._pace, self._draining = keys, strangers, pace, draining

    async def intercept_service(
        self,
        continuation: Any,
        handler_call_details: grpc.HandlerCallDetails,
    ) -> grpc.RpcMethodHandler[Any, Any]:
        """Pass a call on, or refuse it."""
        refused = await self._refused(handler_call_details)
        if refused is None:
            return _told_well(await continuation(handler_call_details))
        code, why = refused

        async def refuse(_: Any, context: grpc.aio.ServicerContext[Any, Any]) -> None:
            await context.abort(code, why)

        return grpc.unary_unary_rpc_method_handler(cast("Any", refuse))

    async def _refused(self, details: grpc.HandlerCallDetails) -> tuple[grpc.StatusCode, str] | None:
        said = _said(details.invocation_metadata)
        shown = said.get("authorization", ""), said.get("x-api-key", "")
        try:
            caller = await caller_by(*shown, self._keys, self._strangers)
        except Stranger as why:
            code = grpc.StatusCode.PERMISSION_DENIED if why.status == 403 else grpc.StatusCode.UNAUTHENTICATED
            return code, str(why)
        if caller is None:
            what = "Bearer KEY" if self._keys is not None else f"{SCHEME} did=…"
            return grpc.StatusCode.UNAUTHENTICATED, f"who calls is not known; say it in metadata: authorization: {what}"
        if self._draining() and details.method.rpartition("/")[2].startswith("Send"):
            return grpc.StatusCode.UNAVAILABLE, "the server is stopping and takes no new questions"
        wait_s = 0.0 if self._pace is None else self._pace.wait_s(caller, asyncio.get_running_loop().time())
        if wait_s > 0:
            return grpc.StatusCode.RESOURCE_EXHAUSTED, f"too many requests; ask again in {wait_s:.0f} s or later"
        _LET_IN.set(caller)
        return None


def _told_well(handler: Any) -> grpc.RpcMethodHandler[Any, Any]:
    """Return a method that refuses what it cannot read as the caller's mistake, and tells a bug by its class alone."""
    if handler is None or handler.request_streaming:  # a method that there is not
        return cast("grpc.RpcMethodHandler[Any, Any]", handler)

    async def read(raw: bytes, context: grpc.aio.ServicerContext[Any, Any]) -> Any:
        try:
            return handler.request_deserializer(raw)
        except DecodeError:
            await context.abort(
                grpc.StatusCode.INVALID_ARGUMENT, "the request is no message of this method, or too deep"
            )

    async def one(raw: bytes, context: grpc.aio.ServicerContext[Any, Any]) -> Any:
        request = await read(raw, context)
        try:
            return await handler.unary_unary(request, context)
        except grpc.aio.AbortError:
            raise
        except Exception as why:  # noqa: BLE001 - whatever it is, the caller is told no more than its class
            await _broken(why, context)

    async def many(raw: bytes, context: grpc.aio.ServicerContext[Any, Any]) -> AsyncGenerator[Any]:
        request = await read(raw, context)
        try:
            async for event in handler.unary_stream(request, context):
                yield event
        except grpc.aio.AbortError:
            raise
        except Exception as why:  # noqa: BLE001 - as above
            await _broken(why, context)

    if handler.response_streaming:
        return grpc.unary_stream_rpc_method_handler(cast("Any", many), None, handler.response_serializer)
    return grpc.unary_unary_rpc_method_handler(cast("Any", one), None, handler.response_serializer)


async def _broken(why: Exception, context: grpc.aio.ServicerContext[Any, Any]) -> None:
    logger.error("a call by gRPC", exc_info=why)
    what = f"an error of ours ({type(why).__name__}); the server's log says where"
    await context.abort(grpc.StatusCode.INTERNAL, what)


def _said(metadata: Any) -> dict[str, str]:
    """Return what is said beside a call, as text, by lower-case names."""
    return {str(key).lower(): value for key, value in metadata or () if isinstance(value, str)}
