"""What an aggregator of vectors is: it makes one vector of many, of which some may be wrong or lies.

Rows are peers, columns parameters. What a peer sends is judged row by row before any rule looks at it: a vector with
NaN or infinity in it, or one so long that the square of its length is no float64, is left out with trust 0. So one
peer's garbage neither stops the others nor spreads to them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from waggledance.consensus._rule import Weights
from waggledance.core import UNIT, PeerId, RunFailed, UsageError

Vectors = NDArray[np.floating[Any]]
"""Shape (peers, parameters), or (parameters,) for one; float32 or float64."""

_BLOCK = 1 << 19
"""Numbers that are worked on at once, 4 MiB as float64: columns are taken in blocks so that no copy of all is made."""


@dataclass(frozen=True, eq=False)
class Aggregate:
    """What an aggregator makes of the peers' vectors."""

    vector: Vectors
    """Shape (parameters,), of the type of the vectors given."""
    trust: NDArray[np.float64]
    """Shape (peers,), 0 to 1: how much the rule relied on each row, by its own measure; 0 for a row left out."""


class Aggregator(Protocol):
    """Makes one vector of many: a pure function; another order of peers permutes trust and changes nothing else."""

    def __call__(self, updates: Vectors, weights: NDArray[Any] | None = None, /) -> Aggregate: ...


class NoUsableVector(RunFailed):
    """Not one peer sent a vector that can be computed with."""

    def __init__(self, peers: int, why: str) -> None:
        super().__init__(peers, why)
        self.peers, self.why = peers, why

    def __str__(self) -> str:
        return f"none of {self.peers} vectors can be used: {self.why}; ask the peers again, or look at what they send"


def aggregate(
    vectors: Mapping[PeerId, Vectors], rule: Aggregator, weights: Weights | None = None, *, parameters: int
) -> tuple[Vectors, dict[PeerId, int]]:
    """Apply an aggregator to what peers sent, whatever they sent.

    Rows stand in the order of peer ids, so that peers who hold the same vectors add them up alike. A vector of another
    length or with more than one axis is left out, with trust 0.

    Args:
        vectors: each peer's vector.
        rule: the aggregator.
        weights: of each peer, parts per million; one that is missing counts as one peer. All alike when None.
        parameters: the length that a vector must have, >= 1.

    Returns:
        The vector, and every peer's trust in parts per million, sorted by peer.

    Raises:
        NoUsableVector: nobody sent a vector of that length, or none is finite.
        UsageError: `parameters` is below 1, or no peer has a weight above 0.
    """
    if parameters < 1:
        raise UsageError(f"a vector has at least one parameter, got parameters={parameters}")
    fitting = [peer for peer in sorted(vectors) if vectors[peer].shape == (parameters,)]
    if not fitting:
        raise NoUsableVector(len(vectors), f"no vector has the shape ({parameters},)")
    updates = np.stack([vectors[peer] for peer in fitting])
    counted = None if weights is None else np.array([weights.get(peer, UNIT) for peer in fitting])
    result = rule(updates, counted)
    trust = dict.fromkeys(sorted(vectors), 0)
    for peer, share in zip(fitting, result.trust.tolist(), strict=True):
        trust[peer] = round(share * UNIT)
    return result.vector, trust


