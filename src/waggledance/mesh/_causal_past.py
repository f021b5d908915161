"""Which messages an author had seen: those that a message builds on, directly or not."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from waggledance.core import Message, MessageId


def in_the_past_of(later: MessageId, earlier: MessageId, messages: Mapping[MessageId, Message[Any]]) -> bool:
    """Return whether `later` builds on `earlier`, through messages that are given; a message is in its own past.

    Looks only at messages whose logical clock is above that of `earlier`: what lies before it cannot build on it.
    """
    target = messages.get(earlier)
    if target is None or later not in messages:
        return False
    looked_at = {later}
    ahead = [later]
    while ahead:
        id = ahead.pop()
        if id == earlier:
            return True
        message = messages[id]
        causes = message.parents if message.previous is None else (message.previous, *message.parents)
        for cause in causes:
            known = messages.get(cause)
            if known is not None and cause not in looked_at and known.lamport >= target.lamport:
                looked_at.add(cause)
                ahead.append(cause)
    return False
