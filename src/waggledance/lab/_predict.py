"""Predict before spending: will a vote of several peers pay, how many are worth asking, or is variety what is missing?

From a probe (a few questions that the peers have answered) come accuracy, correlation and how errors agree; from these,
by `plurality_with_correlation`, how often the most frequent answer of n such peers is right, for any n. Beside it stand
the best single peer and the same vote with half the correlation: beyond n ≈ 1/ρ only the latter helps.
Intervals draw the probe's questions again, and add the noise of as many further questions as will be asked.
Source: Liu, Kong and Pei 2026, "Phase Transition for Budgeted Multi-Agent Synergy", arXiv:2601.17311.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt
from random import Random
from typing import Literal

import numpy as np

from waggledance.consensus import tie_break
from waggledance.core import UsageError
from waggledance.lab._beta_binomial import effective_voters, plurality_with_correlation
from waggledance.lab._bootstrap import Floats, drawn
from waggledance.lab._probe import Fit, Probe, Votes
from waggledance.lab._wilson import two_sided

Advice = Literal["one", "vote", "perhaps"]
SIZES = (3, 5, 7, 9, 15, 31)
"""Votes that are tried; the last stands for "very many"."""
_DRAWS = 300
_WORTH = 0.005
"""Half a point: less is not worth another call."""


@dataclass(frozen=True)
class Expected:
    """What a vote of n peers is expected to be worth."""

    n: int
    accuracy: float
    low: float
    high: float
    gain: float
    """Over the best single peer, or over any where all are alike."""
    gain_low: float
    gain_high: float
    varied: float
    """Accuracy of as many peers whose correlation is half of it."""


@dataclass(frozen=True)
class Prediction:
    """What a probe says about a swarm."""

    voters: int
    questions: int
    labelled: bool
    accuracy: float
    """Mean of the peers."""
    rho: float
    agreement: float
    """How often two wrong peers say the same."""
    saturation: float
    """1 / ρ: more voters than this are worth no more than so many independent ones."""
    best: str | None
    """The peer that is best in the probe; None where all are alike."""
    best_accuracy: float
    """Its expected accuracy, drawn towards the mean: the best of a small probe was lucky, too. The mean where all are
    alike."""
    best_low: float
    best_high: float
    votes: tuple[Expected, ...]
    advice: Advice
    """``"one"`` peer, a ``"vote"``, or ``"perhaps"`` a vote where the gain could be nothing."""
    advised: int
    """How many of the peers to ask."""
    variety: bool
    """Whether less correlated peers would gain more than more peers."""


def predict(
    probe: Probe,
    *,
    alike: bool = False,
    sizes: Sequence[int] = SIZES,
    further: int | None = None,
    level: float = 0.95,
    seed: int = 0,
) -> Prediction:
    """Predict votes from a probe.

    Args:
        probe: what peers answered to a few questions.
        alike: whether the peers are samples of one model, so that none is better than another.
        sizes: how many peers, one prediction each; ≥ 1, at least one. Only those that the probe has peers for are
            advised; larger ones are for as many more of the same sort.
        further: the accuracy will be measured on so many other questions, whose luck the intervals then include;
            None for the accuracy on endless many.
        level: of the intervals.
        seed: of the draws.

    Raises:
        UsageError: there is no size, one is less than 1, or `further` is.
    """
    if not sizes or min(sizes) < 1 or (further is not None and further < 1):
        raise UsageError(f"predict votes of one peer or more on one question or more, got {sizes} and {further}")
    fit = probe.fit()
    doubted = probe.doubted()
    draws = doubted.fit(drawn(len(doubted.right), _DRAWS, seed))
    place = None if alike else _best(probe, fit)
    alone = float(fit.accuracy[0] if place is None else fit.by_voter[0, place])
    alone_each = draws.accuracy if place is None else draws.by_voter[:, place]
    z = two_sided(level)
    votes: list[Expected] = []
    for n in sizes:
        accuracy, each = float(_of(fit, n)[0]), _of(draws, n)
        low, high = _interval(accuracy, each, z, level, further)
        gains = each - alone_each
        gain_low, gain_high = _tails(gains, level)
        varied = plurality_with_correlation(n, float(fit.accuracy[0]), float(fit.rho[0]) / 2, float(fit.agreement[0]))
        votes.append(Expected(n, accuracy, low, high, accuracy - alone, gain_low, gain_high, varied))
    enough, advice = _advised([v for v in votes if v.n <= len(probe.voters)] or votes[:1])
    more = max(w.accuracy for w in votes) - enough.accuracy
    rho = float(fit.rho[0])
    best_low, best_high = _interval(alone, alone_each, z, level, further)
    return Prediction(
        voters=len(probe.voters),
        questions=len(probe.right),
        labelled=probe.labelled,
        accuracy=float(fit.accuracy[0]),
        rho=rho,
        agreement=float(fit.agreement[0]),
        saturation=effective_voters(1_000_000, rho),
        best=None if place is None else probe.voters[place],
        best_accuracy=alone,
        best_low=best_low,
        best_high=best_high,
        votes=tuple(votes),
        advice=advice,
        advised=1 if advice == "one" else enough.n,
        variety=enough.varied - enough.accuracy > more + _WORTH,
    )


def _advised(votes: Sequence[Expected]) -> tuple[Expected, Advice]:
    """Return the smallest vote that is about as good as the best of these, and whether to hold it."""
    top = max(v.accuracy for v in votes)
    enough = min((v for v in votes if v.accuracy >= top - _WORTH), key=lambda v: v.n)
    if enough.gain < _WORTH:
        return enough, "one"
    return enough, "vote" if enough.gain_low > 0 else "perhaps"


def plurality_seen(votes: Votes, keys: Sequence[str], n: int, *, swarms: int = 200, seed: int = 0) -> float:
    """Return how often the most frequent answer of n random voters was right; of a tie, its share counts.

    Args:
        votes: what was answered, one mapping a question.
        keys: the right answers, one a question.
        n: how many vote together, at most as many as there are.
        swarms: so many draws of n voters, each the same for all questions; one when all vote.
        seed: of the draws.

    Raises:
        UsageError: there is no question, not one key a question, or fewer voters than n.
    """
    voters = sorted({voter for row in votes for voter in row})
    if not votes or len(keys) != len(votes) or not 1 <= n <= len(voters):
        raise UsageError(
            f"a vote of {n} is seen on questions with keys and as many voters: got {len(votes)} questions, "
            f"{len(keys)} keys, {len(voters)} voters"
        )
    rng, total = Random(seed), 0.0
    times = 1 if n == len(voters) else swarms
    for _ in range(times):
        sitting = rng.sample(voters, n)
        total += sum(_share([row.get(v) for v in sitting], key) for row, key in zip(votes, keys, strict=True))
    return total / times / len(votes)


def _best(probe: Probe, fit: Fit) -> int:
    """Return the place of the voter with the highest expected accuracy; ties fall by hash."""
    return min(
        range(len(probe.voters)),
        key=lambda i: (-round(float(fit.by_voter[0, i]), 9), tie_break("predict", probe.voters[i])),
    )


def _share(answers: Sequence[str | None], key: str) -> float:
    counts = Counter(answer for answer in answers if answer is not None)
    top = max(counts.values(), default=0)
    leaders = [answer for answer, count in counts.items() if count == top]
    return (key in leaders) / len(leaders) if leaders else 0.0


def _of(fit: Fit, n: int) -> Floats:
    """Return the expected accuracy of a vote of n for every draw."""
    rows = zip(fit.accuracy.tolist(), fit.rho.tolist(), fit.agreement.tolist(), strict=True)
    return np.array([plurality_with_correlation(n, min(1.0, p), rho, q) for p, rho, q in rows])


def _interval(middle: float, each: Floats, z: float, level: float, further: int | None) -> tuple[float, float]:
    """Return an interval around the middle: the draws' spread, and the luck of further questions, as variances."""
    low, high = _tails(each, level)
    luck = 0.0 if further is None else z * z * middle * (1 - middle) / further
    below, above = max(0.0, middle - low), max(0.0, high - middle)
    return max(0.0, middle - sqrt(below * below + luck)), min(1.0, middle + sqrt(above * above + luck))


def _tails(each: Floats, level: float) -> tuple[float, float]:
    low, high = np.quantile(each, [(1 - level) / 2, (1 + level) / 2]).tolist()
    return float(low), float(high)
