"""Reliability of judges: how much each one's word should count, learnt from questions with known answers.

    weight = log(J / (1-J)), floored at 0;   J = (right + 1) / (asked + 2)

A judge that is right as often as a coin counts nothing, one that is right less often counts nothing rather than
against: a liar who knows that it is read backwards just tells the truth. Learnt from probes that look like ordinary
questions, such weights held 83 % with 7 colluders of 15 judges, where weights learnt from the consensus itself fell to
0. Source: Larin et al. 2025, "Fortytwo", arXiv:2510.24801 (proof of capability); Nitzan and Paroush 1982 for the
logarithm of odds.
"""

from collections import Counter
from collections.abc import Iterable
from math import log

from waggledance.core import UNIT, PeerId


def from_probes(outcomes: Iterable[tuple[PeerId, bool]]) -> dict[PeerId, int]:
    """Return every judge's weight from its verdicts on probes, in parts per million of one nat; for `judge_weights`.

    Args:
        outcomes: judge, and whether its verdict on a probe was right; one pair a verdict, in any order.

    >>> from_probes([(PeerId(b"good"), True)] * 8 + [(PeerId(b"coin"), True), (PeerId(b"coin"), False)])
    {b'coin': 0, b'good': 2197225}
    """
    right: Counter[PeerId] = Counter()
    wrong: Counter[PeerId] = Counter()
    for judge, was_right in outcomes:
        (right if was_right else wrong)[judge] += 1
    return {
        judge: max(0, round(UNIT * log((right[judge] + 1) / (wrong[judge] + 1))))
        for judge in sorted(right.keys() | wrong.keys())
    }
