"""Answers: JSON with a mark by which a browser knows that it has it already, and refusals that say what to do."""

from __future__ import annotations

import secrets
import zlib
from collections.abc import Callable
from typing import TYPE_CHECKING

import msgspec
from blake3 import blake3

from waggledance.core import UnknownName, UsageError, WaggleError
from waggledance.studio._shapes import Refused, Trouble

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

PACKED_FROM_BYTES = 4_096
PACKING = 1
"""zlib's fastest: a page of 10,000 messages takes it a quarter of a second, and shrinks to a sixth."""
_ON_THIS_MACHINE = ("127.0.0.1", "::1")

_HEADERS = {"cache-control": "private, no-cache", "vary": "accept-encoding"}
_PROCESS = secrets.token_bytes(8)
"""Another one for each process: versions are counted in it."""

_encode = msgspec.json.Encoder().encode


def answer(request: Request, content: object, status: int = 200) -> Response:
    """Return JSON; only its mark when the browser has it already, packed when it has a long way to go.

    Between a server and a browser on one machine, packing takes longer than sending.
    """
    body = _encode(content)
    mark = _mark(body)
    return _has_it(request, mark) or _sent(request, body, mark, status)


def answer_once(request: Request, version: object, make: Callable[[], object]) -> Response:
    """Do the same, and make nothing when the browser has this version already: what differs when the answer does."""
    mark = _mark(_PROCESS + repr(version).encode())
    return _has_it(request, mark) or _sent(request, _encode(make()), mark, 200)


def _mark(of: bytes) -> str:
    return f'"{blake3(of).hexdigest(16)}"'


def _has_it(request: Request, mark: str) -> Response | None:
    from starlette.responses import Response

    if request.method != "GET" or mark not in request.headers.get("if-none-match", ""):
        return None
    return Response(status_code=304, headers=_HEADERS | {"etag": mark})


def _sent(request: Request, body: bytes, mark: str, status: int) -> Response:
    from starlette.responses import Response

    headers = _HEADERS | ({"etag": mark} if request.method == "GET" else {})
    far = request.client is None or request.client.host not in _ON_THIS_MACHINE
    if far and len(body) >= PACKED_FROM_BYTES and "gzip" in request.headers.get("accept-encoding", ""):
        packer = zlib.compressobj(PACKING, wbits=31)  # 31 writes gzip's header and end
        body = packer.compress(body) + packer.flush()
        headers["content-encoding"] = "gzip"
    return Response(body, status, headers, "application/json")


def refused(status: int, what: str, why: str, do: str) -> Response:
    """Return an error: what happened, why, and what to do about it."""
    from starlette.responses import Response

    body = _encode(Refused(Trouble(what, why, do)))
    return Response(body, status, {"cache-control": "no-store"}, "application/json")


def trouble(why: WaggleError, what: str) -> Response:
    """Return one of our errors as an answer: 404 for a name that is none, 400 for another mistake of the caller, and
    409 for what cannot be done as things stand."""
    if isinstance(why, UnknownName):
        known = f"There are {', '.join(why.known[-8:])}." if why.known else "Look at what the channel holds."
        return refused(404, what, f"There is no {why.noun} {why.name!r}.", known)
    if isinstance(why, UsageError):
        return refused(400, what, str(why), "Change it and try again.")
    return refused(409, what, str(why), "See to that, then try again.")
