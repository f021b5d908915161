"""A journal in memory: what a swarm said, as a list."""

from __future__ import annotations

from typing import Any

from waggledance.core import Message


class Kept:
    """What a swarm appends to its log, for a test to look at: give it as `log`. Every channel is a new one to it.

    >>> from waggledance import FunctionPeer, Swarm
    >>> kept = Kept()
    >>> decision = Swarm([FunctionPeer("ada", lambda _: "4")], log=kept).ask_sync("2 + 2?")
    >>> kept.messages[0].kind, kept.messages[-1].kind
    ('opening/1', 'outcome/1')
    """

    def __init__(self) -> None:
        self.messages: list[Message[Any]] = []

    def append(self, message: Message[Any], raw: bytes, /) -> None:
        """Keep a message."""
        self.messages.append(message)

    async def flush(self) -> None:
        """Do nothing: what is kept is kept."""

    def __len__(self) -> int:
        return 0

    def __contains__(self, channel: str, /) -> bool:
        return False
