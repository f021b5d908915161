"""Stopping a vote: when answers still to come can change the outcome no more, or hardly any more.

*Settled* is exact. A peer's proposals share its weight evenly, so a peer of weight w with s answers of which c are for
the leader a and r for a rival b, and at most n answers to come, leads with at least

    min over m ≤ n of   (c − r − m) · ⌊w / (s + m)⌋

where m answers to come are all for b; a vote that counts by stated confidence is scaled, with full confidence for what
is to come. The leader is settled when these sums over all peers, for every rival and for an answer that nobody gave
yet, are above zero, or are zero and the tie would fall to it. Then no further answers, whatever they are, decide
otherwise; while it is not settled, for a majority, some would.

*Likely* is adaptive consistency: of the leading answer and its strongest rival, with v and u votes, the first is the
more probable one with a posterior chance, from an even prior, of

    P(p > ½ | v, u) = 1 − I_½(v + 1, u + 1) = Σ_{j ≤ v} C(v + u + 1, j) / 2^(v + u + 1)

and sampling ends when that reaches a threshold. It is computed in whole numbers, so that all who hold the same votes
stop alike. Source: Aggarwal et al. 2023, "Let's Sample Step by Step: Adaptive-Consistency for Efficient Reasoning with
LLMs", arXiv:2305.11860, the Beta criterion. It looks after every vote, so over a whole run the leader changes more
often than 1 − threshold says (`tests/protocols/test_stopping.py` counts it).
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import comb

from waggledance.consensus import ConfidenceVote, Once, Rule, Weights, majority, name_of, tie_break
from waggledance.core import UNIT, Message, PeerId, Proposal, UsageError

Proposals = Sequence[Message[Proposal]]
Left = Mapping[PeerId, int]
"""How many more proposals each peer may make, ≥ 0."""


def settled_in(proposals: Proposals, left: Left, weights: Weights, rule: Rule) -> int:
    """Return after how many more turns the answer may be settled at the soonest; 0 when it is.

    Args:
        proposals: what was proposed so far.
        left: how many more proposals each peer may make; in a turn everybody makes one who may.
        weights: voting weights in parts per million of a peer.
        rule: `majority`, or a confidence vote.

    Raises:
        UsageError: nobody knows when another rule's answer is settled.
    """
    check_settles(rule)
    longest = max(left.values(), default=0)
    if longest == 0:
        return 0
    count = _Count.of(proposals, left, weights, rule)
    leader = count.leader()
    if count.holds(leader):
        return 0
    return 1 + bisect_left(range(1, longest), True, key=lambda turns: count.after(turns, leader).holds(leader))


def likely_in(proposals: Proposals, left: Left, leader: str | None, sure: float = 0.95) -> int:
    """Return after how many more turns the leading answer may be likely enough at the soonest; 0 when it is.

    Args:
        proposals: what was proposed so far; each answer counts as one vote, whoever gave it.
        left: how many more proposals each peer may make; in a turn everybody makes one who may.
        leader: the answer that leads; None when there is none yet.
        sure: the posterior chance that is enough, > 0.5 and < 1.

    Raises:
        UsageError: `sure` is out of its range.
    """
    check_sure(sure)
    longest = max(left.values(), default=0)
    counts = Counter(m.body.key for m in proposals if m.body.key is not None)
    first = counts.pop(leader, 0) if leader is not None else 0
    second = max(counts.values(), default=0)

    def enough(turns: int) -> bool:
        votes = first + sum(min(turns, most) for most in left.values())
        return votes >= second and likely(votes, second, sure)

    if longest == 0 or enough(0):
        return 0
    return 1 + bisect_left(range(1, longest), True, key=enough)


def likely(first: int, second: int, sure: float = 0.95) -> bool:
    """Say whether the more frequent of two answers is the more probable one, with a posterior chance of `sure`.

    Args:
        first: votes for the most frequent answer, ≥ `second`.
        second: votes for the next one, ≥ 0.
        sure: the chance that is enough, > 0.5 and < 1.

    Raises:
        UsageError: `sure` is out of its range, or the votes are not in order.

    >>> likely(4, 0), likely(3, 0), likely(5, 1), likely(6, 1)
    (True, False, False, True)
    """
    check_sure(sure)
    ways, n = _ways(first, second)
    return ways * UNIT >= round(sure * UNIT) << n


def chance_of_lead(first: int, second: int) -> float:
    """Return the posterior chance, .5 to 1, that the more frequent of two answers is the more probable one.

    Args:
        first: votes for the most frequent answer, ≥ `second`.
        second: votes for the next one, ≥ 0.

    Raises:
        UsageError: the votes are not in order.

    >>> chance_of_lead(3, 3), round(chance_of_lead(4, 0), 3)
    (0.5, 0.969)
    """
    ways, n = _ways(first, second)
    return ways / (1 << n)


def _ways(first: int, second: int) -> tuple[int, int]:
    """Return (m, n): the chance of the lead is m / 2^n."""
    if not first >= second >= 0:
        raise UsageError(f"votes are given as the leader's and the next one's, got {first} and {second}")
    n = first + second + 1
    return sum(comb(n, j) for j in range(first + 1)), n


def settles(rule: Rule) -> bool:
    """Say whether it is known when a rule's answer is settled: `majority`'s and a confidence vote's."""
    return _is_majority(rule) or isinstance(_within(rule), ConfidenceVote)


