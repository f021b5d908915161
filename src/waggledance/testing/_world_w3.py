"""W3, a world of beliefs: peers whose opinion is a count over answers, for debates with and without confidence.

A peer holds Dirichlet counts over four answers, of strength 4 at first. It says an answer drawn from its counts, and
every answer that it hears adds a weight to them:

    y_i ~ α_i / Σ α_i;     α_i(a) ← α_i(a) + Σ_j w_j · [y_j = a]

The truth's first share is p_q = sigmoid(logit(p₀) + N(0, 1)), alike for all peers on a question. Confidence is drawn
once per peer and answer,

    c = sigmoid(± d/2 + N(0, 1)),   + on the true answer

so that d sets how well it tells right from wrong: AUROC Φ(d/√2) = .69, .76, .86 for d = .7, 1, 1.5, and .50 for 0. Of
that error a share s may be one draw a question and answer, the same for all peers: √s · common + √(1 - s) · own. A
listener weighs a heard answer with 1 (``"uniform"``) or 2c (``"confidence"``). With equal weights α_i / Σ α_i is a
martingale: no debate moves the expected belief.
Source of the model: Choi, Zhu, Li 2025, "Debate or Vote", arXiv:2508.17536; of the weights Zhu et al. 2026,
arXiv:2601.19921. Errors fall on one distractor and the other two as in W1.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from waggledance.core import UNIT, Call, Message, Proposal, UsageError
from waggledance.testing._world_w1 import ERRORS, KEYS, W1, Answers, W1Peer

STRENGTH = 4.0
SPREAD = 1.0

Listening = Literal["uniform", "confidence"]


@dataclass(frozen=True)
class Drift:
    """What debates did to a world: shares of 1, over all debates."""

    debates: int
    belief: tuple[float, float]
    """Mean belief in the truth, all peers', before and after."""
    majority: tuple[float, float]
    """How often most of what was said was true, in the first and in the last round; a tie counts as its share."""
    weighted: tuple[float, float]
    """The same, each said answer counted by the confidence stated in it."""
    belief_moved_se: float
    """Standard error of the difference of beliefs."""


class W3(W1):
    """A world of beliefs.

    Args:
        peers: how many, >= 1.
        seed: same seed, same questions and draws.
        truth: the chance p₀ that a peer says the truth at first on a middling question, between 0 and 1.
        separation: how well stated confidence tells right from wrong (d above); negative misleads.
        listening: how peers weigh what they hear.
        in_common: how much of the error of stated confidence all peers share, 0 to 1 of its variance.
    """

    title = "W3"

    def __init__(
        self,
        peers: int = 5,
        *,
        seed: int = 0,
        truth: float = 0.5,
        separation: float = 1.0,
        listening: Listening = "confidence",
        in_common: float = 0.0,
    ) -> None:
        super().__init__(peers, seed=seed)
        if not 0 < truth < 1:
            raise UsageError(f"the truth's share lies between 0 and 1, got truth={truth}")
        if not 0 <= in_common <= 1:
            raise UsageError(f"a share lies between 0 and 1, got in_common={in_common}")
        self.truth, self.separation, self.listening, self.in_common = truth, separation, listening, in_common

    def seats(self) -> tuple[W3Peer, ...]:
        """Return the world's peers, to be seated in a `Swarm`; their beliefs move when they revise."""
        return tuple(W3Peer(self, i) for i in range(self.peers))

    def first_counts(self, number: int) -> tuple[int, NDArray[np.float64]]:
        """Return the true option of a question and the counts of every peer at first, shape (4,)."""
        rng = self.generator(number)
        truth, *errors = rng.permutation(len(KEYS)).tolist()
        share = _sigmoid(np.log(self.truth / (1 - self.truth)) + rng.normal(0, SPREAD))
        counts = np.empty(len(KEYS))
        counts[truth] = share
        counts[errors] = (1 - share) * np.array(ERRORS)
        return truth, STRENGTH * counts

    def confidences(self, number: int) -> NDArray[np.float64]:
        """Return what each peer would state for each option: shape (peers, 4), 0 to 1."""
        truth, _ = self.first_counts(number)
        side = np.where(np.arange(len(KEYS)) == truth, 0.5, -0.5)
        own = self.generator(number, 1).normal(0, 1, (self.peers, len(KEYS)))
        return _sigmoid(self.separation * side + self._error(own, self.generator(number, 4)))

    def debates(self, debates: int, rounds: int) -> Drift:
        """Hold many debates among all at once, in arrays: the same distribution as peers in a `Swarm`.

        Args:
            debates: how many, >= 2.
            rounds: how often peers hear each other, >= 0.
        """
        rng = np.random.default_rng([self.seed, 2])
        share = _sigmoid(np.log(self.truth / (1 - self.truth)) + rng.normal(0, SPREAD, (debates, 1, 1)))
        first = np.concatenate([share, (1 - share) * np.array(ERRORS)], axis=2)
        counts = STRENGTH * np.repeat(first, self.peers, axis=1)
        side = np.array([0.5, -0.5, -0.5, -0.5])
        error = self._error(rng.normal(0, 1, counts.shape), np.random.default_rng([self.seed, 4]))
        confidence = _sigmoid(self.separation * side + error)
        weight = 2 * confidence if self.listening == "confidence" else np.ones_like(confidence)
        before = _truth_share(counts)
        said = _said(counts, rng)
        majority_before, weighted_before = _leads(said), _leads(said * confidence)
        for _ in range(rounds):
            spoken = said * weight
            counts += spoken.sum(axis=1, keepdims=True) - spoken
            said = _said(counts, rng)
        moved = _truth_share(counts) - before
        return Drift(
            debates,
            (float(before.mean()), float(before.mean() + moved.mean())),
            (majority_before, _leads(said)),
            (weighted_before, _leads(said * confidence)),
            float(moved.std(ddof=1) / np.sqrt(debates)),
        )

    def _error(self, own: NDArray[np.float64], common: np.random.Generator) -> NDArray[np.float64]:
        """Mix each peer's own errors, shape (…, peers, 4), with those that all peers have in common."""
        if not self.in_common:
            return own
        alike = common.normal(0, 1, (*own.shape[:-2], 1, own.shape[-1]))
        return float(np.sqrt(1 - self.in_common)) * own + float(np.sqrt(self.in_common)) * alike

    def _answers(self, number: int) -> Answers:
        truth, counts = self.first_counts(number)
        said = [self.drawn(number, i, 0, counts) for i in range(self.peers)]
        return Answers(truth, np.asarray(said, dtype=np.int64))

    def drawn(self, number: int, peer: int, round: int, counts: NDArray[np.float64]) -> int:
        """Return the option that a peer says in a round, drawn from its counts."""
        return int(self.generator(number, 3, peer, round).choice(len(KEYS), p=counts / counts.sum()))


