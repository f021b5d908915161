"""A message opened: its body, and the prompts, replies and tool results that went into it."""

from __future__ import annotations

from contextlib import suppress

import msgspec

from waggledance.core import Exchange, MessageId, UnknownName, encode
from waggledance.studio._archive import Archive
from waggledance.studio._message import plain, said
from waggledance.studio._shapes import ExchangeShown, WholeMessage

TEXT_CHARS = 1 << 20
EXCHANGE_CHARS = 200_000
"""Of what was asked and of what was answered, each."""


def whole(archive: Archive, channel: str, id: str) -> WholeMessage:
    """Return a message with all that is known of it.

    Args:
        archive: the log.
        channel: the channel's name.
        id: the message's, in hexadecimal.

    Raises:
        UnknownName: there is no such channel, or no such message in it.
    """
    with archive.lock:
        message = archive.message(channel, _id(id))
        if message is None:
            raise UnknownName(f"message in channel {channel!r}", id, ())
        kept = archive.window.exchanges(channel, message.author, message.sequence)
    return WholeMessage(
        id=message.id.hex(),
        kind=message.kind,
        text=said(message.body, archive.goals(channel), archive.names(channel))[:TEXT_CHARS],
        body=plain(message.body),
        exchanges=tuple(found for text in kept if (found := _exchange(text)) is not None),
        raw_bytes=len(encode(message)),
        signed=bool(message.signature),
    )


def _id(text: str) -> MessageId:
    with suppress(ValueError):
        return MessageId(bytes.fromhex(text))
    return MessageId(b"")


def _exchange(text: str) -> ExchangeShown | None:
    try:
        kept = msgspec.json.decode(text, type=Exchange)
    except (msgspec.DecodeError, UnicodeError):
        return None
    return ExchangeShown(
        skill=kept.skill,
        round=kept.round,
        kind=kept.kind,
        of=kept.of,
        asked=kept.asked[:EXCHANGE_CHARS],
        answered=kept.answered[:EXCHANGE_CHARS],
        failure=kept.failure,
        milliseconds=kept.milliseconds,
    )
