"""How the members of a plan have voted on the seals of one number, and what of it is decided: blind to order."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping

from waggledance.core import MessageId, PeerId

Ballot = tuple[int, MessageId]
"""An epoch and a seal."""


class SealVotes:
    """Votes on the seals of one number.

    Args:
        members: how many there are.
        needed: of each seal, how many must back it: a majority of the members or more.
    """

    def __init__(self, members: int, needed: Mapping[MessageId, int]) -> None:
        self._members, self._needed = members, needed
        self._cast: dict[tuple[int, bool], dict[PeerId, MessageId | None]] = {}
        """By epoch and phase: what each member backs; None for who backs two, and so neither."""
        self._epochs: dict[PeerId, int] = {}

    def add(self, peer: PeerId, seal: MessageId, epoch: int, *, firm: bool) -> None:
        """Count a member's vote; one that is known changes nothing."""
        cast = self._cast.setdefault((epoch, firm), {})
        cast[peer] = seal if cast.get(peer, seal) == seal else None
        self._epochs[peer] = max(epoch, self._epochs.get(peer, -1))

    def counted(self) -> list[MessageId]:
        """Return the seals that a quorum backs firmly in one epoch, by epoch: one, while members keep to the rules."""
        return [seal for _, seal in self._carried(firm=True)]

    def lock(self) -> Ballot | None:
        """Return the latest epoch in which a quorum backs one seal, and that seal."""
        return max(self._carried(firm=False), default=None)

    def last(self, peer: PeerId, *, firm: bool) -> Ballot | None:
        """Return the latest epoch in which a member has backed a seal, and which; None also for who backed two then."""
        cast = [(epoch, votes[peer]) for (epoch, phase), votes in self._cast.items() if phase == firm and peer in votes]
        epoch, seal = max(cast, key=lambda vote: vote[0], default=(-1, None))
        return None if seal is None else (epoch, seal)

    def support(self, seal: MessageId) -> int:
        """Return how many members have backed a seal, in whatever epoch."""
        return len({peer for votes in self._cast.values() for peer, backed in votes.items() if backed == seal})

    def reached(self, count: int) -> int:
        """Return the latest epoch that so many members have voted in or after, from 1 up; -1 where fewer have voted."""
        epochs = sorted(self._epochs.values(), reverse=True)
        return epochs[count - 1] if count <= len(epochs) else -1

    def is_spent(self, epoch: int) -> bool:
        """Say whether in an epoch no seal can get its quorum any more, however those vote who have not yet."""
        votes = self._cast.get((epoch, False), {})
        to_come = self._members - len(votes) - sum(at > epoch and p not in votes for p, at in self._epochs.items())
        tally = Counter(seal for seal in votes.values() if seal is not None)
        return all(tally[seal] + to_come < needed for seal, needed in self._needed.items())

    def _carried(self, *, firm: bool) -> Iterator[Ballot]:
        for (epoch, phase), votes in sorted(self._cast.items()):
            if phase == firm:
                tally = Counter(seal for seal in votes.values() if seal is not None)
                yield from ((epoch, seal) for seal, count in tally.items() if count >= self._needed[seal])
