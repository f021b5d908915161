"""Signatures gathered by what they sign, and which of them are a quorum."""

from __future__ import annotations

from collections.abc import Mapping

from waggledance.consensus._certificate_bodies import Signatures
from waggledance.core import PeerId

Ballot = tuple[int, bytes]
"""An epoch and a digest: what one prep or ack is for."""


class Tally:
    """Who signed which ballot, and which ballots a quorum signed. Blind to order and repeats.

    Args:
        weights: the voting weight of each member, above 0.
        needed: the weight of a quorum.
    """

    __slots__ = ("_needed", "_weight", "_weights", "full", "signed")

    def __init__(self, weights: Mapping[PeerId, int], needed: int) -> None:
        self._weights, self._needed = weights, needed
        self._weight: dict[Ballot, int] = {}
        self.signed: dict[Ballot, dict[PeerId, bytes]] = {}
        self.full: set[Ballot] = set()
        """The ballots that a quorum signed."""

    def has(self, ballot: Ballot, author: PeerId) -> bool:
        """Return whether this member's signature of the ballot is here."""
        signed = self.signed.get(ballot)
        return signed is not None and author in signed

    def add(self, ballot: Ballot, author: PeerId, signature: bytes) -> None:
        """Count a signature that holds, once an author."""
        signed = self.signed.setdefault(ballot, {})
        if author in signed:
            return
        signed[author] = signature
        before = self._weight.get(ballot, 0)
        after = self._weight[ballot] = before + self._weights[author]
        if before < self._needed <= after:
            self.full.add(ballot)

    def weight(self, ballot: Ballot) -> int:
        """Return the weight of those who signed a ballot."""
        return self._weight.get(ballot, 0)

    def signatures(self, ballot: Ballot) -> Signatures:
        """Return everybody's signature of a ballot, sorted by author."""
        return tuple(sorted(self.signed.get(ballot, {}).items()))
