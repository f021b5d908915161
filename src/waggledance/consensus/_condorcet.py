"""Condorcet: the answer that wins against every other one, pair by pair; else the one that beats most.

    score(a) = number of answers that more judges find worse than a  +  ½ · number of even pairs      (Copeland)

Each judge has one vote per pair of answers. When answers beat each other in a circle, or for another reason several
beat equally many, Borda's count decides among them: their share of all votes, which adds less than one half to the
score. Withstands many weak answers that make a mediocre one look good, and clones of an answer. Does not withstand
judges of whom half lie together. Sources: Condorcet 1785; Copeland 1951, "A reasonable social welfare function";
Black 1958, "The Theory of Committees and Elections" (Borda where there is no Condorcet winner).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from waggledance.consensus._borda import points
from waggledance.consensus._peer_ranked import PeerRanked, Standing
from waggledance.consensus._wins import Wins, opponents
from waggledance.core import UNIT

HALF = UNIT // 2


def copeland(won: Wins, contenders: Sequence[str]) -> dict[str, int]:
    """Return twice Copeland's score: 2 for every contender that one beats, 1 for every even pair, or pair never judged.

    >>> copeland({("a", "b"): 2, ("b", "a"): 1}, ["a", "b", "c"])
    {'a': 3, 'b': 1, 'c': 2}
    """
    met = opponents(won, contenders)
    score: dict[str, int] = {}
    for a in contenders:
        gaps = [won.get((a, b), 0) - won.get((b, a), 0) for b in met[a]]
        score[a] = len(contenders) - 1 + sum((gap > 0) - (gap < 0) for gap in gaps)
    return score


def _combine(contenders: Mapping[str, int], won: Wins) -> Standing:
    beaten, borda = copeland(won, tuple(contenders)), points(won, tuple(contenders))
    all_points = max(1, sum(borda.values()))
    scores = {c: beaten[c] * HALF + borda[c] * (HALF - 1) // all_points for c in contenders}
    top = max(scores.values())
    duels = [
        (won.get((a, b), 0), won.get((b, a), 0)) for a in contenders if scores[a] == top for b in contenders if a != b
    ]
    weakest = min(lead / (lead + loss) if lead + loss else 0.5 for lead, loss in duels)
    if weakest > 0.5:
        return Standing(scores, weakest)
    return Standing(scores, weakest, ("no answer beats every other one; the one that beats most leads",))


condorcet = PeerRanked("condorcet", _combine)
"""The answer that beats every other one, by one vote per judge and pair.

Support is Copeland's score in parts per million of one beaten answer; confidence the share of judges that prefer the
winner to its strongest rival.
"""
