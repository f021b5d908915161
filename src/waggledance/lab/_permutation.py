"""Sign-flip permutation test: could the difference of two arms be the luck of which arm got which score?

If two arms are alike, a task's difference is as likely the one way round as the other. The p-value is the share of all
ways to flip the signs of the clusters' differences that give a sum at least as far from 0 as the one seen.
Source: Fisher 1935, "The Design of Experiments", §21; Phipson and Smyth 2010 for counting the data among the draws.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from waggledance.core import UsageError
from waggledance.lab._bootstrap import Floats

EXACT_UP_TO = 14
"""Differences that are not 0; with more, signs are drawn."""
_CHUNK = 2_000_000


def sign_flip_p(differences: Sequence[float] | Floats, *, draws: int = 10_000, seed: int = 0) -> float:
    """Return the two-sided p-value that paired differences are 0 on average.

    Args:
        differences: shape (n_clusters,), one arm minus the other, summed over each cluster.
        draws: how many sign patterns are drawn when there are too many to try all; the least p is 1 / (draws + 1).
        seed: of the draws.

    Raises:
        UsageError: there is no difference, or one is not finite.

    >>> sign_flip_p([1, 1, 1, 0]), sign_flip_p([0, 0])
    (0.25, 1.0)
    """
    given = np.asarray(differences, dtype=np.float64)
    if not given.size or not np.isfinite(given).all():
        raise UsageError("a paired test needs at least one difference, all of them finite")
    if draws < 1:
        raise UsageError(f"a permutation test needs at least one draw, got {draws}")
    moving = given[given != 0]
    if not moving.size:
        return 1.0
    seen = abs(moving.sum()) - 1e-9 * np.abs(moving).sum()
    if moving.size <= EXACT_UP_TO:
        patterns = (np.arange(1 << moving.size)[:, None] >> np.arange(moving.size)) & 1
        return float((np.abs((2.0 * patterns - 1) @ moving) >= seen).mean())
    rng = np.random.default_rng(seed)
    as_far, left = 0, draws
    while left:
        rows = min(left, max(1, _CHUNK // moving.size))
        signs = 2.0 * rng.integers(0, 2, size=(rows, moving.size), dtype=np.int8) - 1
        as_far += int((np.abs(signs @ moving) >= seen).sum())
        left -= rows
    return (1 + as_far) / (1 + draws)
