"""Which messages an author had seen: those that a message builds on, directly or not."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from waggledance.core._ids import MessageId
from waggledance.core._message import Message


def past_of(id: MessageId, messages: Mapping[MessageId, Message[Any]], *, since: int = 0) -> frozenset[MessageId]:
    """Return a message and all that it builds on, as far as they are given.

    Args:
        id: the message; of one that is not given, nothing is known to be in its past.
        messages: those that are given, by id.
        since: leave out messages whose logical clock is below this. What lies before them goes with them,
            because clocks grow along every path.
    """
    found: set[MessageId] = set()
    ahead = [id]
    while ahead:
        at = ahead.pop()
        message = messages.get(at)
        if message is None or at in found or message.lamport < since:
            continue
        found.add(at)
        ahead.extend(message.parents)
        if message.previous is not None:
            ahead.append(message.previous)
    return frozenset(found)
