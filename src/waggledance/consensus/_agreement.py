"""Agreement of judges: signs, in one decision's own evidence, that its judges cannot tell better from worse.

Two signs. *Self-preference*: a judge that gave another answer than the winner's and compared the two should be moved by
the better one at least half of the time; when most stand by their own, judging is voting over again, and worse. On
synthetic judges, n = 15, this marks 80 % of the decisions of judges that lose against majority (they recognise truth
with .8 if they had it, .2 if not) and 30 % of those that gain 15 points (.9 and .5). *Agreement at chance*: judges that
gave no other answer and still agree in pairs no more often than coins do.
Source for the first: Panickssery, Bowman, Feng 2024, "LLM Evaluators Recognize and Favor Their Own Generations",
arXiv:2404.13076; the thresholds are ours.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Set

from waggledance.consensus._rule import Weights
from waggledance.consensus._wins import Ballot
from waggledance.core import UNIT, PeerId

SELF_PREFERENCE_MAX_PERCENT = 60
"""More of the judges with another answer than this preferring their own: the decision says so."""


def self_preference(cast: Mapping[PeerId, Ballot], own: Mapping[PeerId, Set[str]], winner: str) -> tuple[int, int]:
    """Return how many judges prefer an answer of their own to the winner, and how many compared the two.

    Args:
        cast: every judge's ballot over answers.
        own: the answers that each judge gave itself; those who gave the winning one are not looked at.
        winner: the answer that won.
    """
    loyal = compared = 0
    for judge, ballot in cast.items():
        answers = own.get(judge, frozenset[str]())
        if winner not in answers:
            sides = [side if a != winner else -side for (a, b), side in ballot.items()
                     if (a == winner and b in answers) or (b == winner and a in answers)]  # fmt: skip
            compared += bool(sides)
            loyal += sum(sides) > 0
    return loyal, compared


def agreement(cast: Mapping[PeerId, Ballot]) -> tuple[int, int]:
    """Return how many meetings of two judges over one pair of answers ended alike, and how many there were.

    Coins end alike in half of their meetings. Counts of many questions may be added up.

    >>> one, other = {("4", "5"): 1}, {("4", "5"): -1}
    >>> agreement({PeerId(b"a"): one, PeerId(b"b"): one, PeerId(b"c"): other})
    (1, 3)
    """
    ups: Counter[tuple[str, str]] = Counter()
    downs: Counter[tuple[str, str]] = Counter()
    for ballot in cast.values():
        ups.update(pair for pair, side in ballot.items() if side > 0)
        downs.update(pair for pair, side in ballot.items() if side < 0)
    alike = meetings = 0
    for pair in ups.keys() | downs.keys():
        up, down = ups[pair], downs[pair]
        alike += (up * (up - 1) + down * (down - 1)) // 2
        meetings += (up + down) * (up + down - 1) // 2
    return alike, meetings


def doubts(cast: Mapping[PeerId, Ballot], own: Mapping[PeerId, Set[str]], winner: str, weights: Weights) -> list[str]:
    """Return what the evidence says against the judges, as a note; nothing when it says nothing.

    Judges of weight 0 are not looked at.
    """
    cast = {judge: ballot for judge, ballot in cast.items() if weights.get(judge, UNIT) > 0}
    loyal, compared = self_preference(cast, own, winner)
    if compared:
        if compared > 1 and loyal * 100 > compared * SELF_PREFERENCE_MAX_PERCENT:
            return [f"judges look unreliable: {loyal} of {compared} that gave another answer prefer it to the winner"]
        return []
    alike, meetings = agreement(cast)
    if meetings and 2 * alike <= meetings:
        return [f"judges look unreliable: two of them agree in {100 * alike // meetings} % of cases, coins in 50 %"]
    return []
