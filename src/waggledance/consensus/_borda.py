"""Borda count: the answer that judges place highest over all.

    score(a) = sum over judges of w(judge) · number of answers that the judge finds worse than a

The worst of a ranking of k gets 0, the best k - 1; equals get one half for each other. Comparisons of pairs count as
the ranking they make up. Withstands lost and late rankings. Does not withstand judges who agree to bury an answer, nor
a field crowded with weak answers that one side beats. Source: Emerson 2013, "The original Borda count and partial
voting", doi:10.1007/s00355-011-0603-9.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from waggledance.consensus._peer_ranked import PeerRanked, Standing
from waggledance.consensus._wins import Wins


def points(won: Wins, contenders: Sequence[str]) -> dict[str, int]:
    """Return every contender's Borda points, in parts per million of one judge's one place.

    >>> points({("a", "b"): 2_000_000, ("b", "a"): 1_000_000}, ["a", "b", "c"])
    {'a': 2000000, 'b': 1000000, 'c': 0}
    """
    score = dict.fromkeys(contenders, 0)
    for (a, _), weight in won.items():
        score[a] += weight
    return score


def _combine(contenders: Mapping[str, int], won: Wins) -> Standing:
    return Standing(points(won, tuple(contenders)))


borda = PeerRanked("borda", _combine)
"""The answer that is placed highest; support in parts per million of one judge's one place."""
