"""Admission: which of all that was published is worth everybody's context.

Every entry of a shared bank costs all who read it, so most of what is said should not be shown. A policy scores a
candidate by what is known of it; above 0 it is worth its place.

    everything      all of it: worse than no bank where keys are long or most work is private
    half_at_random  a control
    hand_rule       relevance above a half: as good as the learned one in every world that was tried, so the default
    UsageLogit      learned from uses and costs

        score = w · x,   x = [1, relevance, is a tool's result, log2(1 + tokens), log2(times produced), log2(1 + uses)]
        w += η · R · (1 − p) · x,   p = 1/(1 + e^(−score)),   R = saved cost · uses − context cost · later steps

Source: Fioresi et al. 2026, "Learning to Share", arXiv:2602.05965: a small model trained by stepwise policy gradient
decides there. The features and the logit are ours. Scores are whole numbers, so that peers with equal weights agree.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from math import exp, isfinite

import msgspec
from blake3 import blake3

from waggledance.core import UNIT, UsageError
from waggledance.memory._record import RecordId

FEATURES = ("bias", "relevance", "tool", "tokens", "produced", "uses")
MAX_WEIGHT = 1_000
"""Of a feature, in either direction."""


class Candidate(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What is known of a record when it is decided whether to show it.

    Raises:
        UsageError: a number is out of range.
    """

    id: RecordId
    key: str
    relevance_ppm: int = 0
    """How near its key is to the question, -1,000,000 to 1,000,000; an estimate may lie outside."""
    sort: str = "finding"
    tokens: int = 0
    """Of its value."""
    produced: int = 1
    """How many peers came to it independently."""

    def __post_init__(self) -> None:
        if self.tokens < 0 or self.produced < 1 or len(self.id) != 32:
            raise UsageError(f"a candidate has an id of 32 bytes, 0 or more tokens and one producer, got {self}")


Policy = Callable[[Candidate, int], int]
"""Scores a candidate, given how many others used it, in parts per million; above 0 it is admitted."""


def everything(candidate: Candidate, uses: int) -> int:
    """Admit all, those used most first."""
    return UNIT * (1 + uses)


def half_at_random(candidate: Candidate, uses: int) -> int:
    """Admit half, by a hash of the id: the same half for everybody."""
    return UNIT if blake3(b"half\0" + candidate.id).digest(1)[0] & 1 else 0


def hand_rule(candidate: Candidate, uses: int) -> int:
    """Admit what is relevant by more than a half, and what somebody used; those used most first."""
    return max(0, candidate.relevance_ppm - UNIT // 2) + UNIT * uses


class Credit(msgspec.Struct, frozen=True, gc=False):
    """What came of admitting a candidate.

        reward = saved cost · uses − context cost · later steps

    in any one unit of cost, parts per million; negative where it was only read.
    """

    candidate: Candidate
    uses: int
    """What was known when it was admitted."""
    reward_ppm: int


class UsageLogit(msgspec.Struct, frozen=True, gc=False):
    """A learned policy: a logit of six features. It is a `Policy`: call it.

    Raises:
        UsageError: there are not six weights, or one is not finite or beyond ±1,000.
    """

    weights_ppm: tuple[int, ...] = (0, UNIT, 0, 0, 0, 0)

    def __post_init__(self) -> None:
        if len(self.weights_ppm) != len(FEATURES) or any(abs(w) > MAX_WEIGHT * UNIT for w in self.weights_ppm):
            raise UsageError(f"a UsageLogit has a weight within ±{MAX_WEIGHT:,} for each of {', '.join(FEATURES)}")

    @property
    def name(self) -> str:
        """What it is called where it was used: peers with other weights are seen to have them."""
        return f"usage-logit-{blake3(repr(self.weights_ppm).encode()).hexdigest(4)}"

    def __call__(self, candidate: Candidate, uses: int) -> int:
        return sum(w * x for w, x in zip(self.weights_ppm, features(candidate, uses), strict=True)) // UNIT

    def chance(self, candidate: Candidate, uses: int) -> float:
        """Return the probability with which it admits while it learns, 0 to 1."""
        return 1 / (1 + exp(-max(-30.0, min(30.0, self(candidate, uses) / UNIT))))

    def learn(self, credits: Iterable[Credit], rate: float = 0.1) -> UsageLogit:
        """Return the policy after what came of candidates it admitted: one step for all, blind to their order.

        Args:
            credits: of admitted candidates.
            rate: η, above 0.

        Raises:
            UsageError: the rate is not a positive number.
        """
        if not (isfinite(rate) and rate > 0):
            raise UsageError(f"a learning rate is a positive number, got {rate}")
        change = [0] * len(FEATURES)
        for credit in credits:
            step_ppm = round(rate * credit.reward_ppm * (1 - self.chance(credit.candidate, credit.uses)))
            for place, x in enumerate(features(credit.candidate, credit.uses)):
                change[place] += step_ppm * x // UNIT
        limit = MAX_WEIGHT * UNIT
        return UsageLogit(tuple(max(-limit, min(limit, w + d)) for w, d in zip(self.weights_ppm, change, strict=True)))


def features(candidate: Candidate, uses: int) -> tuple[int, ...]:
    """Return what a logit sees, in parts per million; in the order of `FEATURES`."""
    return (
        UNIT,
        candidate.relevance_ppm,
        UNIT if candidate.sort == "tool-result" else 0,
        UNIT * candidate.tokens.bit_length(),
        UNIT * (candidate.produced.bit_length() - 1),
        UNIT * (uses + 1).bit_length() - UNIT,
    )
