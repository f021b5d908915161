"""The model of how answers come about, on which reliability without a key rests.

Peer p answers question q truly with a chance that falls with the question's difficulty; those who err share errors,
the more the smaller the concentration c:

    P(p is right on q) = sigmoid(t_p - d_q),   d_q from N(0, 2²)                                  (Rasch)
    P(the wrong answers fall into groups of sizes n_1 … n_k) = c^k · (n_1 - 1)! … (n_k - 1)! / (c (c+1) … (c+N-1))
                                                                                                  (Ewens)

So answers are an open set: nobody says how many there could be, two peers that err alike are no surprise where c is
small (a yes/no question) and strong evidence that they are right where it is large (a number), and on a hard question
the weaker peers' votes fade. That no given answer is true is one more candidate. A peer's evidence may count in part
(`weight`, for peers that are not independent witnesses): its factors are raised to that power.
Sources: Dawid and Skene 1979 for the idea; Rasch 1960, and Whitehill et al. 2009, "Whose Vote Should Count More"
(GLAD), for difficulty; Ewens 1972, "The sampling theory of selectively neutral alleles", for shared errors.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import lgamma, pi, sqrt

import numpy as np
from numpy.typing import NDArray

from waggledance.consensus._history import NONE, Ints

Floats = NDArray[np.float64]

UNKNOWN = -2
"""Instead of a true answer's code: it is not known."""

DIFFICULTY_SD = 2.0
"""Spread of difficulty, in logits: fitted to recorded sets it came out as 1.3 to 3.8, and gained little or nothing.

Chosen by hand, then checked by leaving out one set at a time (`benchmarks/reliability.py constants`)."""

_STEPS = 100
"""Weights of groups are rounded to hundredths of a peer inside the Ewens formula."""


def _difficulty(points: int) -> tuple[Floats, Floats]:
    """Return levels of difficulty and their logarithms of chances: Gauss-Hermite points of a normal distribution."""
    x, w = np.polynomial.hermite_e.hermegauss(points)
    return DIFFICULTY_SD * x, np.log(w / sqrt(2 * pi))


LEVELS, _LOG_SHARES = _difficulty(7)
"""Levels of difficulty, in logits, and the logarithm of the share of questions at each."""

SHARES = np.exp(_LOG_SHARES)
"""Share of questions at each level of difficulty; they sum to 1."""


@dataclass(frozen=True, eq=False)
class Patterns:
    """The different ways in which peers agreed: questions that differ in wording only are one row."""

    placed: Ints
    """Shape (u, n): place of each peer's answer in the row, -1 for none; places by their first peer."""
    places: int
    """Most places of a row (k)."""
    given: Floats
    """Shape (u, n): 1 where the peer gave an answer."""
    truth: Ints
    """Shape (u,): place of the true answer, -1 where nobody gave it, -2 where it is not known."""
    count: Floats
    """Shape (u,): on how many questions."""
    row: Ints
    """Shape (m,): the row of every question."""
    place: Ints
    """Shape (m, most answers of a question): the place of each answer code; -1 beyond the question's answers."""

    @classmethod
    def of(cls, codes: Ints, known: Ints) -> Patterns:
        """Return the distinct rows of answer codes, shape (m, n), and true codes, shape (m,), -2 for not known."""
        m, n = codes.shape
        k = int(codes.max(initial=0)) + 1
        first = np.full((m, k + 1), n, dtype=np.int64)  # the first peer with each code; the last column takes NONE
        for p in reversed(range(n)):
            first[np.arange(m), codes[:, p]] = p
        first = first[:, :k]
        place = np.argsort(np.argsort(first, axis=1, kind="stable"), axis=1, kind="stable")
        place = np.where(first == n, NONE, place)
        padded = np.concatenate([place, np.full((m, 1), NONE)], axis=1)  # so that code NONE has place NONE
        placed = np.take_along_axis(padded, codes, axis=1)
        truth = np.where(known < 0, known, np.take_along_axis(padded, np.maximum(known, NONE)[:, None], axis=1)[:, 0])
        rows, row, count = np.unique(
            np.concatenate([placed, truth[:, None]], axis=1), axis=0, return_inverse=True, return_counts=True
        )
        return cls(
            placed=rows[:, :n],
            places=k,
            given=(rows[:, :n] != NONE).astype(np.float64),
            truth=rows[:, n],
            count=count.astype(np.float64),
            row=row.reshape(m),
            place=place,
        )

    def spread(self, values: Floats) -> Floats:
        """Return the sum of peers' values, shape (n,), behind each answer: shape (u, k). In the order of peers."""
        u, k = len(self.placed), self.places
        cells = np.where(self.given > 0, self.placed + k * np.arange(u)[:, None], u * k).ravel()
        sums = np.bincount(cells, np.broadcast_to(values, self.placed.shape).ravel(), minlength=u * k + 1)
        return np.asarray(sums[:-1].reshape(u, k), dtype=np.float64)

    def gather(self, chances: Floats) -> Floats:
        """Return the sum over rows of what each peer's own answer has: from shape (u, k + 1, d) to (n, d)."""
        u, candidates, d = chances.shape
        flat = chances.reshape(u * candidates, d)
        sums = np.empty((self.placed.shape[1], d))
        for p, placed in enumerate(self.placed.T):
            rows = np.flatnonzero(placed != NONE)
            own: Floats = np.take(flat, rows * candidates + placed[rows], axis=0)
            sums[p] = np.einsum("rd->d", own)  # a seventh of the time that sum(axis=0) takes
        return sums


