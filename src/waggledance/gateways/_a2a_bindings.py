"""A2A's JSON-RPC and HTTP+JSON bindings of one swarm, as routes: the SDK's, with what it leaves open looked at first.

Before the SDK reads a request: its size (so that one that is too large is refused as at every other door), its media
type, its depth, its encoding, the state that tasks are filtered by (the SDK takes an unknown one for none), and the
version asked for. Who sends or wants ``application/json`` gets that; all others the protocol's own media type, which is
JSON too.

A request without the header ``A2A-Version`` is taken for what its method's name says it is, 1.0, because no other
version knows these methods; one with an empty header is of 0.3, as the protocol has it, and refused.

Source: Agent2Agent protocol 1.0, §3.6 (versions), §5.4 (errors), §9 (JSON-RPC), §11 (HTTP+JSON), §14.1 (media type).
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import Any, cast

from a2a.server.context import ServerCallContext
from a2a.server.jsonrpc_models import JSONParseError as RpcParseError
from a2a.server.request_handlers.response_helpers import build_error_response
from a2a.server.routes import create_jsonrpc_routes, create_rest_routes
from a2a.server.routes.common import ServerCallContextBuilder
from a2a.types import TaskState
from a2a.utils.constants import A2A_JSON_MEDIA_TYPE, VERSION_HEADER
from a2a.utils.error_handlers import build_rest_error_payload
from a2a.utils.errors import (
    A2AError,
    ContentTypeNotSupportedError,
    InvalidParamsError,
    InvalidRequestError,
    JSONParseError,
    VersionNotSupportedError,
)
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from waggledance.gateways._a2a_requests import BASE, CALLER, Requests
from waggledance.gateways._guard import caller_of

VERSION = "1.0"
MAX_DEPTH = 64
_JSON = "application/json"
Endpoint = Callable[[Request], Awaitable[Response]]


class Contexts(ServerCallContextBuilder):
    """Says who calls, at which address, in which version.

    Args:
        base: returns the swarm's address, from a request.
    """

    def __init__(self, base: Callable[[Request], str]) -> None:
        self._base = base

    def build(self, request: Request) -> ServerCallContext:
        """Return what a request's operation may know of it.

        Raises:
            VersionNotSupportedError: it is of another version of the protocol.
        """
        check_version(request.headers.get(VERSION_HEADER, request.query_params.get(VERSION_HEADER, VERSION)))
        headers = {**request.headers, VERSION_HEADER: VERSION}
        return ServerCallContext(state={"headers": headers, CALLER: caller_of(request), BASE: self._base(request)})


def check_version(asked: str) -> None:
    """Refuse another version of the protocol than ours.

    Raises:
        VersionNotSupportedError: it is another.
    """
    if asked.split(".")[:2] != VERSION.split("."):
        raise VersionNotSupportedError(
            f"this agent speaks A2A {VERSION}, and {asked[:20] or '0.3 (an empty header)'} was asked for"
        )


def routes_for(path: str, requests: Requests, base: Callable[[Request], str]) -> list[BaseRoute]:
    """Return the routes of one swarm.

    Args:
        path: where it is spoken to, without a slash at its end; empty for the root.
        requests: what its callers may do.
        base: returns its address, from a request.
    """
    contexts = Contexts(base)
    rpc = create_jsonrpc_routes(requests, f"{path}/", contexts)
    rest = create_rest_routes(requests, contexts, path_prefix=path)
    named = [route for route in rest if isinstance(route, Route)]  # no mount: tenants have paths of their own here
    checked: list[BaseRoute] = [_with(route, _checked_rpc) for route in rpc]
    if path:
        checked += [_with(route, _checked_rpc, path) for route in rpc]
    return checked + [_with(route, _checked_rest) for route in named]


def _with(route: Route, check: Callable[[Endpoint], Endpoint], path: str = "") -> Route:
    """Return a route whose requests are looked at before its endpoint sees them."""
    return Route(path or route.path, check(route.endpoint), methods=sorted(route.methods or ()))


def _checked_rpc(endpoint: Endpoint) -> Endpoint:
    async def answer(request: Request) -> Response:
        await request.body()  # raises what the guard answers when it is too large
        id: object = None
        try:
            _check_type(request)
            asked = await _json(request)
            if isinstance(asked, dict):
                fields = cast("dict[str, Any]", asked)
                id, params = fields.get("id"), fields.get("params")
                if fields.get("method") == "ListTasks" and isinstance(params, dict):
                    _check_state(cast("dict[str, Any]", params).get("status"))
        except JSONParseError as why:
            return JSONResponse(build_error_response(None, RpcParseError(message=str(why))))
        except (InvalidParamsError, ContentTypeNotSupportedError) as why:
            known = id if isinstance(id, str | int) and not isinstance(id, bool) else None
            return JSONResponse(build_error_response(known, why))
        return await endpoint(request)

    return answer


def _checked_rest(endpoint: Endpoint) -> Endpoint:
    async def answer(request: Request) -> Response:
        body = await request.body()
        try:
            if body:
                _check_type(request)
                await _json(request)
            if request.url.path.endswith("/tasks"):
                _check_state(request.query_params.get("status"))
        except JSONParseError as why:
            return _refused(InvalidRequestError(str(why)))
        except ContentTypeNotSupportedError as why:
            return _refused(why, 415)
        except A2AError as why:
            return _refused(why)
        response = await endpoint(request)
        if response.media_type == A2A_JSON_MEDIA_TYPE and _wants_plain_json(request):
            response.headers["content-type"] = _JSON
        return response

    return answer


def _refused(why: A2AError, status: int | None = None) -> Response:
    payload = build_rest_error_payload(why)
    if status is not None:
        payload["error"]["code"] = status
    return JSONResponse(payload, payload["error"]["code"])


def _check_type(request: Request) -> None:
    """Refuse a body that is said to be something else than JSON."""
    said = _media_type(request.headers.get("content-type", _JSON))
    if "json" not in said:
        raise ContentTypeNotSupportedError(f"the request's body is of type {said[:80]!r}; send JSON, as {_JSON}")


def _wants_plain_json(request: Request) -> bool:
    """Say whether a caller speaks ``application/json``, and not the protocol's own media type."""
    said = _media_type(request.headers.get("content-type", ""))
    accepted = request.headers.get("accept", "")
    return A2A_JSON_MEDIA_TYPE not in accepted and (said == _JSON or (not said and _JSON in accepted))


