"""A channel that a node holds: its copy, its door, who else holds it, and what is worth telling about it.

A channel in which nothing happens any more rests: what was said in it is in the log, and no longer in memory. Digest
and size are kept, so that it need not be woken to tell whether somebody else's differs; whoever looks at its copy does.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from blake3 import blake3

from waggledance.core import Door, Message, MessageId, Opening, Outcome, PeerId
from waggledance.mesh._mesh_copy import MeshCopy
from waggledance.mesh._rests import Rested, mark
from waggledance.network import Have, have

AnyMessage = Message[Any]

EMPTY = blake3(b"waggle/set/1\0").digest()
"""The digest of a channel of which nothing is here; see `Channel.digest`."""
ON_ITS_WAY_SECONDS = 0.3
"""So long after a message was sent to everybody nobody is given it by repair."""


class Held:
    """One channel of a node.

    Args:
        name: its name.
        members: says who holds it; of the lobby that changes as members come.
        wake: makes copy and door anew from the log, after a rest.
        opener: who may open a question in it; None where nobody may.
        awake: its copy, and what lets messages into it.
        resting: instead, what is known of it while it rests.
    """

    def __init__(
        self,
        name: str,
        members: Callable[[], frozenset[PeerId]],
        wake: Callable[[Held], tuple[MeshCopy, Door]],
        *,
        opener: PeerId | None = None,
        awake: tuple[MeshCopy, Door] | None = None,
        resting: Rested | None = None,
    ) -> None:
        assert (awake is None) != (resting is None), "a channel is awake, or it rests"
        self.name, self.opener, self._members, self._wake = name, opener, members, wake
        self._awake, self._resting = awake, resting
        self.changed_s = 0.0
        """When it last grew, or was woken."""
        self._on_its_way: dict[MessageId, float] = {}
        self._have: tuple[int, Have] | None = None
        self._mark = (-1, 0)
        self._over = (-1, False)

    @property
    def copy(self) -> MeshCopy:
        """The node's copy. Looking at it wakes a channel that rests."""
        return self._woken()[0]

    @property
    def door(self) -> Door:
        """What lets messages into the copy. Looking at it wakes a channel that rests."""
        return self._woken()[1]

    @property
    def rests(self) -> bool:
        """Whether what was said here is in the log only."""
        return self._awake is None

    def rest(self) -> tuple[Rested, Door] | None:
        """Let go of copy and door, if nobody listens to the copy; return what is known then. All has to be logged."""
        if self._awake is None or self.opener is None or self._awake[0].is_listened_to:
            return None
        copy, door = self._awake
        asked = self.asker is not None
        rested = Rested(self.opener, self.members, self.digest(), len(copy), asked, self.is_over, copy.forked)
        copy.retire()
        self._resting, self._awake, self._have = rested, None, None
        self._on_its_way.clear()
        return rested, door

    def _woken(self) -> tuple[MeshCopy, Door]:
        if self._awake is None:
            self._awake = self._wake(self)
            self._resting, self._mark, self._over = None, (-1, 0), (-1, False)
        return self._awake

    @property
    def members(self) -> frozenset[PeerId]:
        """Who holds this channel, this node included."""
        return self._members()

    @property
    def asker(self) -> PeerId | None:
        """Who opened the question that this channel is for; None where there is none, or not yet."""
        if self._resting is not None:
            return self._resting.opener if self._resting.asked else None
        openings = self.copy.said(Opening)
        return openings[0].author if openings else None

    @property
    def is_over(self) -> bool:
        """Whether whoever asked has written down what came out; anybody else's word for that counts for nothing."""
        if self._resting is not None:
            return self._resting.is_over
        if not self._over[1] and self._over[0] != len(self.copy):
            asker = self.asker
            self._over = (len(self.copy), any(message.author == asker for message in self.copy.said(Outcome)))
        return self._over[1]

    @property
    def size(self) -> int:
        """How many messages it holds."""
        return len(self.copy) if self._resting is None else self._resting.size

    @property
    def forked(self) -> frozenset[PeerId]:
        """Who contradicted itself here."""
        return self.copy.forked if self._resting is None else self._resting.forked

    def digest(self) -> bytes:
        """Return the digest of the set that is held; see `Channel.digest`."""
        return self.copy.digest() if self._resting is None else self._resting.digest

    def have(self) -> Have:
        """Return what this copy holds; worked out again only when it has grown."""
        if self._have is None or self._have[0] != len(self.copy):
            self._have = (len(self.copy), have(self.copy))
        return self._have[1]

    def pushed(self, messages: Iterable[AnyMessage], now: float) -> None:
        """Note that these are on their way to everybody who holds the channel."""
        for message in messages:
            self._on_its_way[message.id] = now

    def settled(self, messages: Iterable[AnyMessage], now: float) -> list[AnyMessage]:
        """Return those that should have arrived everywhere by now: what is on its way need not be sent again."""
        way = self._on_its_way
        for id in [id for id, at in way.items() if now - at >= ON_ITS_WAY_SECONDS]:
            del way[id]
        return [message for message in messages if message.id not in way]

    def mark(self) -> int:
        """Return the hash of name and digest as a number; see `mark`. Worked out again only when it has grown."""
        if self._resting is not None:
            return mark(self.name, self._resting.digest)
        if self._mark[0] != len(self.copy):
            self._mark = (len(self.copy), mark(self.name, self.copy.digest()))
        return self._mark[1]
