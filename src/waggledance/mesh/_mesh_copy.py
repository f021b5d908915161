"""One peer's copy of a channel on the mesh: what is written here is signed in runs and handed out.

Signing costs twenty times what a message costs otherwise. As every message names its author's previous one, a signature
on the newest vouches for the run behind it: what is written within one turn of the event loop goes out together, and
the last of it is signed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import chain
from typing import Any, Protocol, TypeVar, cast

import msgspec

from waggledance.core import Body, Channel, Key, Message, MessageId, PeerId, RunFailed, SwarmId

B = TypeVar("B", bound=Body)
AnyMessage = Message[Any]

RUN_MESSAGES = 64
"""So many messages one signature covers at most: beyond, signing is under 2 % of the cost of a message."""


class Outlet(Protocol):
    """The part of a transport that a publisher feels."""

    @property
    def congested(self) -> bool: ...

    async def room(self) -> None: ...


class MeshCopy(Channel):
    """A copy that keeps every author's chain, and what was written here and not sent yet.

    Args:
        swarm: the swarm's id.
        name: the channel's name.
        written: called once when there is something to send, until `take` has taken it.
        outlet: by which way it goes out: full, it makes who publishes wait.
    """

    def __init__(self, swarm: SwarmId, name: str, written: Callable[[], None], outlet: Outlet) -> None:
        super().__init__(swarm, name)
        self._written, self._outlet = written, outlet
        self._writing = self._retired = False
        self._unsent: list[tuple[AnyMessage, bytes]] = []
        self._last_written: MessageId | None = None
        self._chains: dict[PeerId, list[AnyMessage]] = {}
        self._said_before: dict[tuple[type[Body], int], list[AnyMessage]] = {}

    @property
    def congested(self) -> bool:  # type: ignore[override]
        """Whether so much waits to go out that who publishes should wait for `room` first."""
        return self._outlet.congested

    async def room(self) -> None:
        """Return when no more waits to go out than should."""
        await self._outlet.room()

    @property
    def is_listened_to(self) -> bool:
        """Whether anybody follows what comes in, waits for something, or has written what is not sent yet."""
        return bool(self._listeners or self._unsent or self.waiting())

    def retire(self) -> None:
        """Take nothing more in: another copy takes this one's place."""
        self.close()
        self._retired = True

    def recall(self, author: PeerId) -> None:
        """Let an author go through its own past again: what it publishes next for a kind and round is what it said."""
        self._said_before.clear()
        for message in reversed(self._chains.get(author, ())):
            self._said_before.setdefault((cast("Body", message.body).__class__, message.body.round), []).append(message)

    def publish(self, author: PeerId, body: B, built_on: list[AnyMessage], wall_ms: int) -> Message[B]:
        """Write the author's next message; it goes out, signed, at the end of this turn of the loop.

        What it wrote before it was restarted comes back instead of being said twice; see `recall`.
        """
        before = self._said_before.get((body.__class__, body.round))
        if before:
            return before.pop()
        if self._retired:
            raise RunFailed(f"channel {self.name!r} rests: take it from the node again, which wakes it")
        self._writing = True
        try:
            message = super().publish(author, body, built_on, wall_ms)
        finally:
            self._writing = False
        self._last_written = message.id
        return message

    def goes_on_elsewhere(self, message: AnyMessage) -> bool:
        """Return whether a message follows what was written last here, and so was written by another process."""
        return message.previous is not None and message.previous == self._last_written

    def add(self, message: AnyMessage, raw: bytes) -> None:
        """Put a message into the set."""
        if message.id in self._messages:
            return
        own = self._chains.setdefault(message.author, [])
        if message.sequence == len(own) + 1:
            own.append(message)
        super().add(message, raw)
        if self._writing:
            self._unsent.append((message, raw))
            if len(self._unsent) == 1:
                self._written()

    def take(self, key: Key) -> list[tuple[AnyMessage, bytes]]:
        """Return what was written and not sent, with canonical bytes; the last of every `RUN_MESSAGES` is signed."""
        unsent, self._unsent = self._unsent, []
        for place in {*range(RUN_MESSAGES - 1, len(unsent), RUN_MESSAGES), len(unsent) - 1} if unsent else ():
            message, raw = unsent[place]
            unsent[place] = (self._sign(message, key), raw)
        return unsent

    def _sign(self, message: AnyMessage, key: Key) -> AnyMessage:
        signed = msgspec.structs.replace(message, signature=key.sign(message.id))
        self._messages[message.id] = signed
        if self._heads[message.author].id == message.id:
            self._heads[message.author] = signed
        own = self._chains[message.author]
        if len(own) >= message.sequence and own[message.sequence - 1].id == message.id:
            own[message.sequence - 1] = signed
        return signed

    def sign_head(self, author: PeerId, key: Key) -> None:
        """Sign an author's newest message, when it lacks a signature: it was written and never sent."""
        head = self.head(author)
        if head is not None and not head.signature:
            self._sign(head, key)

    def vouched(self, messages: Iterable[AnyMessage]) -> list[AnyMessage]:
        """Return messages with those that vouch for them: an unsigned one counts only before its author's next signed.

        Sorted causes before effects. What has no signature behind it yet is left out: its author will send it.
        """
        found: dict[MessageId, AnyMessage] = {}
        for message in sorted(messages, key=lambda m: -m.lamport):  # then what vouches is mostly there already
            run: list[AnyMessage] = []
            for at in chain((message,), self._after(message)):
                run.append(at)
                if at.signature or at.id in found:
                    found.update((m.id, m) for m in run)
                    break
        return sorted(found.values(), key=lambda m: (m.lamport, m.id))

    def _after(self, message: AnyMessage) -> Iterable[AnyMessage]:
        """Yield an author's next messages on this branch; off the chain, on whatever branch follows."""
        own = self._chains[message.author]
        place = message.sequence
        if place <= len(own) and own[place - 1].id == message.id:
            for i in range(place, len(own)):
                yield own[i]
            return
        by_previous = {m.previous: m for m in self._messages.values() if m.author == message.author}
        at = by_previous.get(message.id)
        while at is not None:
            yield at
            at = by_previous.get(at.id)