class Rows(NamedTuple):
    """The rows that a rule counts."""

    updates: Vectors
    used: list[int]
    """Numbers of the rows that are usable and have a weight above 0, rising."""
    weights: NDArray[np.float64]
    """Shape (len(used),), > 0; all 1 where none were given."""
    excluded: int
    """How many rows of weight above 0 were left out: liars that are known already."""

    @property
    def peers(self) -> int:
        """How many rows have a weight above 0, usable or not."""
        return len(self.used) + self.excluded

    def blocks(self) -> Iterator[tuple[slice, NDArray[np.float64]]]:
        """Give the counted rows as float64, some columns at a time, each with the slice of its columns."""
        yield from _blocks(self.updates, self.used)

    def sum(self, coefficients: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the sum of the counted rows, each times its coefficient, shape (parameters,)."""
        total = np.zeros(self.updates.shape[1])
        part = np.empty_like(total)
        for i, coefficient in zip(self.used, coefficients.tolist(), strict=True):
            total += np.multiply(self.updates[i], coefficient, out=part)
        return total

    def aggregate(self, vector: NDArray[np.float64], trust: NDArray[np.float64]) -> Aggregate:
        """Return the result, with trust 0 for rows that were not counted."""
        everybody = np.zeros(len(self.updates))
        everybody[self.used] = trust
        return Aggregate(vector.astype(self.updates.dtype, copy=False), everybody)


def rows(updates: Vectors, weights: NDArray[Any] | None) -> Rows:
    """Check what an aggregator was given, and say which rows count.

    Raises:
        UsageError: `updates` is no matrix of float32 or float64 with at least one row and column; or weights do not
            fit it, are negative or not finite, or all 0.
        NoUsableVector: no row is finite.
    """
    # Our caller may hold an array that is not what its type says: it came out of files and other libraries.
    if updates.ndim != 2 or 0 in updates.shape or updates.dtype.name not in ("float32", "float64"):
        raise UsageError(
            "updates are a matrix (peers, parameters) of float32 or float64 with at least one of each, got shape "
            f"{updates.shape} of {updates.dtype}; vectors of different lengths go through aggregate()"
        )
    if weights is None:
        heavy = np.ones(len(updates))
    else:
        heavy = np.asarray(weights, dtype=np.float64)
        if heavy.shape != (len(updates),) or not np.isfinite(heavy).all() or (heavy < 0).any() or not heavy.any():
            raise UsageError(
                f"weights are one number >= 0 for each of {len(updates)} rows, not all 0, got {str(heavy)[:80]}"
            )
    asked = [i for i, weight in enumerate(heavy.tolist()) if weight > 0]
    squares = np.zeros(len(asked))
    with np.errstate(over="ignore", invalid="ignore"):
        for _, block in _blocks(updates, asked):
            squares += np.einsum("ij,ij->i", block, block)
    index = [i for i, square in zip(asked, squares.tolist(), strict=True) if np.isfinite(square)]
    if not index:
        raise NoUsableVector(len(asked), "all of them hold NaN, infinity or numbers beyond 1e150")
    return Rows(updates, index, heavy[index], len(asked) - len(index))


def liars_left(liars: int | None, counted: Rows, most: int) -> int:
    """Return how many of the counted rows may lie: those asked for, less those that gave themselves away.

    Args:
        liars: how many peers may lie; a third when None, or `most` if that is less.
        counted: the rows.
        most: the largest number that the rule withstands among all peers.
    """
    if liars is None:
        liars = min((counted.peers - 1) // 3, max(0, most))
    elif not 0 <= liars <= most:
        raise UsageError(f"of {counted.peers} peers this rule withstands 0 to {most} liars, got liars={liars}")
    return max(0, liars - counted.excluded)


def squared_distances(counted: Rows) -> NDArray[np.float64]:
    """Return squared distances of all pairs of counted rows, shape (rows, rows)."""
    n = len(counted.used)
    apart = np.zeros((n, n))
    for _, block in counted.blocks():
        for i in range(n - 1):
            away = block[i + 1 :] - block[i]
            apart[i, i + 1 :] += np.einsum("ij,ij->i", away, away)
    return apart + apart.T


def _blocks(updates: Vectors, index: list[int]) -> Iterator[tuple[slice, NDArray[np.float64]]]:
    width = max(1, _BLOCK // len(index))
    everybody = len(index) == len(updates)
    for start in range(0, updates.shape[1], width):
        some = slice(start, start + width)
        block = updates[:, some] if everybody else updates[index, some]
        yield some, block.astype(np.float64)
