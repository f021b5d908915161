"""What a peer says in its own name: that it is up, that it goes, and what it holds of others.

Its incarnation is a number that nobody else can raise. An accusation of an earlier life, which it no longer remembers,
carries a claim that it signed then: it believes its own signature, and outbids it.
Source: Das, Gupta, Motivala 2002, "SWIM", §4.2 (incarnation numbers, refutation); claims are ours.
"""

from __future__ import annotations

from waggledance.core import Key, PeerId, SwarmId, UsageError
from waggledance.mesh._swim_messages import (
    MAX_INCARNATION,
    Death,
    Leave,
    News,
    Refutation,
    Suspicion,
    death,
    leave_note,
    refutation,
    suspicion,
)
from waggledance.mesh._swim_roll import Roll, Standing


class OwnWord:
    """One peer's key, and its incarnation.

    Args:
        key: signs.
        swarm: inside every signature.
        incarnation: where to begin.

    Raises:
        UsageError: an incarnation out of range.
    """

    __slots__ = ("_key", "_swarm", "claim", "incarnation", "peer")

    def __init__(self, key: Key, swarm: SwarmId, incarnation: int) -> None:
        if not 0 <= incarnation <= MAX_INCARNATION // 2:
            raise UsageError(f"an incarnation is 0 to {MAX_INCARNATION // 2:,}, got {incarnation!r}")
        self._key, self._swarm, self.peer = key, swarm, key.peer
        self.incarnation = incarnation
        self.claim = refutation(key, swarm, incarnation) if incarnation else None
        """One's signed word for the incarnation; None for 0, in which everybody is taken to begin."""

    def outbid(self, piece: News, roll: Roll) -> Refutation | None:
        """Return a new claim if a piece of news about oneself calls for one; else None."""
        held, said = (self.incarnation, Refutation.rank), (piece.incarnation, piece.rank)
        if said <= held:
            roll.refused["stale"] += said < held
            return None
        known = self.claim.signature if self.claim and piece.incarnation == self.incarnation else b""
        if not roll.weigh(piece, known):
            return None
        if isinstance(piece, Refutation):  # of an earlier life: as good as one of this
            self.incarnation, self.claim = piece.incarnation, piece
            return None
        self.incarnation = piece.incarnation + 1
        self.claim = refutation(self._key, self._swarm, self.incarnation)
        return self.claim

    def suspicion(self, peer: PeerId, row: Standing) -> Suspicion:
        """Return that one could not reach a peer."""
        return suspicion(self._key, self._swarm, peer, row.incarnation, row.claim)

    def death(self, peer: PeerId, row: Standing) -> Death:
        """Return that one's suspicion of a peer went unrefuted."""
        return death(self._key, self._swarm, peer, row.incarnation, row.claim)

    def goodbye(self) -> Leave:
        """Return that one goes."""
        return leave_note(self._key, self._swarm, self.incarnation)
