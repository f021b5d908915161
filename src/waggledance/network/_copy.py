"""A simulated peer's copy of the channel.

An ordinary `Channel` but for two things: what is written here is signed and handed to the network, and a peer that runs
again over its own past is given back what it had said for a kind and round instead of saying it twice.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

from waggledance.core import Body, Channel, Message, MessageId, PeerId, SwarmId

B = TypeVar("B", bound=Body)
AnyMessage = Message[Any]


class Sealed:
    """A message as it travels: opened and verified once, its canonical bytes, its frame."""

    __slots__ = ("frame", "message", "raw")

    def __init__(self, message: AnyMessage, raw: bytes, frame: bytes) -> None:
        self.message, self.raw, self.frame = message, raw, frame


class Copy(Channel):
    """A replica's copy of the channel.

    Args:
        swarm: the swarm's id.
        name: the channel's name.
        author: whose copy it is.
        worded: what the author says in place of a body.
        seal: signs a message that was just written here.
        written: takes it from there.
    """

    def __init__(
        self,
        swarm: SwarmId,
        name: str,
        author: PeerId,
        worded: Callable[[Any], Any],
        seal: Callable[[AnyMessage, bytes], Sealed],
        written: Callable[[Sealed], None],
    ) -> None:
        super().__init__(swarm, name)
        self._author, self._worded, self._seal, self._written = author, worded, seal, written
        self._said_before: dict[tuple[type[Body], int], list[AnyMessage]] = {}

    def recall(self) -> None:
        """Let the author go through its own past again: what it publishes next for a kind and round is what it said."""
        self._said_before.clear()
        at = self.head(self._author)
        while at is not None:
            self._said_before.setdefault((cast("Body", at.body).__class__, at.body.round), []).append(at)
            at = None if at.previous is None else self.get(at.previous)

    def publish(self, author: PeerId, body: B, built_on: list[AnyMessage], wall_ms: int) -> Message[B]:
        """Write the author's next message; one that it wrote before it was restarted comes back instead."""
        before = self._said_before.get((body.__class__, body.round))
        if before:
            return before.pop()
        return super().publish(author, self._worded(body), built_on, wall_ms)

    def comes_next(self, message: AnyMessage, causes: frozenset[MessageId]) -> bool:
        """Say whether all causes of a message are here and it follows its author's newest message here."""
        head = self._heads.get(message.author)
        if (None if head is None else head.id) != message.previous:
            return False
        return self._messages.keys() >= causes

    def add(self, message: AnyMessage, raw: bytes) -> None:
        """Put a message into the set; sign and send one that was written here."""
        if message.signature:
            super().add(message, raw)
            return
        sealed = self._seal(message, raw)
        super().add(sealed.message, raw)
        self._written(sealed)