def check_settles(rule: Rule) -> None:
    """Refuse a rule of which nobody knows when its answer is settled.

    Raises:
        UsageError: it is neither `majority` nor a confidence vote.
    """
    if not settles(rule):
        raise UsageError(
            f"when rule {name_of(rule)!r} is settled is not known: choose 'majority' or 'confidence', or stop='never'"
        )


def check_likely(rule: Rule) -> None:
    """Refuse a rule that does not take the most frequent answer.

    Raises:
        UsageError: it is not `majority`.
    """
    if not _is_majority(rule):
        raise UsageError(
            f"the likely answer is the most frequent one, and rule {name_of(rule)!r} may take another: choose "
            "'majority', or stop='settled'"
        )


def check_sure(sure: float) -> None:
    """Refuse a chance that cannot be enough.

    Raises:
        UsageError: it is not above 0.5 and below 1.
    """
    if not 0.5 < sure < 1:
        raise UsageError(f"being sure is a chance above 0.5 and below 1, got sure={sure}")


def _within(rule: Rule) -> Rule:
    return rule.rule if isinstance(rule, Once) else rule


def _is_majority(rule: Rule) -> bool:
    return _within(rule) is majority


@dataclass(frozen=True)
class _Count:
    """The votes so far, and how many may come."""

    channel: str
    ballots: Mapping[PeerId, Counter[tuple[str, int]]]
    """How many of each peer's answers are for an answer, with which part of a full vote in parts per million."""
    left: Left
    weights: Weights

    @classmethod
    def of(cls, proposals: Proposals, left: Left, weights: Weights, rule: Rule) -> _Count:
        inner = _within(rule)
        ballots: dict[PeerId, Counter[tuple[str, int]]] = {}
        for message in {m.id: m for m in proposals}.values():
            if message.body.key is not None and weights.get(message.author, UNIT) > 0:
                part = inner.share_ppm(message) if isinstance(inner, ConfidenceVote) else UNIT
                ballots.setdefault(message.author, Counter())[message.body.key, part] += 1
        voting = {peer: most for peer, most in left.items() if weights.get(peer, UNIT) > 0}
        return cls(proposals[0].channel if proposals else "", ballots, voting, weights)

    def leader(self) -> str | None:
        """Return who leads by now; None before there is an answer."""
        scores = dict.fromkeys(self._keys(), 0)
        for peer, cast in self.ballots.items():
            share = self.weights.get(peer, UNIT) // cast.total()
            for (key, part), times in cast.items():
                scores[key] += times * (share * part // UNIT)
        return min(scores, key=lambda key: (-scores[key], tie_break(self.channel, key)), default=None)

    def after(self, turns: int, leader: str | None) -> _Count:
        """Return the count after so many turns in which everybody is for the leader, fully."""
        ballots = {peer: cast.copy() for peer, cast in self.ballots.items()}
        for peer, most in self.left.items():
            ballots.setdefault(peer, Counter())[leader or "", UNIT] += min(turns, most)
        left = {peer: most - min(turns, most) for peer, most in self.left.items()}
        return _Count(self.channel, ballots, left, self.weights)

    def holds(self, leader: str | None) -> bool:
        """Say whether the leader stays the leader, whatever comes."""
        if not any(self.left.values()):
            return True
        if leader is None and not self.ballots:
            return False
        leader = leader or ""
        for rival in (*self._keys(), None):
            if rival == leader:
                continue
            lead = self._least_lead(leader, rival)
            if lead < 0:
                return False
            if lead == 0 and (rival is None or tie_break(self.channel, rival) < tie_break(self.channel, leader)):
                return False
        return True

    def _least_lead(self, leader: str, rival: str | None) -> int:
        """Return by how much the leader leads at least when all that may come is for a rival; None is a new answer."""
        total = 0
        for peer in {**self.ballots, **self.left}:
            cast, weight = self.ballots.get(peer, Counter[tuple[str, int]]()), self.weights.get(peer, UNIT)
            mine = [(part, times if key == leader else -times) for (key, part), times in cast.items()
                    if key in (leader, rival)]  # fmt: skip
            said = cast.total()
            least: int | None = None
            for more in range(self.left.get(peer, 0) + 1):
                share = weight // (said + more) if said + more else 0
                lead = sum(times * (share * part // UNIT) for part, times in mine) - more * share
                least = lead if least is None else min(least, lead)
            total += least or 0
        return total

    def _keys(self) -> set[str]:
        return {key for cast in self.ballots.values() for key, _ in cast}
