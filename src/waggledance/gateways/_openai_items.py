"""What a response was asked: the items of its input, page by page.

Source: the OpenAI API reference, "List input items".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from waggledance.gateways._openai_body import BadRequest

MAX_PAGE, DEFAULT_PAGE = 100, 20


def input_items(id: str, raw: bytes) -> list[dict[str, Any]]:
    """Return the input of a response as items that have ids, in the order in which they were given.

    Args:
        id: what their ids are made of.
        raw: the body of the request, as it came.
    """
    given = msgspec.json.decode(raw)["input"]
    items = [{"role": "user", "content": given}] if isinstance(given, str) else given
    return [_listed(item, f"in_{id}_{i}") for i, item in enumerate(items)]


def page_of(items: Sequence[dict[str, Any]], query: Mapping[str, str]) -> dict[str, Any]:
    """Return a page of items, the last first unless the query says otherwise.

    Raises:
        BadRequest: `limit`, `order` or `after` is none.
    """
    order, limit, after = query.get("order", "desc"), query.get("limit", str(DEFAULT_PAGE)), query.get("after")
    if order not in ("asc", "desc"):
        raise BadRequest(f"order is asc or desc, got {order[:80]!r}", "order")
    if not (limit.isascii() and limit.isdecimal() and 1 <= int(limit[:4]) <= MAX_PAGE):
        raise BadRequest(f"limit is 1 to {MAX_PAGE}, got {limit[:80]!r}", "limit")
    listed = list(items) if order == "asc" else list(reversed(items))
    if after is not None:
        places = [i for i, item in enumerate(listed) if item["id"] == after]
        if not places:
            raise BadRequest(f"there is no item {after[:80]!r} in this response's input", "after")
        listed = listed[places[0] + 1 :]
    page = listed[: int(limit)]
    ids = [item["id"] for item in page] or [None]
    return {
        "object": "list",
        "data": page,
        "first_id": ids[0],
        "last_id": ids[-1],
        "has_more": len(page) < len(listed),
    }


def _listed(item: dict[str, Any], id: str) -> dict[str, Any]:
    listed = {"id": id, "type": "message", "status": "completed", **item}
    if isinstance(listed.get("content"), str):
        kind = "output_text" if listed.get("role") == "assistant" else "input_text"
        listed["content"] = [{"type": kind, "text": listed["content"]}]
    return listed
