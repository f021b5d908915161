"""Quality: how good a few drawn evaluators find each solution, and which solutions are weak.

    quality(s) = median of the grades that its evaluators gave it      weak(s) ⇔ quality(s) < gate

Source: Tang et al. 2025, "Eigen-1: Adaptive Multi-Agent Refinement with Monitor-Based RAG for Scientific Reasoning",
arXiv:2509.21193, quality-aware iteration: one evaluator, gate 3 of 5, a grade of .2 logic + .6 answer + .2 explanation.
Here a peer's grade is the whole of it, on a scale from 0 to 1,000,000, and a gate of 0.6 is the paper's 3 of 5.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from statistics import median

from blake3 import blake3

from waggledance.consensus import Judgements
from waggledance.core import UNIT, MessageId, PeerId, UsageError


def evaluators(authors: Iterable[PeerId], count: int, seed: int, round: int = 0) -> Mapping[PeerId, frozenset[PeerId]]:
    """Return who evaluates whose solution: as many for each and as many of each as can be, never one's own.

    Authors stand in a circle in an order that the seed draws; each is evaluated by those who come next.

    Args:
        authors: whose solutions there are.
        count: how many evaluators a solution has, ≥ 0; fewer where there are not so many others.
        seed: the run's seed.
        round: another one is another circle.

    >>> a, b, c = (PeerId(bytes([i])) for i in range(3))
    >>> drawn = evaluators([a, b, c], 1, seed=7)
    >>> sorted(peer for by in drawn.values() for peer in by) == [a, b, c], any(peer in drawn[peer] for peer in drawn)
    (True, False)
    """
    circle = sorted(set(authors), key=lambda peer: blake3(b"waggle/eval/1\0%d\0%d\0" % (seed, round) + peer).digest())
    n = len(circle)
    steps = range(1, min(count, n - 1) + 1)
    return {peer: frozenset(circle[(i + step) % n] for step in steps) for i, peer in enumerate(circle)}


def quality(judgements: Judgements, by: Mapping[MessageId, frozenset[PeerId]]) -> dict[MessageId, int]:
    """Return the median grade of every solution that was graded, in parts per million.

    Args:
        judgements: grades of single solutions; preferences between several are not looked at.
        by: who evaluates which solution; others' grades do not count, and of several by one evaluator the lowest does.
    """
    grades: dict[MessageId, dict[PeerId, int]] = {}
    for message in judgements:
        for verdict in message.body.verdicts:
            subject = verdict.subjects[0]
            if len(verdict.subjects) == 1 and message.author in by.get(subject, ()):
                given = grades.setdefault(subject, {})
                given[message.author] = min(verdict.scores[0], given.get(message.author, UNIT))
    return {subject: int(median(given.values())) for subject, given in sorted(grades.items())}


def weak(quality: Mapping[MessageId, int], gate: float) -> frozenset[MessageId]:
    """Return the solutions that are to be done again: those below the gate; with a gate of 1 all, with 0 none.

    Args:
        quality: of every solution that was graded, in parts per million; what was not graded is not weak.
        gate: the least quality that passes, 0 to 1.

    Raises:
        UsageError: the gate is out of range.
    """
    if not 0 <= gate <= 1:
        raise UsageError(f"a gate is a quality from 0 to 1, got gate={gate}")
    least = round(gate * UNIT)
    return frozenset(subject for subject, grade in quality.items() if grade < least or gate == 1)
