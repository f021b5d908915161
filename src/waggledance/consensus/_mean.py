"""Mean: the weighted average of all vectors. Withstands nobody: one liar with a long vector moves it anywhere."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from waggledance.consensus._aggregate import Aggregate, Vectors, rows


def mean(updates: Vectors, weights: NDArray[Any] | None = None, /) -> Aggregate:
    """Return the weighted average of the rows; trust 1 for all that count.

    Args:
        updates: shape (peers, parameters), float32 or float64; rows that are not finite are left out.
        weights: shape (peers,), >= 0, in any unit; all alike when None.

    Raises:
        UsageError: shapes or weights are impossible.
        NoUsableVector: no row is finite.

    >>> mean(np.array([[1.0, 2.0], [3.0, 4.0], [np.nan, 0.0]])).vector
    array([2., 3.])
    """
    counted = rows(updates, weights)
    return counted.aggregate(counted.sum(counted.weights / counted.weights.sum()), np.ones(len(counted.used)))
