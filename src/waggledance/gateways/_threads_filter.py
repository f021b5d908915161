"""What an agent waits for in threads, and the first message that fits: a pure function of what is there."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from waggledance.core import Channel, Message, MessageId, PeerId, Say, past_of
from waggledance.gateways._threads_fold import Close, Thread

ID_DIGITS = 16
"""So many hexadecimal digits name a message to an agent: 64 bits, within one thread."""


class Filter(msgspec.Struct, frozen=True):
    """What is waited for; all of it must hold."""

    channel: str = ""
    """The thread; any when empty."""
    mention: bool = False
    """Only what mentions the one who waits; requests to close mention nobody."""
    author: str = ""
    """The member who says it, by name; anybody when empty."""


def first_new(
    threads: Iterable[Thread], me: PeerId, filter: Filter, old: Mapping[str, frozenset[MessageId]]
) -> tuple[Thread, Message[Say] | Message[Close]] | None:
    """Return the first message of somebody else that fits, causes before effects, ties by id; None if there is none.

    Args:
        threads: to look in.
        me: who waits.
        filter: what fits.
        old: what is not new, by channel.
    """
    fitting: list[tuple[int, MessageId, Thread, Message[Any]]] = []
    for thread in threads:
        words: tuple[Message[Any], ...] = () if filter.mention else thread.closing_words
        for message in (*thread.said, *words):
            by = message.author != me and filter.author in ("", thread.name(message.author))
            if by and (not filter.mention or me in message.body.to) and message.id not in old[thread.channel]:
                fitting.append((message.lamport, message.id, thread, message))
    if not fitting:
        return None
    _, _, thread, message = min(fitting, key=lambda one: one[:2])
    return thread, message


def short(id: MessageId) -> str:
    """Return a message's id as agents see it: 16 hexadecimal digits."""
    return id.hex()[:ID_DIGITS]


def by_id(copy: Channel) -> dict[MessageId, Message[Any]]:
    """Return a channel's messages by id."""
    return {m.id: m for m in copy.messages()}


def maximal(ids: Iterable[MessageId], messages: Mapping[MessageId, Message[Any]]) -> tuple[MessageId, ...]:
    """Return those of some messages that no other of them builds on, sorted."""
    here = sorted((id for id in ids if id in messages), key=lambda id: messages[id].lamport, reverse=True)
    covered: set[MessageId] = set()
    newest: list[MessageId] = []
    for id in here:
        if id not in covered:
            newest.append(id)
            covered |= past_of(id, messages)
    return tuple(sorted(newest))
