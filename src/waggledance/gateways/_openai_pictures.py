"""Pictures among the parts of OpenAI's messages."""

from __future__ import annotations

from waggledance.core import Picture, UsageError
from waggledance.gateways._openai_body import BadRequest, Part
from waggledance.gateways._shown_pictures import PictureElsewhere, picture_at

KINDS = ("image_url", "input_image")
"""What parts that are pictures are called, in chat completions and in responses."""


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
        what = f"{where} has no image_url; send the picture itself, as data:image/png;base64,…"
        raise BadRequest(what, where, "unsupported_content")
    try:
        return picture_at(address)
    except PictureElsewhere as why:
        raise BadRequest(f"{where}: {why}", where, "unsupported_content") from None
    except UsageError as why:
        raise BadRequest(f"{where} is {why}", where, "invalid_image") from None
