"""Points: proposals as vectors, so that what peers said can be compared; and how near each is to what all said.

Where answers were found in texts, two proposals are alike when their answers are equal: a confident wrong number reads
like a right one. Only where they were not is wording compared. Vectors are whole numbers, in parts per million of a
unit vector, and so are products of theirs: every machine comes to the same plan.
Source: Tastan, Horvath, Nandakumar 2025, "Stochastic Self-Organization in Multi-Agent Systems", arXiv:2510.00685.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from waggledance.core import UNIT, Message, Proposal, UsageError
from waggledance.topology._embedding import hashed_ngrams

Embed = Callable[[Sequence[str]], NDArray[np.float64]]
"""Turns texts into vectors, shape (texts, dimensions), finite, of any length but 0."""


def points(said: Sequence[Message[Proposal]], embed: Embed | None = None) -> NDArray[np.int64]:
    """Return a vector for each proposal.

    Args:
        said: proposals.
        embed: how texts become vectors where no answers were found in them; `hashed_ngrams` when None.

    Returns:
        Shape (proposals, dimensions), in parts per million, each row of length 1,000,000; a proposal without an answer
        is a row of zeros, like nothing and nobody.

    Raises:
        UsageError: `embed` gave vectors of another number, without direction, or with values that are not finite.
    """
    if any(_parsed(m.body) for m in said):
        answers = sorted({m.body.key for m in said if m.body.key is not None})
        place = {answer: i for i, answer in enumerate(answers)}
        rows = np.zeros((len(said), len(answers)), dtype=np.int64)
        for i, message in enumerate(said):
            if message.body.key is not None:
                rows[i, place[message.body.key]] = UNIT
        return rows
    spoken = [i for i, m in enumerate(said) if m.body.key is not None]
    vectors = unit_vectors((embed or hashed_ngrams)([said[i].body.text for i in spoken]), len(spoken))
    rows = np.zeros((len(said), vectors.shape[1]), dtype=np.int64)
    rows[spoken] = vectors
    return rows


def unit_vectors(vectors: NDArray[np.float64], count: int) -> NDArray[np.int64]:
    """Return vectors at length 1, in whole parts per million.

    Raises:
        UsageError: they are not `count` rows, one is all zeros, or a value is not finite.
    """
    vectors = np.asarray(vectors, dtype=np.float64)
    if count == 0:
        return np.zeros((0, 1), dtype=np.int64)
    if vectors.ndim != 2 or len(vectors) != count:
        raise UsageError(f"{count} texts are embedded as {count} rows of numbers, got an array of {vectors.shape}")
    length = np.linalg.norm(vectors, axis=1, keepdims=True)
    if not np.all(np.isfinite(length)) or not np.all(length):
        raise UsageError("an embedding has finite numbers and a direction: got a row with NaN, infinity or zeros only")
    return np.asarray(np.rint(vectors / length * UNIT), dtype=np.int64)


def similarities(points: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the cosine of each two vectors in parts per million, shape (n, n), from vectors as `points` gives them."""
    return points @ points.T // UNIT


def contributions(points: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return how near each vector is to the mean of all: near to its Shapley value in a game about that mean.

        ψ_n = cos(r_n, mean of r),   near to n's Shapley value of   v(S) = cos(mean of r in S, mean of r)

    Args:
        points: shape (n, dimensions), as `points` gives them.

    Returns:
        Shape (n,), -1,000,000 to 1,000,000 parts per million; all 0 when the vectors cancel.

    Source: arXiv:2510.00685, section on contributions; that game is our reading of its utility.
    """
    total = points.sum(axis=0)
    length = float(np.sqrt(float((total.astype(np.float64) ** 2).sum())))
    if length == 0:
        return np.zeros(len(points), dtype=np.int64)
    return np.asarray(np.rint((points @ total) / length), dtype=np.int64)


def alike(said: Sequence[Message[Proposal]], at_least: float, embed: Embed | None = None) -> bool:
    """Say whether each two proposals are at least so similar (-1 to 1), and none is without an answer."""
    if not said:
        return False
    return int(similarities(points(said, embed)).min()) >= round(at_least * UNIT) - 10  # crumbs of rounding


def _parsed(proposal: Proposal) -> bool:
    """Say whether an answer was found in a text: whether it is something else than the text itself, as `free` has."""
    if proposal.key is None:
        return False
    words = " ".join(proposal.text.casefold().split())
    return words[:300] != proposal.key[:300]
