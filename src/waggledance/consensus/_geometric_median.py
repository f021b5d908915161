"""Geometric median: the point whose distances to all vectors add up to the least.

    v = argmin Σ_i w_i |x_i - v|,   by v ← Σ_i (w_i / |x_i - v|) x_i ÷ Σ_i w_i / |x_i - v|

Withstands liars of less than half the weight, wherever they are: each pulls with its weight, however far it is. Does
not withstand liars who stand together near the honest where those are spread: with 6 of 15, "sign flip" and "fall of
empires" undo a training that looked fine in a single step. Sources: Weiszfeld 1937; Vardi and Zhang 2000, "The
multivariate L1-median and associated data depth", eq. 2.5 and 2.6, for points that the iteration meets.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from waggledance.consensus._aggregate import Aggregate, Vectors, rows, squared_distances
from waggledance.core import UsageError

STEPS_MAX = 200

_SAME = 1e-9
"""Sums nearer than this share of each other are equal."""


def geometric_median(updates: Vectors, weights: NDArray[Any] | None = None, /, *, tolerance: float = 1e-6) -> Aggregate:
    """Return the point nearest to all rows together.

    Starts from the best row, or between equally good ones, and stays if that is the place. Ends when a step is shorter
    than `tolerance` times the mean distance of rows, or after 200 steps; where the place lies close beside a row it is
    found so that distances add up to at most 1e-4 more than they might.

    Args:
        updates: shape (peers, parameters), float32 or float64; rows that are not finite are left out.
        weights: shape (peers,), >= 0, in any unit; all alike when None.
        tolerance: > 0 and < 1.

    Returns:
        The vector; trust is how near a row is: the nearest's distance over its own, 1 where both are 0.

    Raises:
        UsageError: shapes, weights or the tolerance are impossible.
        NoUsableVector: no row is finite.

    >>> geometric_median(np.array([[0.0, 0.0], [4.0, 0.0], [2.0, 3.0], [2.0, 1.0]])).vector.round(3)
    array([2., 1.])
    """
    if not 0 < tolerance < 1:
        raise UsageError(f"a tolerance lies between 0 and 1, got {tolerance}")
    counted = rows(updates, weights)
    mass = counted.weights / counted.weights.sum()
    total = np.sqrt(squared_distances(counted)) @ mass
    best = total <= total.min() * (1 + _SAME)
    here = counted.sum(np.where(best, mass, 0.0) / mass[best].sum())
    away = np.empty_like(here)

    def distances() -> NDArray[np.float64]:
        squares = [float(np.dot(np.subtract(updates[i], here, out=away), away)) for i in counted.used]
        return np.array(squares) ** 0.5

    distance = distances()
    for _ in range(STEPS_MAX):
        met = distance <= 1e-12 * distance.max()
        if met.all():
            break
        pull = np.where(met, 0.0, mass / np.where(met, 1.0, distance))
        there = counted.sum(pull / pull.sum())
        there -= here
        step = float(np.sqrt(np.dot(there, there)))
        if met.any():  # standing on rows: they hold back with their own weight (Vardi and Zhang)
            force = step * float(pull.sum())
            share = max(0.0, 1 - float(mass[met].sum()) / force) if force > 0 else 0.0
            there *= share
            step *= share
        here += there
        distance = distances()
        if step <= tolerance * float(mass @ distance):
            break
    trust = np.where(distance > 0, distance.min() / np.where(distance > 0, distance, 1.0), 1.0)
    return counted.aggregate(here, trust)