@dataclass(frozen=True, eq=False)
class Groups:
    """Groups of peers that gave the same answer, by weight, and what the Ewens formula needs of them."""

    exists: NDArray[np.bool_]
    """Shape (u, k): whether anybody gave the answer."""
    number: Floats
    """Shape (u, k + 1): wrong groups, for every candidate; the last candidate is that none given is right.

    A group of less than one peer counts as that part of a group.
    """
    inside: Floats
    """Shape (u, k + 1): sum of log (n - 1)! over wrong groups."""
    sizes: Floats
    """Every weight of wrong peers that occurs, ascending."""
    size: Ints
    """Shape (u, k + 1): which of `sizes` the wrong peers have."""

    @classmethod
    def of(cls, patterns: Patterns, weight: Floats) -> Groups:
        """Return groups, peers counting by `weight`, shape (n,)."""
        size = np.round(patterns.spread(weight) * _STEPS) / _STEPS
        whole = size.sum(axis=1)[:, None]
        sizes, place = np.unique(np.round(np.concatenate([whole - size, whole], axis=1) * _STEPS), return_inverse=True)
        part = np.minimum(size, 1.0)
        parts = part.sum(axis=1)[:, None]
        own = log_gamma(np.maximum(size, 1.0))
        owns = own.sum(axis=1)[:, None]
        return cls(
            exists=patterns.spread(np.ones_like(weight)) > 0,
            number=np.concatenate([parts - part, parts], axis=1),
            inside=np.concatenate([owns - own, owns], axis=1),
            sizes=sizes / _STEPS,
            size=place.reshape(len(size), patterns.places + 1),
        )


def log_ewens(groups: Groups, concentration: float) -> Floats:
    """Return how likely the wrong answers group as they do, for every candidate: logarithms, shape (u, k + 1)."""
    rising = log_gamma(concentration + groups.sizes) - lgamma(concentration)
    return np.asarray(groups.number * np.log(concentration) + groups.inside - rising[groups.size])


def log_gamma(values: Floats) -> Floats:
    """Return log Γ of an array of few different values."""
    distinct, place = np.unique(values, return_inverse=True)
    return np.array([lgamma(value) for value in distinct.tolist()])[place.reshape(values.shape)]


def log_joint(patterns: Patterns, groups: Groups, ability: Floats, weight: Floats, ewens: Floats) -> Floats:
    """Return the logarithm of the chance of each row's answers, with each candidate and difficulty.

    Args:
        patterns: the rows.
        groups: of these rows, by `weight`.
        ability: shape (n,), t_p in logits.
        weight: shape (n,), how far each peer's evidence counts, 0 to 1.
        ewens: what `log_ewens` returned.

    Returns:
        Shape (u, k + 1, levels); -inf for candidates that do not exist or that are known to be wrong.
    """
    u, k = groups.exists.shape
    chance = ability[:, None] - LEVELS[None, :]
    wrong = np.einsum("un,nd->ud", patterns.given, -weight[:, None] * np.logaddexp(0.0, chance))
    gain, load = patterns.spread(weight * ability), patterns.spread(weight)
    joint = np.empty((u, k + 1, len(LEVELS)))
    joint[:, :k] = gain[:, :, None] - load[:, :, None] * LEVELS
    joint[:, k] = 0.0
    joint += wrong[:, None, :] + ewens[:, :, None] + _LOG_SHARES
    possible = np.concatenate([groups.exists, np.ones((u, 1), dtype=bool)], axis=1)
    known = patterns.truth != UNKNOWN
    named = np.where(patterns.truth < 0, k, patterns.truth)
    possible[known] &= np.arange(k + 1)[None, :] == named[known][:, None]
    joint[~possible] = -np.inf
    return joint


def normalised(joint: Floats) -> tuple[Floats, Floats]:
    """Return probabilities that sum to 1 over candidates and difficulties, and each row's log-likelihood."""
    top = joint.max(axis=(1, 2), keepdims=True)
    chances = np.exp(joint - top)
    whole = chances.sum(axis=(1, 2), keepdims=True)
    chances /= whole
    return chances, (np.log(whole) + top)[:, 0, 0]


def chances(voices: Sequence[tuple[float, float, str]], concentration: float) -> dict[str, float]:
    """Return how likely each given answer of one question is to be true; what is missing to 1 is that none is.

    Args:
        voices: one entry a vote: ability in logits, how far it counts (>= 0), and the answer.
        concentration: how much errors differ.
    """
    keys = list(dict.fromkeys(key for _, _, key in voices))
    codes: Ints = np.array([[keys.index(key) for _, _, key in voices]], dtype=np.int64)
    ability = np.array([ability for ability, _, _ in voices])
    weight = np.array([share for _, share, _ in voices])
    patterns = Patterns.of(codes, np.array([UNKNOWN], dtype=np.int64))
    groups = Groups.of(patterns, weight)
    found, _ = normalised(log_joint(patterns, groups, ability, weight, log_ewens(groups, concentration)))
    by_place: list[float] = found.sum(axis=2)[0].tolist()
    return dict(zip(keys, by_place[: len(keys)], strict=True))
