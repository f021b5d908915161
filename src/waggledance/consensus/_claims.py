"""Claims and the seals they rest on: which decision follows from which, as this member recomputes it itself.

Nothing here is signed. A claim holds when its seals come from a quorum, the outcome of their cut is what this member
computes, and the hash of all that is the digest claimed. A seal can name messages that do not exist, to make an honest
author look forked: so where seals contradict each other, each of them must be backed by messages that are here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

from waggledance.consensus._certificate_bodies import Claim, Seal
from waggledance.consensus._cut_of_seals import Heads, cut_and_forks
from waggledance.consensus._decided import Decided
from waggledance.consensus._verify_certificate import Decide
from waggledance.core import Message, MessageId, PeerId, WaggleError


class Found(NamedTuple):
    """A decision that this member recomputed, and the seals that it follows from."""

    decided: Decided
    digest: bytes
    seals: tuple[MessageId, ...]


class Claims:
    """What was sealed and claimed, and what this member found to be so. Blind to order and repeats.

    Args:
        weights: the voting weight of each member.
        needed: the weight of a quorum.
        decide: recomputes the outcome; None while messages are missing. A `WaggleError` counts as None.
        make: puts cut and outcome into a `Decided`.
    """

    def __init__(
        self,
        weights: Mapping[PeerId, int],
        needed: int,
        decide: Decide,
        make: Callable[[Heads, bytes], Decided],
    ) -> None:
        self._weights, self._needed, self._decide, self._make = weights, needed, decide, make
        self._seals: dict[MessageId, Message[Seal]] = {}
        self._newest: dict[PeerId, list[Message[Seal]]] = {}
        self._claims: dict[bytes, list[Message[Claim]]] = {}
        self._first: dict[int, dict[PeerId, bytes]] = {}
        self._found: dict[bytes, Found] = {}
        self._news = 0
        """Grows whenever something may be computable that was not."""
        self._tried: dict[bytes, int] = {}
        self._proposal: tuple[int, Found | None] = (-1, None)
        self.sealed_weight = 0
        """Weight of all members who have sealed."""

    def seal(self, message: Message[Seal]) -> bool:
        """Take a member's seal; return whether it is new."""
        if message.id in self._seals:
            return False
        self._seals[message.id] = message
        of_author = self._newest.setdefault(message.author, [])
        if not of_author:
            self.sealed_weight += self._weights[message.author]
        of_author.append(message)
        of_author.sort(key=lambda m: (m.body.round, m.sequence, m.id), reverse=True)
        self._news += 1
        return True

    def claim(self, message: Message[Claim]) -> bool:
        """Take a member's claim; return whether it is new. Only the first of an author is up for votes in an epoch."""
        body = message.body
        claims = self._claims.setdefault(body.digest, [])
        if any(known.id == message.id for known in claims):
            return False
        claims.append(message)
        self._tried.pop(body.digest, None)
        self._first.setdefault(body.round, {}).setdefault(message.author, body.digest)
        return True

    def of_epoch(self, epoch: int) -> Mapping[PeerId, bytes]:
        """Return what each member claimed first in an epoch, by author."""
        return self._first.get(epoch, {})

    def retry(self) -> None:
        """Compute again what could not be computed: more messages are here."""
        self._news += 1

    def found(self, digest: bytes) -> Found | None:
        """Return the decision with this digest, if some claim of it holds as this member computes it."""
        known = self._found.get(digest)
        if known is not None or self._tried.get(digest) == self._news:
            return known
        for message in tuple(self._claims.get(digest, ())):
            found = self._recompute(message)
            if found is not None:
                self._found[digest] = found
                return found
        self._tried[digest] = self._news
        return None

    def propose(self) -> Found | None:
        """Return the decision that follows from the newest seal of every member whose seal can be used here.

        None while a quorum of those is missing.
        """
        tried, found = self._proposal
        if tried != self._news:
            found = self._propose()
            self._proposal = (self._news, found)
        return found

    def _propose(self) -> Found | None:
        if self.sealed_weight < self._needed:
            return None
        newest = [of_author[0] for of_author in self._newest.values()]
        outcome = None
        cut, forked = cut_and_forks([seal.body.heads for seal in newest])
        if not forked:
            outcome = self._outcome(cut)
        if outcome is None:
            usable = [next((s for s in seals if self._is_backed(s)), None) for seals in self._newest.values()]
            newest = [seal for seal in usable if seal is not None]
            if sum(self._weights[seal.author] for seal in newest) < self._needed:
                return None
            cut, _ = cut_and_forks([seal.body.heads for seal in newest])
            outcome = self._outcome(cut)
        if outcome is None:
            return None
        decided = self._make(cut, outcome)
        digest = decided.digest()
        return self._found.setdefault(digest, Found(decided, digest, tuple(sorted([seal.id for seal in newest]))))

    def _recompute(self, message: Message[Claim]) -> Found | None:
        """Return what a claim says if it holds; forget it if it never will."""
        ids = message.body.seals
        seals = [self._seals[id] for id in ids if id in self._seals]
        if len(seals) < len(ids):
            return None
        authors = {seal.author for seal in seals}
        if len(authors) < len(seals) or sum(self._weights[author] for author in authors) < self._needed:
            self._claims[message.body.digest].remove(message)
            return None
        cut, forked = cut_and_forks([seal.body.heads for seal in seals])
        if forked and not all(self._is_backed(seal) for seal in seals):
            return None
        outcome = self._outcome(cut)
        if outcome is None:
            return None
        decided = self._make(cut, outcome)
        digest = decided.digest()
        if digest != message.body.digest:
            self._claims[message.body.digest].remove(message)
            return None
        return Found(decided, digest, ids)

    def _is_backed(self, seal: Message[Seal]) -> bool:
        return self._outcome(seal.body.heads) is not None

    def _outcome(self, cut: Heads) -> bytes | None:
        try:
            return self._decide(cut)
        except WaggleError:
            return None
