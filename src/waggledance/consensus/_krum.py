"""Krum and multi-Krum: the vectors whose nearest neighbours are nearest.

    score(i) = Σ |x_i - x_j|²  over the  peers - liars - 2  nearest j;   Krum takes the lowest score,
    multi-Krum averages the  peers - liars  lowest

Distances are taken pair by pair, n(n-1)/2 passes, so that a vector far off costs no precision of the others. Equal
scores at the border are taken together, so that no row is favoured. Withstands vectors that stand apart from all
others. Does not withstand liars who send one and the same vector near the honest: they are each other's nearest
neighbours (with 6 of 15, "sign flip" and "fall of empires" take it over). Source: Blanchard et al. 2017, "Machine
Learning with Adversaries: Byzantine Tolerant Gradient Descent", section 4 (liars: f; its proof needs peers >= 2 f + 3).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from waggledance.consensus._aggregate import Aggregate, Rows, Vectors, liars_left, rows, squared_distances

_SAME = 1e-9
"""Scores nearer than this share of each other are equal."""


def krum(updates: Vectors, weights: NDArray[Any] | None = None, /, *, liars: int | None = None) -> Aggregate:
    """Return the row whose nearest neighbours are nearest.

    Args:
        updates: shape (peers, parameters), float32 or float64; rows that are not finite are left out, and counted
            among the liars.
        weights: shape (peers,), >= 0; a row of weight 0 is as if absent, and rows with equal scores are averaged by
            weight. More weight does not make a row nearer. All alike when None.
        liars: how many peers may lie, 0 <= liars <= (peers - 3) / 2; a third of them when None, if that is less.

    Returns:
        The vector; trust 1 for the row taken, 0 for others.

    Raises:
        UsageError: shapes or weights are impossible, or there are too many liars for so few peers.
        NoUsableVector: no row is finite.

    >>> krum(np.array([[1.0], [1.4], [0.9], [40.0], [1.1]]), liars=1).vector
    array([1.])
    """
    return _nearest(rows(updates, weights), liars, take_all=False)


def multi_krum(updates: Vectors, weights: NDArray[Any] | None = None, /, *, liars: int | None = None) -> Aggregate:
    """Return the weighted average of the ``peers - liars`` rows whose nearest neighbours are nearest.

    Arguments and errors are those of `krum`; trust is 1 for rows taken, 0 for others.

    >>> multi_krum(np.array([[1.0], [1.2], [0.9], [40.0], [1.1]]), liars=1).trust
    array([1., 1., 1., 0., 1.])
    """
    return _nearest(rows(updates, weights), liars, take_all=True)


def _nearest(counted: Rows, liars: int | None, *, take_all: bool) -> Aggregate:
    left = liars_left(liars, counted, max(0, (counted.peers - 3) // 2))
    n = len(counted.used)
    apart = np.sort(squared_distances(counted), axis=1)[:, 1:]
    scores = apart[:, : max(1, n - left - 2)].sum(axis=1)
    worst = np.sort(scores)[n - left - 1 if take_all else 0]
    taken = scores <= worst * (1 + _SAME)
    shares = np.where(taken, counted.weights, 0.0)
    return counted.aggregate(counted.sum(shares / shares.sum()), taken.astype(np.float64))
