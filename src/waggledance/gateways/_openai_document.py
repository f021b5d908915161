"""What the OpenAI door says of itself: an OpenAPI document, for tools that read or test it."""

from __future__ import annotations

from typing import Any

import msgspec

from waggledance import __version__
from waggledance.gateways._openai_body import ChatBody, ResponseBody

_REFS = "#/components/schemas/{name}"


def document() -> dict[str, Any]:
    """Return the OpenAPI 3.1 document of the OpenAI door, with `/healthz`."""
    bodies, schemas = msgspec.json.schema_components([ChatBody, ResponseBody], ref_template=_REFS)
    chat, response = bodies
    schemas["Error"] = _ERROR
    id = {"name": "id", "in": "path", "required": True, "schema": {"type": "string", "minLength": 1}}
    model = {"name": "model", "in": "path", "required": True, "schema": {"type": "string", "minLength": 1}}
    return {
        "openapi": "3.1.0",
        "info": {"title": "waggledance: swarms as models", "version": __version__},
        "security": [{}, {"key": []}],
        "paths": {
            "/healthz": {"get": _operation("healthz", "Whether the server is well.", failing=(503,), open=True)},
            "/v1/models": {"get": _operation("models", "The swarms and protocols, as models.")},
            "/v1/models/{model}": {
                "get": _operation("model", "One of them.", parameters=[model], failing=(404,)),
            },
            "/v1/chat/completions": {
                "post": _operation("chat", "Ask a swarm; see the OpenAI API.", body=chat, failing=_ASKING),
            },
            "/v1/responses": {
                "post": _operation("respond", "Ask a swarm; see the OpenAI API.", body=response, failing=_ASKING),
            },
            "/v1/responses/{id}": {
                "get": _operation("response", "A response that is kept.", parameters=[id], failing=(400, 404)),
                "delete": _operation("forget", "Forget a response.", parameters=[id], failing=(404,)),
            },
            "/v1/responses/{id}/input_items": {
                "get": _operation("input", "What a response was asked.", parameters=[id], failing=(400, 404)),
            },
        },
        "components": {
            "schemas": schemas,
            "securitySchemes": {"key": {"type": "http", "scheme": "bearer"}},
        },
    }


_ASKING = (400, 404, 408, 413, 422, 500, 502, 503, 504)

_ERROR: dict[str, Any] = {
    "type": "object",
    "required": ["error"],
    "properties": {
        "error": {
            "type": "object",
            "required": ["message", "type", "param", "code"],
            "properties": {
                "message": {"type": "string"},
                "type": {"type": "string"},
                "param": {"type": ["string", "null"]},
                "code": {"type": ["string", "null"]},
            },
        }
    },
}


def _operation(
    id: str,
    summary: str,
    *,
    body: dict[str, Any] | None = None,
    parameters: list[dict[str, Any]] | None = None,
    failing: tuple[int, ...] = (),
    open: bool = False,
) -> dict[str, Any]:
    """Return one operation: what it takes, and what it answers."""
    error = {"application/json": {"schema": {"$ref": _REFS.format(name="Error")}}}
    well: dict[str, Any] = {"application/json": {"schema": {"type": "object"}}}
    if body is not None:
        well["text/event-stream"] = {}  # OpenAPI 3.1 has no words for the events in it
    statuses = sorted({*failing, *(() if open else (401, 403, 429))})
    operation: dict[str, Any] = {
        "operationId": id,
        "summary": summary,
        "responses": {
            "200": {"description": "As asked.", "content": well},
            **{str(status): {"description": _SAID[status], "content": _of(status, well, error)} for status in statuses},
        },
    }
    if open:
        operation["security"] = []
    if parameters:
        operation["parameters"] = parameters
    if body is not None:
        operation["requestBody"] = {"required": True, "content": {"application/json": {"schema": body}}}
    return operation


def _of(status: int, well: dict[str, Any], error: dict[str, Any]) -> dict[str, Any]:
    """Return what stands in an answer of a status: a server that is stopping says of its health what others say."""
    return {"application/json": {"schema": {"type": "object"}}} if status == 503 and len(well) == 1 else error


_SAID = {
    400: "The request cannot be read, or is too long for a swarm.",
    401: "The API key is missing or wrong.",
    403: "Another origin's page, or a host name that is not ours.",
    404: "There is no such thing.",
    408: "The rest of the request did not come.",
    413: "The request has too many bytes.",
    422: "The swarm answered twice, and neither answer fits the schema.",
    429: "Too many requests; Retry-After says when.",
    500: "An error of ours.",
    502: "No peer could answer.",
    503: "The server is stopping, or as busy as it may be.",
    504: "No peer answered in time.",
}
