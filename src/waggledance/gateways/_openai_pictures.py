"""Pictures in a conversation: taken as they are sent, and carried to the peers whose models can look at them.

A picture has to be in the request itself, as a ``data:`` address. One at any other address is not fetched: who sends a
request would choose to where this server connects, and every peer would see another picture if it changed meanwhile.
"""

from __future__ import annotations

import re
from binascii import Error, a2b_base64
from typing import Any

import msgspec

from waggledance.core import Picture, UsageError
from waggledance.gateways._openai_body import BadRequest, Part

KINDS = ("image_url", "input_image")
"""What parts that are pictures are called, in chat completions and in responses."""
_DATA = re.compile(r"data:([^;,]*);base64,", re.IGNORECASE)
_SEND = "send the picture itself, as data:image/png;base64,…"


def picture_of(part: Part, where: str) -> Picture:
    """Return the picture that a part of a message is.

    Args:
        part: of one of the `KINDS`.
        where: where it stands in the request.

    Raises:
        BadRequest: it is a file's id or an address to fetch, is not base64, or is no PNG, JPEG, GIF or WebP.
    """
    address = part.image_url if part.image_url is None or isinstance(part.image_url, str) else part.image_url.url
    if not address:
        raise BadRequest(f"{where} has no image_url; {_SEND}", where, "unsupported_content")
    head = _DATA.match(address[:200])
    if head is None:
        what = f"{where} is at an address, and nothing is fetched from addresses that callers choose; {_SEND}"
        raise BadRequest(what, where, "unsupported_content")
    type: Any = head[1].strip().lower().replace("image/jpg", "image/jpeg")
    try:
        return msgspec.convert({"type": type, "content": a2b_base64(address[head.end() :], strict_mode=True)}, Picture)
    except Error as why:
        raise BadRequest(f"{where} is not base64: {why}", where, "invalid_image") from None
    except (UsageError, msgspec.ValidationError):
        what = f"{where} is no picture that can be passed on: send a PNG, JPEG, GIF or WebP, under its own type"
        raise BadRequest(what, where, "invalid_image") from None
