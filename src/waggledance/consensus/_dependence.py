"""Dependence: how far peers are witnesses of their own. Two copies of one model are not two witnesses.

Two peers that are each right with a known chance agree now and then; what they agree beyond that is shared:

    κ(p, q) = (agreement - E) / (1 - E), floored at 0,   E as in `_pairwise` from abilities and difficulty
    a peer counts as  1 / (1 + Σ_q κ(p, q))  of a witness: one of two copies as a half

How many independent peers n peers are worth is told by the mean correlation ρ of their being right:

    n_eff = n / (1 + (n - 1) ρ)

With a key ρ is measured (phi coefficient). Without one it is what difficulty and shared answers explain together,
κ + (1 - κ) · φ. **Without a key** two copies and two peers who alone know the truth look alike where most others guess:
a clique is a reason to look, not a proof. Give `known` answers to tell them apart.
Sources: Kish 1965 for n_eff (design effect), Kim, Garg, Peng, Garg 2025, "Correlated Errors in Large Language Models",
arXiv:2506.07962, for how common shared errors are; the measure κ is Cohen's kappa against what the model expects.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from waggledance.consensus._answer_model import LEVELS, SHARES, UNKNOWN, Floats, Patterns
from waggledance.consensus._em_answers import AnswerReliability
from waggledance.consensus._history import History, Ints
from waggledance.consensus._pairwise import Agreement, expected_agreement
from waggledance.core import UNIT, PeerId, UsageError

COPY = 0.5
"""Two peers that share more than this of what they could are called copies."""

MEETINGS_MIN = 30
"""Pairs with fewer questions in common share nothing that could be told from chance."""


@dataclass(frozen=True, eq=False)
class Dependence:
    """What peers share."""

    peers: tuple[PeerId, ...]
    shared: Floats
    """Shape (n, n), κ: 0 for peers that agree as often as their abilities explain, 1 for copies; 0 on the diagonal."""
    correlation: Floats
    """Shape (n, n), -1 to 1: of being right; NaN where it is not defined, as on the diagonal."""
    independence: Mapping[PeerId, int]
    """How far each peer is a witness of its own, in parts per million; for `em_answers` and `discounted`."""
    mean_correlation: float
    """ρ, floored at 0; 0 where nothing is known."""
    from_key: bool
    """Whether ρ was measured against known answers."""

    @property
    def n_eff(self) -> float:
        """How many independent peers these are worth, 1 to n; 0 of none."""
        n = len(self.peers)
        return n / (1 + (n - 1) * self.mean_correlation) if n else 0.0

    @property
    def copies(self) -> tuple[tuple[PeerId, PeerId], ...]:
        """Pairs of peers that share more than half of what they could."""
        pairs = np.argwhere(np.triu(self.shared, 1) > COPY).tolist()
        return tuple((self.peers[p], self.peers[q]) for p, q in pairs)

    @property
    def notes(self) -> tuple[str, ...]:
        """What a decision should say about it."""
        notes: list[str] = []
        if self.copies:
            among = len({peer for pair in self.copies for peer in pair})
            known = "share errors" if self.from_key else "may be copies, collude, or be the only ones who know"
            notes.append(
                f"{among} of {len(self.peers)} peers agree far more than their reliability explains: they {known}"
            )
        if len(self.peers) > 2 and self.n_eff < 2:
            notes.append(f"too few independent peers: {len(self.peers)} are worth {self.n_eff:.1f}")
        return tuple(notes)


def dependence(history: History, reliability: AnswerReliability, *, known: Ints | None = None) -> Dependence:
    """Measure what peers share beyond what their reliability explains.

    Args:
        history: m questions, n peers.
        reliability: of the same peers, from `em_answers`; from the same known answers where there are any.
        known: shape (m,), codes of true answers, as `History.known` gives; correlation is then measured on them.

    Raises:
        UsageError: the reliability is not of these peers.
    """
    if set(reliability.ability) != set(history.peers):
        raise UsageError("reliability and history are not of the same peers; make one from the other with em_answers()")
    patterns = Patterns.of(history.codes, np.full(len(history.questions), UNKNOWN, dtype=np.int64))
    agreement = Agreement.of(patterns)
    ability = np.array([reliability.ability[peer] for peer in history.peers])
    expected = expected_agreement(ability, reliability.concentration)
    shared = np.clip((agreement.rate - expected) / np.maximum(1 - expected, 0.05), 0.0, 1.0)
    shared = np.where(agreement.meetings >= MEETINGS_MIN, shared, 0.0)
    measured = known is not None and bool((known != UNKNOWN).any())
    correlation = _measured(history.right(known)) if measured and known is not None else _explained(ability, shared)
    np.fill_diagonal(correlation, np.nan)
    told = correlation[~np.isnan(correlation)]
    parts = (UNIT / (1 + shared.sum(axis=1))).round().astype(np.int64).tolist()
    return Dependence(
        peers=history.peers,
        shared=shared,
        correlation=correlation,
        independence=dict(zip(history.peers, parts, strict=True)),
        mean_correlation=max(0.0, float(told.mean())) if len(told) else 0.0,
        from_key=measured,
    )


def discounted(weights: Mapping[PeerId, int], found: Dependence) -> dict[PeerId, int]:
    """Return weights times how far each peer is a witness of its own; a peer that was not measured keeps its weight."""
    return {peer: weight * found.independence.get(peer, UNIT) // UNIT for peer, weight in weights.items()}


def _measured(right: Floats) -> Floats:
    """Return the phi coefficient of each two peers over questions that both answered: shape (n, n)."""
    n = right.shape[1]
    phi = np.full((n, n), np.nan)
    for p in range(n):
        for q in range(p + 1, n):
            both = ~np.isnan(right[:, p]) & ~np.isnan(right[:, q])
            a, b = right[both, p], right[both, q]
            if len(a) >= MEETINGS_MIN and a.std() > 0 and b.std() > 0:
                phi[p, q] = phi[q, p] = ((a - a.mean()) * (b - b.mean())).mean() / (a.std() * b.std())
    return phi


def _explained(ability: Floats, shared: Floats) -> Floats:
    """Return the correlation of being right that common difficulty and shared answers make: shape (n, n)."""
    right = 1 / (1 + np.exp(LEVELS[None, :] - ability[:, None]))
    mean = (right * SHARES).sum(axis=1)
    spread = np.sqrt(np.maximum(mean * (1 - mean), 1e-12))
    difficulty = ((right * SHARES) @ right.T - np.outer(mean, mean)) / np.outer(spread, spread)
    return np.asarray(shared + (1 - shared) * difficulty)
