"""Reciprocal rank fusion: several rankings of the same things become one, by places and not by scores.

    score(x) = Σ over rankings that hold x of 1 / (60 + place of x), places from 1

Scores of different searches have different scales; places have not. In whole parts per billion. What stands somewhere
in two rankings beats what is first in one: so the first of each is kept besides (`with_firsts`), which is ours.
Source: Cormack, Clarke, Büttcher 2009, "Reciprocal Rank Fusion outperforms Condorcet and individual Rank Learning
Methods", SIGIR; k = 60 is theirs.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from typing import TypeVar

K = 60
_BILLION = 1_000_000_000
T = TypeVar("T", bound=Hashable)


def fused(rankings: Iterable[Sequence[T]]) -> dict[T, int]:
    """Return each thing's score in parts per billion; higher is better. Equal sets of rankings give equal scores.

    >>> fused([["a", "b"], ["b"]])
    {'a': 16393442, 'b': 32522474}
    """
    scores: dict[T, int] = {}
    for ranking in rankings:
        for place, thing in enumerate(ranking, start=1):
            scores[thing] = scores.get(thing, 0) + _BILLION // (K + place)
    return scores


def with_firsts(best: Sequence[T], rankings: Sequence[Sequence[T]]) -> list[T]:
    """Return the best things, the last of them replaced by those that are first in a ranking and were not among them.

    Nothing is replaced where there are fewer places than rankings.

    >>> with_firsts(["x", "y", "z"], [["a", "x"], ["x", "y"]])
    ['x', 'y', 'a']
    """
    firsts = dict.fromkeys(ranking[0] for ranking in rankings if ranking)
    missing = [first for first in firsts if first not in best]
    if len(best) < len(rankings) or not missing:
        return list(best)
    kept = list(best)
    for first in missing:
        place = max(i for i, thing in enumerate(kept) if thing not in firsts)
        del kept[place]
        kept.append(first)
    return kept
