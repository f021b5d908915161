"""Reciprocal rank fusion: several rankings of the same things become one, by places and not by scores.

    score(x) = Σ over rankings that hold x of 1 / (60 + place of x), places from 1

Scores of different searches have different scales; places have not. In whole parts per billion.
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
