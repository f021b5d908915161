"""Win rate: the answer that wins the largest share of its comparisons.

    score(a) = (½ + wins of a) / (1 + wins of a + losses of a)

where a comparison of two answers counts once for each pair of peers that give them, as in `bradley_terry`. With half a
virtual win and half a virtual loss an answer that nobody judged stands at one half. Within 2 points of Bradley–Terry
on synthetic judges; does not correct for who met whom. Withstands and does not withstand what Bradley–Terry
does. Source: Larin et al. 2025, "Fortytwo", arXiv:2510.24801, whose baseline it is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from waggledance.consensus._borda import points
from waggledance.consensus._peer_ranked import PeerRanked, Standing
from waggledance.consensus._wins import Wins, for_every_text
from waggledance.core import UNIT


def rates(won: Wins, contenders: Sequence[str]) -> dict[str, int]:
    """Return every contender's share of comparisons won, in parts per million.

    >>> rates({("a", "b"): 3_000_000, ("b", "a"): 0}, ["a", "b", "c"])
    {'a': 875000, 'b': 125000, 'c': 500000}
    """
    gained = points(won, contenders)
    lost = points({(b, a): weight for (a, b), weight in won.items()}, contenders)
    return {c: (gained[c] + UNIT // 2) * UNIT // (gained[c] + lost[c] + UNIT) for c in contenders}


def _combine(contenders: Mapping[str, int], won: Wins) -> Standing:
    return Standing(rates(for_every_text(won, contenders), tuple(contenders)))


win_rate = PeerRanked("win-rate", _combine)
"""The answer that wins the largest share of its comparisons; support is that share, in parts per million."""
