"""Schedules: which pairs of proposals a judge compares.

The cheap schedule has each judge compare each two *distinct answers* once: 3.5 comparisons a judge instead of 42 at
15 peers, and the same accuracy. What the judge reads for an answer is one of its proposals, drawn from the seed; and
the seed draws which of the two it reads first, since judges favour a place (a bias of .3 cost 5 points).
Source: Larin et al. 2025, "Fortytwo", arXiv:2510.24801 (3N pairs of proposals a judge).
"""

from __future__ import annotations

from itertools import combinations
from typing import Literal

from blake3 import blake3

from waggledance.consensus._rule import Proposals
from waggledance.core import Message, PeerId, Proposal, UsageError

Pair = tuple[Message[Proposal], Message[Proposal]]


def pairs(
    proposals: Proposals,
    judge: PeerId,
    seed: int,
    *,
    per_judge: int | None = None,
    unit: Literal["answer", "proposal"] = "answer",
) -> list[Pair]:
    """Return the pairs of proposals that a judge compares, each in the order in which it reads them.

    A pure function, so that anyone can check which judgements were due. A judge never reads its own proposal, except
    with ``unit="answer"`` where it is the only one that gives its answer.

    Args:
        proposals: what was proposed, in any order; those without an answer are left out.
        judge: who compares; each judge gets pairs and orders of its own.
        seed: the run's seed.
        per_judge: at most so many pairs, drawn from the seed; all when None.
        unit: ``"answer"``: each two distinct answers once. ``"proposal"``: each two proposals of others, whatever they
            say; the paper takes ``per_judge=3 * len(proposals)`` of them.

    Raises:
        UsageError: `per_judge` is below 0.
    """
    if per_judge is not None and per_judge < 0:
        raise UsageError(f"a judge compares 0 or more pairs, got per_judge={per_judge}")
    answered = sorted({m for m in proposals if m.body.key is not None})
    if unit == "answer":
        by_answer: dict[str, list[Message[Proposal]]] = {}
        for message in answered:
            assert message.body.key is not None
            by_answer.setdefault(message.body.key, []).append(message)
        readable = [
            min([m for m in group if m.author != judge] or group, key=lambda m: _draw(seed, judge, m.id))
            for _, group in sorted(by_answer.items())
        ]
    else:
        readable = [m for m in answered if m.author != judge]
    due = sorted(combinations(readable, 2), key=lambda pair: _draw(seed, judge, pair[0].id, pair[1].id))[:per_judge]
    return [(b, a) if _draw(seed, judge, b"first", a.id, b.id)[0] & 1 else (a, b) for a, b in due]


def _draw(seed: int, *what: bytes) -> bytes:
    """Return 32 bytes that nobody can choose: a hash of the seed and what is drawn for."""
    return blake3(b"waggle/pairs/1\0%d\0" % seed + b"\0".join(what)).digest()
