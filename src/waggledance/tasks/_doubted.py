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
from waggledance.tasks._outcome import counted

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
    by_author: dict[PeerId, _Sums] = {}
    for said in counted(messages):
        sums, about = by_author.setdefault(said.author, {}), (said.body.task_kind, said.body.worker)
        number, total = sums.get(about, (0, 0))
        sums[about] = number + 1, total + said.body.reward_ppm
    mine = by_author.pop(me, {})
    return frozenset(author for author, sums in by_author.items() if _differs(mine, sums))


def _differs(mine: _Sums, theirs: _Sums) -> bool:
    compared = difference = 0
    for about in mine.keys() & theirs.keys():
        (n, total), (other_n, other_total) = mine[about], theirs[about]
        both = min(n, other_n)
        compared += both
        difference += both * abs(total // n - other_total // other_n)
    return compared >= ENOUGH and difference > DIFFERENCE_PPM * compared
