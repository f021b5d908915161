"""What the members signed, towards one certificate: preps, acks, the lock, and which epoch each member is in."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from waggledance.consensus._certificate_bodies import Ack, Claim, Prep, ack_statement, prep_statement
from waggledance.consensus._quorum import Quorum
from waggledance.consensus._tally import Ballot, Tally
from waggledance.consensus._verify_certificate import VerifySignature
from waggledance.core import MessageId, PeerId

Statement = Callable[[MessageId, int, bytes], MessageId]


class Ballots:
    """Signatures that hold, counted. Blind to order and repeats.

    Args:
        question: id of the message that opened the question; votes on another are not counted.
        weights: the voting weight of each member.
        threshold: how much of it decides.
        holds: checks a signature.
    """

    def __init__(
        self, question: MessageId, weights: Mapping[PeerId, int], threshold: Quorum, holds: VerifySignature
    ) -> None:
        self._question, self._weights, self._faulty, self._holds = question, weights, threshold.faulty, holds
        self.preps = Tally(weights, threshold.needed)
        self.acks = Tally(weights, threshold.needed)
        self.lock: Ballot | None = None
        """The latest ballot that a quorum prepped."""
        self.epochs: dict[PeerId, int] = {}
        """The latest epoch in which each member said something."""
        self.latest = -1
        """The latest of these."""

    def prep(self, author: PeerId, body: Prep) -> bool:
        """Count a prep; return whether it is new and holds."""
        ballot = (body.round, body.digest)
        return body.question == self._question and self._prepped(ballot, author, body.signature)

    def ack(self, author: PeerId, body: Ack) -> bool:
        """Count an ack; return whether it is new and holds."""
        ballot = (body.round, body.digest)
        return body.question == self._question and self._count(self.acks, ack_statement, ballot, author, body.signature)

    def show(self, claim: Claim) -> None:
        """Count the preps that a claim shows, up to the first that does not hold; none that could not move the lock."""
        ballot = (claim.unlock_epoch, claim.digest)
        if self.lock is not None and ballot[0] <= self.lock[0]:
            return
        for author, signature in claim.unlock:
            if author in self._weights and not self.preps.has(ballot, author):
                if not self._prepped(ballot, author, signature):
                    return
                self.enters(author, ballot[0])

    def enters(self, author: PeerId, epoch: int) -> None:
        """Note that a member is in an epoch."""
        if epoch > self.epochs.get(author, -1):
            self.epochs[author] = epoch
            self.latest = max(self.latest, epoch)

    def weight_from(self, epoch: int) -> int:
        """Return the weight of the members who are in this epoch or a later one."""
        return sum([self._weights[author] for author, at in self.epochs.items() if at >= epoch])

    def ahead(self, epoch: int) -> int:
        """Return the latest epoch that more than f of weight have reached, if later than this one; else this one."""
        weight, later = 0, sorted([(at, author) for author, at in self.epochs.items() if at > epoch], reverse=True)
        for at, author in later:
            weight += self._weights[author]
            if weight > self._faulty:
                return at
        return epoch

    def _prepped(self, ballot: Ballot, author: PeerId, signature: bytes) -> bool:
        if not self._count(self.preps, prep_statement, ballot, author, signature):
            return False
        if ballot in self.preps.full and (self.lock is None or ballot[0] > self.lock[0]):
            self.lock = ballot
        return True

    def _count(self, tally: Tally, statement: Statement, ballot: Ballot, author: PeerId, signature: bytes) -> bool:
        if tally.has(ballot, author) or not self._holds(author, statement(self._question, *ballot), signature):
            return False
        tally.add(ballot, author, signature)
        return True
