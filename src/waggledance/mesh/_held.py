"""A channel that a node holds: its copy, its door, who else holds it, and what is worth telling about it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from blake3 import blake3

from waggledance.core import Door, Message, MessageId, Opening, Outcome, PeerId
from waggledance.mesh._mesh_copy import MeshCopy
from waggledance.network import Have, have

AnyMessage = Message[Any]

EMPTY = blake3(b"waggle/set/1\0").digest()
"""The digest of a channel of which nothing is here; see `Channel.digest`."""
ON_ITS_WAY_SECONDS = 0.3
"""So long after a message was sent to everybody nobody is given it by repair."""


class Held:
    """One channel of a node.

    Args:
        copy: the node's copy.
        door: what lets messages into it.
        members: says who holds the channel; of the lobby it changes as members come.
    """

    def __init__(self, copy: MeshCopy, door: Door, members: Callable[[], frozenset[PeerId]]) -> None:
        self.copy, self.door, self._members = copy, door, members
        self.changed_s = 0.0
        """When it last grew."""
        self._on_its_way: dict[MessageId, float] = {}
        self._have: tuple[int, Have] | None = None
        self._mark = (-1, 0)

    @property
    def name(self) -> str:
        return self.copy.name

    @property
    def members(self) -> frozenset[PeerId]:
        """Who holds this channel, this node included."""
        return self._members()

    @property
    def asker(self) -> PeerId | None:
        """Who opened the question that this channel is for; None where there is none, or not yet."""
        openings = self.copy.said(Opening)
        return openings[0].author if openings else None

    @property
    def is_over(self) -> bool:
        """Whether whoever asked has written down what came out; anybody else's word for that counts for nothing."""
        asker = self.asker
        return any(message.author == asker for message in self.copy.said(Outcome))

    def have(self) -> Have:
        """Return what this copy holds; worked out again only when it has grown."""
        if self._have is None or self._have[0] != len(self.copy):
            self._have = (len(self.copy), have(self.copy))
        return self._have[1]

    def pushed(self, messages: Iterable[AnyMessage], now: float) -> None:
        """Note that these are on their way to everybody who holds the channel."""
        self._on_its_way.update((message.id, now) for message in messages)

    def settled(self, messages: Iterable[AnyMessage], now: float) -> list[AnyMessage]:
        """Return those that should have arrived everywhere by now: what is on its way need not be sent again."""
        way = self._on_its_way
        for id in [id for id, at in way.items() if now - at >= ON_ITS_WAY_SECONDS]:
            del way[id]
        return [message for message in messages if message.id not in way]

    def mark(self) -> int:
        """Return the hash of name and digest as a number: those of several channels are added bit by bit."""
        if self._mark[0] != len(self.copy):
            digest = blake3(self.name.encode() + b"\0" + self.copy.digest()).digest()
            self._mark = (len(self.copy), int.from_bytes(digest))
        return self._mark[1]
