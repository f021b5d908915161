"""Seals of a plan's past: which of them count, as a pure function of the messages.

A seal is numbered and names the seal before it. Members vote on it in epochs and in two phases: they back one seal of
each number in an epoch; once a quorum backs it there, they back it firmly; and it counts when a quorum does that in one
epoch. Who has backed a seal firmly, or sees that a quorum backs it, backs that one in later epochs, and none firmly of
an epoch before one in which it has gone on. So members who were apart and backed two seals of one number agree again in
a later epoch, and of each number one seal counts at most: all copies of a plan have one and the same chain (`Sealing`
is a member's part in this).

Of who backs two seals of a number in one epoch, neither counts. A quorum is more than half of the members at least, so
any two share a member who keeps to the rule as long as fewer than that overlap do not.

What is ours: the votes as messages and the fold over them. Two phases with a lock are those of certificates
(`consensus.Certifier`); that two majorities share a member, and that a vote in a later ballot is bound by what may have
been chosen in an earlier one, is Lamport 1998, "The Part-Time Parliament", doi:10.1145/279227.279229.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Annotated, Any, ClassVar

import msgspec

from waggledance.core import Body, Message, MessageId, PeerId, UsageError
from waggledance.tasks._seal_votes import SealVotes

_Id = Annotated[bytes, msgspec.Meta(min_length=32, max_length=32)]
_Vote = tuple[PeerId, int, bool]
"""Whose, in which epoch, and whether firm."""
_Number = Annotated[int, msgspec.Meta(ge=0, le=2**53)]


class PlanSeal(Body, frozen=True, gc=False):
    """Everything that this message builds on, directly or not, is settled: it sorts before all the rest.

    Its author backs it, in the epoch of its `round`.
    """

    kind: ClassVar[str] = "plan-seal/3"
    number: _Number
    """How many seals count before it."""
    after: _Id | None
    """The last of those; None for the first."""
    quorum: Annotated[int, msgspec.Meta(ge=1, le=2**53)]
    """How many members must back it, who wrote it among them; less than a majority seals nothing."""


class SealBacking(Body, frozen=True, gc=False):
    """A member holds all that a seal builds on, and backs no other of its number in this epoch, its `round`."""

    kind: ClassVar[str] = "plan-seal-backing/2"
    seal: _Id
    firm: bool = False
    """Whether it has seen that a quorum backs the seal in this epoch: the second phase."""


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
        self._of_number: dict[int, set[MessageId]] = {}
        self._backings: dict[MessageId, set[_Vote]] = {}
        self._chain: list[Message[PlanSeal]] = []

    def take(self, message: Message[Any]) -> None:
        """Take a message in, which is passed over unless it is a member's seal or backing."""
        body, author = message.body, message.author
        if author not in self._members:
            return
        if isinstance(body, PlanSeal):
            self._seals[message.id] = message
            self._of_number.setdefault(body.number, set()).add(message.id)
            self._vote(message.id, (author, body.round, False))
        elif isinstance(body, SealBacking):
            self._vote(MessageId(body.seal), (author, body.round, body.firm))

    def _vote(self, id: MessageId, vote: _Vote) -> None:
        self._backings.setdefault(id, set()).add(vote)
        seal = self._seals.get(id)
        if seal is not None:  # of the numbers before, nothing has changed
            del self._chain[seal.body.number :]

    def chain(self) -> tuple[Message[PlanSeal], ...]:
        """Return the seals that count, in the order of their numbers."""
        while (seal := self._next()) is not None:
            self._chain.append(seal)
        return tuple(self._chain)

    def _next(self) -> Message[PlanSeal] | None:
        number, last = len(self._chain), self._chain[-1].id if self._chain else None
        if number not in self._of_number:
            return None
        counted = (self._seals[id] for id in self.votes(number).counted())
        return next((seal for seal in counted if seal.body.after == last), None)

    def votes(self, number: int) -> SealVotes:
        """Return how members have voted on the seals of a number."""
        least, ids = majority(self._members), self._of_number.get(number, ())
        votes = SealVotes(len(self._members), {id: max(least, self._seals[id].body.quorum) for id in ids})
        for id in ids:
            for peer, epoch, firm in self._backings[id]:
                votes.add(peer, id, epoch, firm=firm)
        return votes

    def open(self, number: int, after: MessageId | None) -> list[Message[PlanSeal]]:
        """Return the seals that would follow the last one that counts, by id."""
        seals = [self._seals[id] for id in sorted(self._of_number.get(number, ()))]
        return [seal for seal in seals if seal.body.after == after]
