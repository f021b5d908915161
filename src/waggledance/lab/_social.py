"""What talk does to peers: who conforms, who wavers, how many opinions are left, which strategy does at least as well.

All are functions of a trace: what every peer answered in every round, from the first answers on. An event of conformity
is typed by truth before and after, t for right and f for wrong: ``"ft"`` is a peer that was wrong and took over a right
majority. Counts of events say little by themselves, as right and wrong majorities are not equally frequent: compare
rates. Source: Zhang et al. 2023, "Exploring Collaboration Mechanisms for LLM Agents: A Social Psychology View",
arXiv:2310.02124, section 4 and its code (github.com/zjunlp/MachineSoM).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Literal

from waggledance.core import Message, Proposal, UsageError

Trace = Sequence[Sequence[str | None]]
"""Answers by round, and in each round by peer, in one order; None where a peer had no answer."""

Kind = Literal["tt", "tf", "ft", "ff"]
KINDS: tuple[Kind, ...] = ("tt", "tf", "ft", "ff")


@dataclass(frozen=True)
class Conformity:
    """How often peers went with a majority that they had heard, by truth before and after."""

    events: Mapping[Kind, int]
    """How often a peer's new answer was the majority's."""
    chances: Mapping[Kind, int]
    """How often it might have been: the peer before, and the majority, were so right or wrong."""

    def rate(self, kind: Kind) -> float | None:
        """Return the share of chances that were taken, 0 to 1; None where there was no chance."""
        return self.events[kind] / self.chances[kind] if self.chances[kind] else None

    def __add__(self, other: Conformity) -> Conformity:
        """Return both together, as over many questions."""
        return Conformity(
            {kind: self.events[kind] + other.events[kind] for kind in KINDS},
            {kind: self.chances[kind] + other.chances[kind] for kind in KINDS},
        )


NO_CONFORMITY = Conformity(dict.fromkeys(KINDS, 0), dict.fromkeys(KINDS, 0))
"""Where a sum begins."""


def trace_of(messages: Iterable[Message[Any]]) -> tuple[tuple[str | None, ...], ...]:
    """Return the trace of a channel's proposals, peers in the order of their ids; the first one said in a round counts.

    A round in which a peer said nothing has None for it.
    """
    said: dict[tuple[int, bytes], str | None] = {}
    for message in sorted((m for m in messages if isinstance(m.body, Proposal)), key=lambda m: (m.lamport, m.id)):
        said.setdefault((message.body.round, message.author), message.body.key)
    rounds, peers = sorted({round for round, _ in said}), sorted({peer for _, peer in said})
    return tuple(tuple(said.get((round, peer)) for peer in peers) for round in rounds)


def conformity(trace: Trace, truth: str, *, version: Literal[1, 2] = 1) -> Conformity:
    """Count how often peers went with the majority of the round before.

    A majority is more than half of the answers that count; where there is none, there is no chance.

    Args:
        trace: what was answered.
        truth: the right answer.
        version: 1 counts the majority of the *others'* answers; 2 that of all, the peer's own among them.

    Raises:
        UsageError: rounds of the trace have unequal lengths, or there is no such version.

    >>> conformity([["A", "A", "C"], ["A", "A", "A"]], "A").events
    {'tt': 0, 'tf': 0, 'ft': 1, 'ff': 0}
    >>> conformity([["A", "A", "C"], ["A", "A", "A"]], "A", version=2).events
    {'tt': 2, 'tf': 0, 'ft': 1, 'ff': 0}
    """
    _check(trace)
    if version not in (1, 2):
        raise UsageError(f"conformity has versions 1 and 2, got {version!r}")
    events, chances = Counter[Kind](), Counter[Kind]()
    for before, after in pairwise(trace):
        for peer, (was, now) in enumerate(zip(before, after, strict=True)):
            heard = [key for other, key in enumerate(before) if version == 2 or other != peer]
            most = majority_of(heard)
            if most is None:
                continue
            kind = _kind(was == truth, most == truth)
            chances[kind] += 1
            events[kind] += now == most
    return Conformity({kind: events[kind] for kind in KINDS}, {kind: chances[kind] for kind in KINDS})


def majority_of(answers: Sequence[str | None]) -> str | None:
    """Return what more than half of all answer, those without an answer counted among all; None if nothing.

    >>> majority_of(["A", "A", "C"]), majority_of(["A", "C"]), majority_of(["A", None])
    ('A', None, None)
    """
    [(key, times)] = Counter(answers).most_common(1) or [(None, 0)]
    return key if 2 * times > len(answers) else None


def flips(trace: Trace) -> int:
    """Return how often a peer gave another answer than in the round before.

    >>> flips([["A", "B"], ["B", "B"], ["A", "B"]])
    2
    """
    _check(trace)
    return sum(was != now for before, after in pairwise(trace) for was, now in zip(before, after, strict=True))


def wavering(trace: Trace) -> int:
    """Return how often a peer came back to an answer that it had left.

    >>> wavering([["A", "B"], ["B", "B"], ["A", "C"]])
    1
    """
    _check(trace)
    back = 0
    for answers in zip(*trace, strict=True):
        for i in range(2, len(answers)):
            back += answers[i] != answers[i - 1] and answers[i] in answers[: i - 1]
    return back


def consistency(trace: Trace) -> tuple[int, ...]:
    """Return the number of distinct answers in every round; 1 is consensus, 0 that nobody had an answer.

    >>> consistency([["A", "B", "C"], ["A", "A", None], [None, None, None]])
    (3, 1, 0)
    """
    _check(trace)
    return tuple(len({key for key in answers if key is not None}) for answers in trace)


def win_tie(scores: Mapping[str, Sequence[float]]) -> Mapping[tuple[str, str], float]:
    """Return how often each strategy did at least as well as each other one on the same runs, 0 to 1.

    Repeats of one question are not independent: give one score a question, its mean over repeats.

    Args:
        scores: every strategy's scores, run by run in one order.

    Raises:
        UsageError: scores are of unequal number, there are none, or one is not a number.

    >>> win_tie({"000": [1, 0, 1], "111": [1, 1, 0]})["000", "111"] == 2 / 3
    True
    """
    counts = {len(row) for row in scores.values()}
    if len(counts) != 1 or 0 in counts:
        raise UsageError(f"strategies are compared on the same runs, one or more; got {sorted(counts)} scores each")
    if any(score != score for row in scores.values() for score in row):
        raise UsageError("a score is not a number: give 0 for a run without an answer, or leave the run out for all")
    [runs] = counts
    return {
        (one, other): sum(a >= b for a, b in zip(scores[one], scores[other], strict=True)) / runs
        for one in scores
        for other in scores
        if one != other
    }


def _kind(before: bool, after: bool) -> Kind:
    return KINDS[2 * (not before) + (not after)]


def _check(trace: Trace) -> None:
    if len({len(answers) for answers in trace}) > 1:
        raise UsageError("a trace has one answer a peer in every round, None where there is none; rounds are unequal")
