"""A door in a process that has many: what is true of a message itself is found out once for all of them.

Signature, author, swarm, channel, number and logical clock follow from a message and the messages it names by hash, so
they are the same at every door of one channel. What differs is which of its causes are here, and whether its author
said something else with this number: that is looked at on every arrival.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from waggledance.core import Channel, Clock, Door, Message, MessageId, PeerId
from waggledance.network._copy import Copy

AnyMessage = Message[Any]
Sound = dict[MessageId, tuple[AnyMessage, frozenset[MessageId]]]
"""Messages that a door of this channel has let in by all checks, with their causes."""


class SharedDoor(Door):
    """Lets messages into one of many copies of a channel.

    Args:
        copy: the copy.
        members: whose messages are let in; the same at all doors that share `sound`.
        clock: see `Door`.
        verify: see `Door`.
        ask: see `Door`.
        sound: what the doors of this channel share.
    """

    def __init__(
        self,
        copy: Copy,
        *,
        members: frozenset[PeerId],
        clock: Clock,
        verify: Callable[[PeerId, MessageId, bytes], bool],
        ask: Callable[[PeerId, tuple[MessageId, ...]], None],
        sound: Sound,
    ) -> None:
        super().__init__(copy, members=members, clock=clock, verify=verify, ask=ask)
        self._copy, self._sound = copy, sound

    def admit(self, message: AnyMessage, raw: bytes) -> tuple[AnyMessage, ...]:
        """Take a message as `Door.admit` does; at once, when it is known to be sound and simply comes next."""
        id, copy = message.id, self._copy
        sound = self._sound.get(id)
        if sound is None or sound[0] is not message:
            stored = super().admit(message, raw)
            for new in stored:
                causes = new.parents if new.previous is None else (new.previous, *new.parents)
                self._sound.setdefault(new.id, (new, frozenset(causes)))
            return stored
        if id in copy or not copy.comes_next(message, sound[1]) or id in self._parked:
            return super().admit(message, raw)
        Channel.add(copy, message, raw)
        if id not in self._waiting:
            return (message,)
        released = [message]
        for waiter in self._waiting.pop(id):
            waiter.missing.discard(id)
            if waiter.vouched and not waiter.missing:
                self._take_away(waiter)
                released += self._store(waiter)
        return tuple(released)
