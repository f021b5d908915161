"""By what an order is found whose asker is gone: a mark in its channel's name, that only who knows the order can make.

    mark    blake3("waggle/order/1\\0" ‖ asker ‖ caller ‖ 0 ‖ id), 16 bytes in hexadecimal digits
    sought  blake3("waggle/order/sought/1\\0" ‖ mark), 16 bytes

Whoever looks for an order says what is sought, not the mark: so those who are asked learn nothing by which they could
open a channel of their own that would pass for it. Knowing the id of an order and its caller's name is the permit to
read what was said of it; ids are 96 bits of luck or more.
"""

from __future__ import annotations

from typing import Annotated

import msgspec
from blake3 import blake3

from waggledance.core import PeerId
from waggledance.network import Have

MARK_DIGITS = 32
MAX_SOUGHT = 512
"""Marks sought at once: one for each member that may have asked."""

_Sought = Annotated[bytes, msgspec.Meta(min_length=16, max_length=16)]


class AskOrder(msgspec.Struct, frozen=True, array_like=True, tag="order?", gc=False):
    """Give me what you have of the channel with one of these marks, beyond what I have."""

    sought: Annotated[tuple[_Sought, ...], msgspec.Meta(min_length=1, max_length=MAX_SOUGHT)]
    have: Have | None = None
    """What is here already; None where nothing is."""


def order_mark(id: str, caller: str, asker: PeerId) -> str:
    """Return what the name of an order's channel carries."""
    asked = b"waggle/order/1\0" + asker + caller.encode() + b"\0" + id.encode()
    return blake3(asked).hexdigest(length=MARK_DIGITS // 2)


def sought_by(mark: str) -> bytes:
    """Return what is said by who looks for a mark, 16 bytes."""
    return blake3(b"waggle/order/sought/1\0" + mark.encode()).digest(length=16)


def mark_in(channel: str) -> str:
    """Return the mark that a channel's name carries before its asker's own; empty where there is none."""
    mark = channel.rpartition("-")[0].rpartition("-")[2]
    return mark if len(mark) == MARK_DIGITS else ""