def _media_type(header: str) -> str:
    return header.partition(";")[0].strip().lower()


async def _json(request: Request) -> Any:
    """Return a request's body.

    Raises:
        JSONParseError: it is no JSON, no UTF-8, or nested more deeply than any message is.
    """
    try:
        asked = await request.json()
        if b"\\ud" in (await request.body()).lower():  # half of a character, as no UTF-8 can say it
            json.dumps(asked, ensure_ascii=False).encode()
    except (json.JSONDecodeError, UnicodeError, RecursionError) as why:
        raise JSONParseError(f"the request is no JSON: {type(why).__name__}: {why}"[:300]) from why
    if _deeper(asked, MAX_DEPTH):
        raise JSONParseError(f"the request is nested more than {MAX_DEPTH} deep")
    return asked


def _deeper(value: Any, levels: int) -> bool:
    """Say whether a value is nested more deeply than so many levels."""
    values: list[Any] = []
    if isinstance(value, dict):
        values.extend(cast("dict[str, Any]", value).values())
    elif isinstance(value, list):
        values.extend(cast("Any", value))
    else:
        return False
    return levels == 0 or any(_deeper(one, levels - 1) for one in values)


def _check_state(state: Any) -> None:
    known = isinstance(state, int) or state is None or state in TaskState.keys()  # noqa: SIM118 - not a dict
    if not known:
        raise InvalidParamsError(f"there is no task state {str(state)[:80]!r}; there are {', '.join(TaskState.keys())}")