class W3Peer(W1Peer):
    """A peer of W3: says what it believes, and how sure; what it hears moves its belief."""

    world: W3

    def __init__(self, world: W3, index: int) -> None:
        super().__init__(world, index)
        self.world = world
        self._counts: dict[int, NDArray[np.float64]] = {}

    def belief(self, number: int) -> float:
        """Return the peer's belief in the truth of a question, 0 to 1: as it stands after what it heard so far."""
        truth, first = self.world.first_counts(number)
        counts = self._counts.get(number, first)
        return float(counts[truth] / counts.sum())

    async def propose(self, call: Call) -> Proposal:
        number = self.world.number_of(call.question)
        self._counts[number] = self.world.first_counts(number)[1]
        return self._say(number, call.round)

    async def revise(self, call: Call, mine: Message[Proposal], heard: Sequence[Message[Proposal]]) -> Proposal:
        number = self.world.number_of(call.question)
        counts = self._counts[number].copy()
        for message in heard:
            if message.body.key in KEYS:
                stated = message.body.confidence_ppm if self.world.listening == "confidence" else None
                counts[KEYS.index(message.body.key)] += 1 if stated is None else 2 * stated / UNIT
        self._counts[number] = counts
        return self._say(number, call.round)

    def _say(self, number: int, round: int) -> Proposal:
        answer = self.world.drawn(number, self.index, round, self._counts[number])
        sure = float(self.world.confidences(number)[self.index, answer])
        return Proposal.of(KEYS[answer], f"{self.name} says {KEYS[answer]}", confidence=sure)


def _sigmoid(logit: NDArray[np.float64] | float) -> NDArray[np.float64]:
    return np.asarray(1 / (1 + np.exp(-np.asarray(logit))), dtype=np.float64)


def _truth_share(counts: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return each debate's mean belief in option 0, the true one in arrays."""
    return np.asarray((counts[..., 0] / counts.sum(axis=2)).mean(axis=1), dtype=np.float64)


def _said(counts: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.float64]:
    """Return what everybody says, drawn from its counts: one-hot, shape (debates, peers, 4)."""
    shares = np.cumsum(counts / counts.sum(axis=2, keepdims=True), axis=2)
    answer = (rng.random((*counts.shape[:2], 1)) > shares[..., :-1]).sum(axis=2)
    return np.asarray(np.eye(len(KEYS))[answer], dtype=np.float64)


def _leads(votes: NDArray[np.float64]) -> float:
    """Return how often option 0 leads, a tie counting as its share: no option is favoured."""
    votes = votes.sum(axis=1)
    leads = votes == votes.max(axis=1, keepdims=True)
    return float((leads[:, 0] / leads.sum(axis=1)).mean())
