"""A refusal over HTTP, in the shape that OpenAI's clients read: every door and the guard before them use it."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from starlette.responses import Response

KINDS = {401: "invalid_request_error", 403: "permission_error", 429: "rate_limit_error"}
"""The error's `type` by status, where it is neither the caller's mistake (4xx) nor ours (5xx)."""


def refusal(
    status: int,
    message: str,
    code: str | None = None,
    param: str | None = None,
    *,
    retry_after_s: float | None = None,
    challenge: str = "Bearer",
) -> Response:
    """Return an error as ``{"error": {"message", "type", "param", "code"}}``.

    Args:
        status: the HTTP status, 400 to 599.
        message: what happened and what to do, for people.
        code: a fixed word for programs, such as ``"model_not_found"``.
        param: the field of the request that is wrong.
        retry_after_s: when it may be asked again.
        challenge: with 401, how to show who one is.
    """
    from starlette.responses import Response

    kind = KINDS.get(status) or ("server_error" if status >= 500 else "invalid_request_error")
    body = msgspec.json.encode({"error": {"message": message, "type": kind, "param": param, "code": code}})
    headers = {} if retry_after_s is None else {"retry-after": str(max(1, math.ceil(retry_after_s)))}
    if status == 401:
        headers["www-authenticate"] = challenge
    return Response(body, status, headers, "application/json")
