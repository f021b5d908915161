"""Whose word to doubt: requesters that say otherwise than one saw oneself, about workers that both had work from.

    difference = Σ n |mean of mine - mean of theirs| / Σ n      over kinds and workers that both know
    n          = the smaller number of outcomes

An author is doubted if the difference is above 0.35 and rests on ten outcomes or more. A clique that praises itself is
found out as soon as one had work from it; two honest requesters who want different things doubt each other as well, and
each then learns from those who see things as it does. It is personal and blind to order: a pure fold over outcomes.

What it cannot do: find a liar whose workers one never had work from, or one that tells the truth in ten outcomes of
eleven. Source: ours; comparing opinions on what both have seen is the idea of Kamvar et al. 2003, "EigenTrust".
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from waggledance.core import Message, PeerId
from waggledance.tasks._outcome import TaskOutcome, counted, place_of

DIFFERENCE_PPM = 350_000
"""More than honest means of ten or more outcomes differ by chance in one case of a hundred (two of mean .5)."""
ENOUGH = 10

_Sums = dict[tuple[str, bytes], tuple[int, int]]


def doubted_by(me: PeerId, messages: Iterable[Message[Any]]) -> frozenset[PeerId]:
    """Return the authors of outcomes whose word a peer should not learn from; give it to `counted`.

    Args:
        me: in whose eyes. A peer that has published no outcome doubts nobody.
        messages: of a channel, in any order.
    """
    doubts = Doubts(me)
    doubts.take(messages)
    return doubts.authors


class Doubts:
    """Whom one peer doubts, kept up to date outcome by outcome: always what `doubted_by` says of all of them.

    Args:
        me: in whose eyes.
    """

    def __init__(self, me: PeerId) -> None:
        self._me = me
        self._sums: dict[PeerId, _Sums] = {}
        self._first: dict[tuple[bytes, bytes, bytes], Message[TaskOutcome]] = {}
        self.authors: frozenset[PeerId] = frozenset()

    def take(self, messages: Iterable[Message[Any]]) -> bool:
        """Take in messages, in any order, the same ones again or not; say whether somebody else is doubted now."""
        heard = {said.author for said in counted(messages) if self._insert(said)}
        before = self.authors
        anew = self._sums.keys() - {self._me} if self._me in heard else heard - {self._me}
        mine = self._sums.get(self._me, {})
        now = {author for author in anew if _differs(mine, self._sums[author])}
        self.authors = before - anew | now
        return self.authors != before

    def _insert(self, said: Message[TaskOutcome]) -> bool:
        """Count an outcome, in the place of a later one about the same if there is one."""
        about = (said.author, said.body.task, said.body.worker)
        other = self._first.get(about)
        if other is not None and place_of(other) <= place_of(said):
            return False
        self._first[about] = said
        if other is not None:
            self._count(other, -1)
        self._count(said, 1)
        return True

    def _count(self, said: Message[TaskOutcome], sign: int) -> None:
        sums, about = self._sums.setdefault(said.author, {}), (said.body.task_kind, said.body.worker)
        number, total = sums.pop(about, (0, 0))
        if number + sign:
            sums[about] = number + sign, total + sign * said.body.reward_ppm


def _differs(mine: _Sums, theirs: _Sums) -> bool:
    compared = difference = 0
    for about in mine.keys() & theirs.keys():
        (n, total), (other_n, other_total) = mine[about], theirs[about]
        both = min(n, other_n)
        compared += both
        difference += both * abs(total // n - other_total // other_n)
    return compared >= ENOUGH and difference > DIFFERENCE_PPM * compared
