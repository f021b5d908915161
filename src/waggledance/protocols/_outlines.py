"""Outlines: who works along whose, which of them say the same, and how much they share.

An outline says how a question could be answered and not what the answer is. Distances are shares of words that only one
of two outlines has (Jaccard), so no model is needed; with vectors they are angles. All are integers, and all functions
here are pure, so that all who hold the same outlines agree on who takes which.
Source: Guo et al. 2026, "OPE: Overcoming Information Saturation in Parallel Thinking via Outline-Guided Path
Exploration", arXiv:2602.08344 (there one call writes all outlines; that peers write and take them is ours).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import combinations
from math import fsum, isfinite, sqrt

from blake3 import blake3

from waggledance.core import UNIT, Message, MessageId, Note, PeerId, UsageError

OUTLINE = "outline"
"""What a note is about that is an outline."""

Outlines = Sequence[Message[Note]]
Vectors = Mapping[MessageId, Sequence[float]]
"""A point for every outline, all of one length; only their directions count."""

_WORD = re.compile(r"\w+")
_FINENESS = 1_000
"""Angles are rounded to a thousandth, far above what machines differ by."""


def latest(notes: Iterable[Message[Note]]) -> tuple[Message[Note], ...]:
    """Return each peer's last outline that says anything, sorted by id."""
    last: dict[PeerId, Message[Note]] = {}
    for note in sorted(notes, key=lambda m: (m.body.round, m.id)):
        if note.body.about == OUTLINE and note.body.text.strip():
            last[note.author] = note
    return tuple(sorted(last.values()))


def assign(outlines: Outlines, vectors: Vectors | None = None, seed: int = 0) -> Mapping[PeerId, MessageId]:
    """Return whose outline each author works along: a matching, every outline once.

    One after the other, in an order that the seed draws, takes the outline that is farthest from those already taken,
    and its own only when nothing else is left: so peers work on each other's ideas, and a useless outline costs one
    path. With as many outlines as peers all are taken in the end, whatever the distances.

    Args:
        outlines: one of each author; blank ones are passed over, of several the last counts.
        vectors: a point for each; the words are compared when None.
        seed: the run's seed.

    Raises:
        UsageError: a vector is missing, or of another length, or not finite.
    """
    left = list(latest(outlines))
    far = _distances(left, vectors)
    taken: list[MessageId] = []
    matching: dict[PeerId, MessageId] = {}
    for peer in sorted((m.author for m in left), key=lambda peer: _draw(seed, peer)):
        free = [m for m in left if m.author != peer] or left
        chosen = max(free, key=lambda m: (min((far[m.id, t] for t in taken), default=0), _draw(seed, m.id)))
        matching[peer] = chosen.id
        taken.append(chosen.id)
        left.remove(chosen)
    return matching


def repeats(
    outlines: Outlines, vectors: Vectors | None = None, seed: int = 0, *, near: float = 0.5
) -> frozenset[PeerId]:
    """Return whose outline says what another one says already: all but one of each that are near each other.

    Args:
        outlines: one of each author; blank ones are passed over, of several the last counts.
        vectors: a point for each; the words are compared when None.
        seed: draws which of two stays.
        near: a distance below which two are the same, 0 to 1; 0 finds none.

    Raises:
        UsageError: `near` is out of range, or as `assign`.
    """
    if not 0 <= near <= 1:
        raise UsageError(f"outlines are the same below a distance from 0 to 1, got near={near}")
    told = latest(outlines)
    far = _distances(told, vectors)
    kept: list[MessageId] = []
    again: set[PeerId] = set()
    for outline in sorted(told, key=lambda m: _draw(seed, m.author)):
        if any(far[outline.id, other] < near * UNIT for other in kept):
            again.add(outline.author)
        else:
            kept.append(outline.id)
    return frozenset(again)


def overlap(texts: Sequence[str]) -> float | None:
    """Return how much of their words two of the texts share on average, 0 to 1; None for fewer than two texts.

    >>> overlap(["count the sheep", "count the wolves", "guess"])
    0.166667
    """
    bags = [_words(text) for text in texts]
    shared = [UNIT - _apart(a, b) for a, b in combinations(bags, 2)]
    return round(sum(shared) / len(shared) / UNIT, 6) if shared else None


def _distances(outlines: Outlines, vectors: Vectors | None) -> Mapping[tuple[MessageId, MessageId], int]:
    """Return the distance of each two, 0 to 1,000,000, in both orders."""
    far: Callable[[MessageId, MessageId], int]
    if vectors is None:
        bags = {m.id: _words(m.body.text) for m in outlines}
        far = lambda a, b: _apart(bags[a], bags[b])  # noqa: E731
    else:
        points = _directions([m.id for m in outlines], vectors)
        far = lambda a, b: _angle(points[a], points[b])  # noqa: E731
    found: dict[tuple[MessageId, MessageId], int] = {}
    for a, b in combinations([m.id for m in outlines], 2):
        found[a, b] = found[b, a] = far(a, b)
    return found


def _words(text: str) -> frozenset[str]:
    return frozenset(_WORD.findall(text.casefold()))


def _apart(a: frozenset[str], b: frozenset[str]) -> int:
    """Return the share of words that only one of two texts has; two without words are one."""
    return UNIT - len(a & b) * UNIT // len(a | b) if a | b else 0


def _directions(ids: Sequence[MessageId], vectors: Vectors) -> Mapping[MessageId, Sequence[float]]:
    """Return vectors of length 1; one of length 0 stays what it is, at a right angle to all."""
    points: dict[MessageId, Sequence[float]] = {}
    lengths = {len(vectors[id]) for id in ids if id in vectors}
    for id in ids:
        vector = vectors.get(id)
        if vector is None or len(lengths) > 1 or not all(map(isfinite, vector)):
            what = (
                "has none" if vector is None else f"has {len(vector)} numbers of {sorted(lengths)}, or not finite ones"
            )
            raise UsageError(f"every outline needs a vector of one length with finite numbers; one {what}")
        length = sqrt(fsum(x * x for x in vector))
        points[id] = [x / length for x in vector] if length else vector
    return points


def _angle(a: Sequence[float], b: Sequence[float]) -> int:
    """Return half of what a cosine lacks to 1: 0 for one direction, 1,000,000 for opposite ones."""
    cosine = fsum(x * y for x, y in zip(a, b, strict=True))
    return round((1 - cosine) / 2 * _FINENESS) * (UNIT // _FINENESS)


def _draw(seed: int, what: bytes) -> bytes:
    """Return 32 bytes that nobody can choose."""
    return blake3(b"waggle/outline/1\0%d\0" % seed + what).digest()
