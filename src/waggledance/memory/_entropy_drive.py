"""The entropy drive: when thoughts repeat themselves, think hotter.

    G = V Vᵀ of the last W = 10 winning thoughts as unit vectors,   λ = eigenvalues of G/W,   Σλ = 1
    H = −Σ λ ln λ ÷ ln W   ∈ [0, 1]:   0 when all are the same thought, 1 when they have nothing in common
    T = 0.7 + 1.3 · e^(−2 · H · ln 5)

No centres, no randomness, and no order within the window: every peer that holds the same winners comes to the same
temperature. The published rule measures how evenly one thought lies between five centres, which in a space of many
dimensions are nearly orthogonal whatever happens: its H never falls below 1.12 and its T stays between .75 and .84,
stuck or not. So the formula here is ours; its constants are theirs.

Source: "Theater of Mind" for LLMs, Global Workspace Agents, 2026, arXiv:2604.08206.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import exp, log
from typing import TYPE_CHECKING

from waggledance.core import UNIT, UsageError

if TYPE_CHECKING:
    from waggledance.topology import Embed

WINDOW = 10
BASE, RISE, STEEPNESS, CENTRES = 0.7, 1.3, 2.0, 5
"""T_base, α, β and K in the paper."""


def diversity_ppm(thoughts: Sequence[str], embed: Embed | None = None) -> int:
    """Return how different thoughts are, 0 to 1,000,000: the entropy H of their Gram matrix; 0 for fewer than two.

    Args:
        thoughts: the last winners, at most `WINDOW` of them; their order does not matter.
        embed: how texts become vectors; `topology.by_meaning()` when None.

    Raises:
        UsageError: more thoughts than the window holds, or vectors without direction.
    """
    import numpy as np

    from waggledance.topology import by_meaning, unit_vectors

    if len(thoughts) > WINDOW:
        raise UsageError(
            f"the drive looks at the last {WINDOW} thoughts, got {len(thoughts)}; give thoughts[-{WINDOW}:]"
        )
    if len(thoughts) < 2:
        return 0
    vectors = unit_vectors((embed or by_meaning())(sorted(thoughts)), len(thoughts)).astype(np.float64) / UNIT
    shares = np.linalg.eigvalsh(vectors @ vectors.T / len(thoughts))
    shares = shares[shares > 1e-12]
    return min(UNIT, max(0, round(-float((shares * np.log(shares)).sum()) / log(len(thoughts)) * UNIT)))


def temperature(diversity_ppm: int, limit: float = 2.0) -> float:
    """Return how hot to think at a diversity, in hundredths: 2.0 when stuck, .75 when all is new.

    Args:
        diversity_ppm: as `diversity_ppm` gives it.
        limit: the hottest the model bears; small ones lose coherence above about 1.3.

    Raises:
        UsageError: the diversity is out of range, or the limit below the base of 0.7.

    >>> temperature(0), temperature(440_000), temperature(1_000_000)
    (2.0, 1.02, 0.75)
    """
    if not 0 <= diversity_ppm <= UNIT or not limit >= BASE:
        raise UsageError(
            f"a diversity lies between 0 and {UNIT} ppm and a limit above {BASE}, got {diversity_ppm}, {limit}"
        )
    hot = BASE + RISE * exp(-STEEPNESS * diversity_ppm / UNIT * log(CENTRES))
    return min(limit, round(hot, 2))
