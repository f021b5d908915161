"""Agreement of pairs: how often two peers say the same, and how often they would if only ability bound them.

    E(p, q) = mean over difficulty d of  s_p s_q + (1 - s_p) (1 - s_q) / (1 + c),   s = sigmoid(t - d)

Two that err say the same with chance 1 / (1 + c) (Ewens; see `_answer_model`). Source: the agreement identity of the
method of moments for Dawid and Skene's model (Ghosh, Kale, McAfee 2011, "Who moderates the moderators?"), here with
difficulty.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from waggledance.consensus._answer_model import LEVELS, SHARES, Floats, Patterns
from waggledance.consensus._history import NONE


@dataclass(frozen=True, eq=False)
class Agreement:
    """How often two peers that both answered gave the same answer."""

    rate: Floats
    """Shape (n, n), 0 to 1; 0 where they never met."""
    meetings: Floats
    """Shape (n, n): questions that both answered; 0 on the diagonal."""

    @classmethod
    def of(cls, patterns: Patterns) -> Agreement:
        """Count meetings."""
        n = patterns.placed.shape[1]
        same, meetings = np.zeros((n, n)), np.zeros((n, n))
        for p in range(n):
            both = (patterns.placed != NONE) & (patterns.placed[:, p] != NONE)[:, None]
            alike = both & (patterns.placed == patterns.placed[:, p, None])
            meetings[p] = (both * patterns.count[:, None]).sum(axis=0)
            same[p] = (alike * patterns.count[:, None]).sum(axis=0)
        np.fill_diagonal(meetings, 0.0)
        return cls(np.where(meetings > 0, same / np.maximum(meetings, 1.0), 0.0), meetings)


def expected_agreement(ability: Floats, concentration: float) -> Floats:
    """Return how often each two peers would agree if nothing but ability and difficulty bound them: shape (n, n)."""
    right = 1.0 / (1.0 + np.exp(LEVELS[None, :] - ability[:, None]))
    both_right = (right * SHARES) @ right.T
    both_wrong = ((1 - right) * SHARES) @ (1 - right).T
    return np.asarray(both_right + both_wrong / (1 + concentration))
