"""Pictures that a caller shows, by whatever door: taken as they are sent, and carried to the peers that can see them.

A picture has to be in the request itself. One at an address is not fetched: who sends a request would choose to where
this server connects, and every peer would see another picture if it changed meanwhile.
"""

from __future__ import annotations

import re
from binascii import Error, a2b_base64
from typing import Any

import msgspec

from waggledance.core import Picture, UsageError
from waggledance.gateways._hosted import Hosted
from waggledance.models import sees
from waggledance.peers import Agent

TYPES = ("image/png", "image/jpeg", "image/gif", "image/webp")
_DATA = re.compile(r"data:([^;,]*);base64,", re.IGNORECASE)


class PictureElsewhere(UsageError):
    """A picture is at an address, which is not fetched, or nowhere."""

    def __str__(self) -> str:
        return (
            "the picture is not in the request, and nothing is fetched from addresses that callers choose; send the "
            "picture itself, as data:image/png;base64,…"
        )


def picture_of(type: str, content: bytes) -> Picture:
    """Return a file as a picture.

    Args:
        type: its media type, as its sender says.
        content: the file, whole.

    Raises:
        UsageError: it is no PNG, JPEG, GIF or WebP, or one under another's type.
    """
    said: Any = type.partition(";")[0].strip().lower().replace("image/jpg", "image/jpeg")
    try:
        return msgspec.convert({"type": said, "content": content}, Picture)
    except (UsageError, msgspec.ValidationError):
        what = "no picture that can be passed on: send a PNG, JPEG, GIF or WebP, under its own type"
        raise UsageError(what) from None


def picture_in(type: str, text: str) -> Picture:
    """Return a file that is written in base64 as a picture.

    Raises:
        UsageError: it is not base64, or not a picture.
    """
    try:
        content = a2b_base64(text, strict_mode=True)
    except (Error, ValueError) as why:
        raise UsageError(f"no base64: {why}") from None
    return picture_of(type, content)


def picture_at(address: str) -> Picture:
    """Return the picture that a ``data:`` address holds.

    Raises:
        PictureElsewhere: it is another address.
        UsageError: it holds no picture.
    """
    head = _DATA.match(address[:200])
    if head is None:
        raise PictureElsewhere
    return picture_in(head[1], address[head.end() :])


def seeing(hosted: Hosted) -> frozenset[str]:
    """Return the names of a swarm's peers that are known to look at pictures; of members elsewhere nobody is."""
    if hosted.now is not None:
        return frozenset()
    return frozenset(peer.name for peer in hosted.swarm.peers if isinstance(peer, Agent) and sees(peer.model))


def unseeing(hosted: Hosted, name: str) -> tuple[str, ...]:
    """Return a note of who cannot look at pictures, for the answer; none where everybody can.

    Args:
        hosted: a swarm that is shown some.
        name: its name at the host.

    Raises:
        UsageError: nobody can.
    """
    eyes = seeing(hosted)
    if not eyes:
        raise UsageError(
            f"nobody of the swarm {name!r} is known to have a model that looks at pictures: seat one, such as "
            "openai:gpt-5-mini, or say in words what the picture shows"
        )
    blind = [peer.name for peer in hosted.swarm.peers if peer.name not in eyes]
    return (f"the pictures were not shown to {', '.join(blind)}, who cannot look at any",) if blind else ()
