"""Trimmed mean and median, coordinate by coordinate: without the extremes of each parameter.

    trimmed[j] = mean of what is left of column j without the lowest and the highest liars / peers of all weight
    median[j]  = what is left when as good as everything is dropped: the middle, or the mean of the two middle values

With equal weights that is dropping the `liars` lowest and highest values; a row of weight k is k rows alike, and equal
values share what is cut, so that no row is favoured. Withstands liars who send extremes. Does not withstand liars who
stay inside the spread of the honest ("a little is enough", "fall of empires"), as soon as honest noise is as large as
the signal. Source: Yin et al. 2018, "Byzantine-Robust Distributed Learning", arXiv:1803.01498, definitions 1 and 2
(beta = liars / peers).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from waggledance.consensus._aggregate import Aggregate, Rows, Vectors, liars_left, rows


def trimmed_mean(updates: Vectors, weights: NDArray[Any] | None = None, /, *, liars: int | None = None) -> Aggregate:
    """Average the rows after dropping both extremes of every coordinate.

    Args:
        updates: shape (peers, parameters), float32 or float64; rows that are not finite are left out, and counted
            among the liars.
        weights: shape (peers,), >= 0, in any unit; all alike when None.
        liars: how many peers may lie, 0 <= liars < peers / 2; a third of them when None.

    Returns:
        The vector; trust is the share of coordinates in which a row was inside what is kept.

    Raises:
        UsageError: shapes or weights are impossible, or so many liars leave nothing to average.
        NoUsableVector: no row is finite.

    >>> trimmed_mean(np.array([[1.0], [2.0], [900.0]]), liars=1).vector
    array([2.])
    """
    counted = rows(updates, weights)
    left = liars_left(liars, counted, (counted.peers - 1) // 2)
    return _within(counted, left / len(counted.used))


def median(updates: Vectors, weights: NDArray[Any] | None = None, /) -> Aggregate:
    """Return the median of every coordinate.

    Args:
        updates: shape (peers, parameters), float32 or float64; rows that are not finite are left out.
        weights: shape (peers,), >= 0, in any unit; all alike when None.

    Returns:
        The vector; trust is the share of coordinates in which a row is the middle, or one of the middle two.

    Raises:
        UsageError: shapes or weights are impossible.
        NoUsableVector: no row is finite.

    >>> median(np.array([[1.0], [2.0], [900.0], [4.0]])).vector
    array([3.])
    """
    return _within(rows(updates, weights), 0.5)


def _within(counted: Rows, cut: float) -> Aggregate:
    """Average what lies between the quantiles `cut` and 1 - `cut` of every coordinate, 0 <= cut <= 0.5."""
    n = len(counted.used)
    vector = np.empty(counted.updates.shape[1])
    inside = np.zeros(n)
    alike = bool((counted.weights == counted.weights[0]).all())
    for columns, block in counted.blocks():
        values = block.T.copy()  # a column's values side by side: sorting is quicker so
        if alike:
            values.sort(axis=1)
            first = min(round(cut * n), (n - 1) // 2)
            low, high = values[:, first], values[:, n - 1 - first]
            vector[columns] = values[:, first : n - first].mean(axis=1)
        else:
            order = np.argsort(values, axis=1)
            values = np.take_along_axis(values, order, axis=1)
            vector[columns], low, high = _weighted(values, counted.weights[order], cut)
        inside += ((block >= low) & (block <= high)).sum(axis=1)
    return counted.aggregate(vector, inside / len(vector))


def _weighted(
    values: NDArray[np.float64], weights: NDArray[np.float64], cut: float
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Return mean, lowest and highest of what is kept of sorted values, shape (columns, peers) each with its weight."""
    ends = np.cumsum(weights, axis=1)
    total = ends[:, -1:]
    gone = cut * total
    first = np.argmax(ends >= gone if cut == 0.5 else ends > gone, axis=1)
    last = np.argmax(ends > gone if cut == 0.5 else ends >= total - gone, axis=1)
    at = np.arange(len(values))
    low, high = values[at, first], values[at, last]
    if cut == 0.5:
        return (low + high) / 2, low, high
    kept = np.minimum(ends, total - gone) - np.maximum(ends - weights, gone)
    np.maximum(kept, 0, out=kept)
    return (kept * values).sum(axis=1) / kept.sum(axis=1), low, high
