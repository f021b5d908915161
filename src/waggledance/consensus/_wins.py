"""Wins: who was preferred to whom, by how many judges. All rules on judgements start from here.

A ballot is one judge's preferences: +1, -1 or 0 for every pair of contenders that it compared. A verdict on two
proposals is one comparison, a ranking of n is n(n-1)/2, and a judge's grades of single proposals, put side by side,
compare each two that it graded. Contenders are answers (proposals that say the same are one) or single proposals.

A judge has one vote per pair of contenders: when it compared the same two several times, as texts or in two messages,
the side it preferred more often gets the vote, and its grades speak only where it compared nothing. Equal scores give
each side one half. So nobody gains by judging more, or by saying it all again.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from itertools import combinations

from waggledance.consensus._rule import Judgements, Weights
from waggledance.core import UNIT, MessageId, PeerId

Ballot = Mapping[tuple[str, str], int]
"""Of each pair (a, b) with a < b: +1 when the judge prefers a, -1 when b, 0 when neither."""

Wins = Mapping[tuple[str, str], int]
"""Weight of judges that prefer the first to the second, in parts per million of one judge; both orders are there."""


def ballots(judgements: Judgements, contenders: Mapping[MessageId, str]) -> dict[PeerId, Ballot]:
    """Return every judge's ballot.

    Args:
        judgements: what was judged; a message given twice counts once, verdicts on anything else are not looked at.
        contenders: what each proposal stands for: its answer's key (`subjects`), or its own id in hexadecimal.
    """
    margins: dict[PeerId, Counter[tuple[str, str]]] = {}
    grades: dict[PeerId, dict[MessageId, list[int]]] = {}
    for message in {m.id: m for m in judgements}.values():
        margin = margins.setdefault(message.author, Counter())
        for verdict in message.body.verdicts:
            scored = [(subject, score) for subject, score in zip(verdict.subjects, verdict.scores, strict=True)
                      if subject in contenders]  # fmt: skip
            if len(verdict.subjects) == 1:
                for subject, score in scored:
                    grades.setdefault(message.author, {}).setdefault(subject, []).append(score)
            else:
                _compare(margin, scored, contenders)
    for judge, graded in grades.items():
        means = [(subject, sum(scores) * UNIT // len(scores)) for subject, scores in graded.items()]
        by_grades = Counter[tuple[str, str]]()
        _compare(by_grades, means, contenders)
        margins[judge] = Counter({**by_grades, **margins[judge]})
    return {
        judge: {pair: (net > 0) - (net < 0) for pair, net in margin.items()}
        for judge, margin in margins.items()
        if margin
    }


def wins(cast: Mapping[PeerId, Ballot], weights: Weights) -> dict[tuple[str, str], int]:
    """Add up ballots.

    Args:
        cast: every judge's ballot.
        weights: of each judge, in parts per million of one judge; a judge of weight 0 is as if absent.

    >>> from waggledance.core import PeerId
    >>> wins({PeerId(b"ann"): {("4", "5"): 1}, PeerId(b"bob"): {("4", "5"): 0}}, {})
    {('4', '5'): 1500000, ('5', '4'): 500000}
    """
    won: dict[tuple[str, str], int] = {}
    for judge, ballot in cast.items():
        weight = weights.get(judge, UNIT)
        if weight <= 0:
            continue
        for (a, b), side in ballot.items():
            won[a, b] = won.get((a, b), 0) + weight * (1 + side) // 2
            won[b, a] = won.get((b, a), 0) + weight * (1 - side) // 2
    return won


def for_every_text(won: Wins, backing: Mapping[str, int]) -> dict[tuple[str, str], int]:
    """Let a verdict on two answers stand for all pairs of proposals that give them, as if each had been compared.

    Args:
        won: wins of answers.
        backing: how many proposals stand behind each, by weight, in parts per million of one.

    >>> for_every_text({("4", "5"): 1_000_000}, {"4": 2_000_000, "5": 3_000_000})
    {('4', '5'): 6000000}
    """
    return {(a, b): weight * backing[a] * backing[b] // UNIT**2 for (a, b), weight in won.items()}


def opponents(won: Wins, contenders: Iterable[str]) -> dict[str, list[str]]:
    """Return whom each contender was compared with, sorted."""
    met: dict[str, list[str]] = {contender: [] for contender in contenders}
    for a, b in sorted(won):
        met[a].append(b)
    return met


def _compare(
    margin: Counter[tuple[str, str]], scored: Iterable[tuple[MessageId, int]], contenders: Mapping[MessageId, str]
) -> None:
    """Add a verdict's comparisons of different contenders to a judge's margins."""
    for (one, its_score), (other, other_score) in combinations(scored, 2):
        a, b = contenders[one], contenders[other]
        sign = (its_score > other_score) - (its_score < other_score)
        if a < b:
            margin[a, b] += sign
        elif b < a:
            margin[b, a] -= sign
