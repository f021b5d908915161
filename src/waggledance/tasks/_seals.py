"""Seals of a plan's past: which of them count, as a pure function of the messages.

A seal is numbered, names the seal before it, and counts when a quorum of the members backs it, who wrote it among them.
A member backs one seal of each number; one that backs two is taken to back neither. A quorum is more than half of the
members at least, so of each number one seal counts at most, and all copies of a plan have one and the same chain.

What is ours: the numbers, the votes as messages and the fold over them. That two majorities share a member is the base
of every replicated log, as in Lamport 1998, "The Part-Time Parliament"; unlike there a number has one vote: where the
members are split over two seals of a number, neither counts, and nothing later either.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from typing import Annotated, Any, ClassVar

import msgspec

from waggledance.core import Body, Message, MessageId, PeerId, UsageError

_Id = Annotated[bytes, msgspec.Meta(min_length=32, max_length=32)]
_Number = Annotated[int, msgspec.Meta(ge=0, le=2**53)]


class PlanSeal(Body, frozen=True, gc=False):
    """Everything that this message builds on, directly or not, is settled: it sorts before all the rest."""

    kind: ClassVar[str] = "plan-seal/2"
    number: _Number
    """How many seals count before it."""
    after: _Id | None
    """The last of those; None for the first."""
    quorum: Annotated[int, msgspec.Meta(ge=1, le=2**53)]
    """How many members must back it, who wrote it among them; less than a majority seals nothing."""


class SealBacking(Body, frozen=True, gc=False):
    """A member holds all that a seal builds on, and will back no other of its number."""

    kind: ClassVar[str] = "plan-seal-backing/1"
    seal: _Id


def majority(members: Collection[PeerId]) -> int:
    """Return the smallest number of members that is more than half of them.

    >>> majority([PeerId(b"a"), PeerId(b"b"), PeerId(b"c"), PeerId(b"d")])
    3
    """
    return len(members) // 2 + 1


def checked_quorum(quorum: int | None, members: Collection[PeerId]) -> int:
    """Return how many of the members must back a seal: as many as is said, a majority when None.

    Raises:
        UsageError: less than a majority, or more than there are.
    """
    least = majority(members)
    if quorum is None:
        return least
    if not least <= quorum <= len(members):
        raise UsageError(
            f"a seal is backed by {least} to {len(members)} of {len(members)} members, got a quorum of {quorum}: with "
            "fewer than a majority there could be two orders of one plan"
        )
    return quorum


class Seals:
    """The seals and backings of a plan that are here.

    Args:
        members: whose word counts, each once; without any nothing is ever sealed.
    """

    def __init__(self, members: Collection[PeerId]) -> None:
        self._members = frozenset(members)
        self._seals: dict[MessageId, Message[PlanSeal]] = {}
        self._backings: set[tuple[PeerId, MessageId]] = set()

    def take(self, message: Message[Any]) -> None:
        """Take a message in, which is passed over unless it is a member's seal or backing."""
        body = message.body
        if message.author not in self._members:
            return
        if isinstance(body, PlanSeal):
            self._seals[message.id] = message
            self._backings.add((message.author, message.id))
        elif isinstance(body, SealBacking):
            self._backings.add((message.author, MessageId(body.seal)))

    def chain(self) -> list[Message[PlanSeal]]:
        """Return the seals that count, in the order of their numbers."""
        backed = [(peer, self._seals[id]) for peer, id in self._backings if id in self._seals]
        votes = Counter((peer, seal.body.number) for peer, seal in backed)
        support = Counter(seal.id for peer, seal in backed if votes[peer, seal.body.number] == 1)
        least = majority(self._members)
        by_place = {
            (seal.body.number, seal.body.after): seal
            for id, seal in self._seals.items()
            if support[id] >= max(least, seal.body.quorum)
        }
        chain: list[Message[PlanSeal]] = []
        while (seal := by_place.get((len(chain), chain[-1].id if chain else None))) is not None:
            chain.append(seal)
        return chain

    def open(self, number: int, after: MessageId | None) -> list[Message[PlanSeal]]:
        """Return the seals that would follow the last one that counts, by id."""
        return [s for _, s in sorted(self._seals.items()) if (s.body.number, s.body.after) == (number, after)]
