"""Calibration: how often a peer is right when it says how sure it is, and how good such statements are."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import groupby
from math import log

import msgspec

from waggledance.core import UNIT, UsageError

LEVELS = 21
"""Confidence levels of a table: 0, .05, …, 1."""

_STEP = UNIT // (LEVELS - 1)

Settled = tuple[int | None, bool]
"""A question that was settled: how sure the peer said it was, in parts per million, and whether it was right."""


def level(confidence_ppm: int) -> int:
    """Return the nearest of the 21 levels, 0 to 20; halves go up.

    >>> level(850_000), level(874_999), level(875_000)
    (17, 17, 18)
    """
    return (confidence_ppm + _STEP // 2) // _STEP


class Table(msgspec.Struct, frozen=True):
    """One peer's record: at each level of stated confidence, how many answers and how many right ones.

    The last of the 22 rows counts answers that came without a confidence.

    Raises:
        UsageError: not one row a level, or a row with more right answers than answers.
    """

    right: tuple[int, ...] = (0,) * (LEVELS + 1)
    asked: tuple[int, ...] = (0,) * (LEVELS + 1)

    def __post_init__(self) -> None:
        if not len(self.right) == len(self.asked) == LEVELS + 1:
            raise UsageError(f"a table has {LEVELS + 1} rows, got {len(self.right)} and {len(self.asked)}")
        if not all(0 <= right <= asked for right, asked in zip(self.right, self.asked, strict=True)):
            raise UsageError("a table counts at least as many answers as right ones in every row, and none below 0")

    @classmethod
    def fit(cls, pairs: Iterable[Settled]) -> Table:
        """Count settled questions: from probes, or from past decisions that were later checked.

        >>> Table.fit([(900_000, True), (900_000, False), (None, True)]).settled
        3
        """
        right, asked = [0] * (LEVELS + 1), [0] * (LEVELS + 1)
        for confidence_ppm, was_right in pairs:
            row = LEVELS if confidence_ppm is None else level(confidence_ppm)
            asked[row] += 1
            right[row] += was_right
        return cls(tuple(right), tuple(asked))

    @property
    def settled(self) -> int:
        """How many settled questions the table rests on."""
        return sum(self.asked)

    def counts(self, confidence_ppm: int | None) -> tuple[int, int]:
        """Return how many answers were right and wrong at this level; over all levels when none is stated."""
        if confidence_ppm is None:
            return sum(self.right), self.settled - sum(self.right)
        row = level(confidence_ppm)
        return self.right[row], self.asked[row] - self.right[row]

    def chance(self, confidence_ppm: int | None) -> float:
        """Return the chance of being right at this level, 0 to 1, with Laplace's one right and one wrong added.

        >>> Table.fit([(900_000, True)] * 8).chance(900_000)
        0.9
        """
        right, wrong = self.counts(confidence_ppm)
        return (right + 1) / (right + wrong + 2)

    def weight_ppm(self, confidence_ppm: int | None, options: int) -> int:
        """Return log(p / (1-p) · (K-1)) in parts per million of one nat, K = `options`, p = `chance`.

        It is how much more likely the peer's answer is than any one of the others, if its errors spread evenly; below
        0 for a peer that does worse than guessing.
        """
        right, wrong = self.counts(confidence_ppm)
        return round(UNIT * log((right + 1) * (options - 1) / (wrong + 1)))


def ece(pairs: Iterable[tuple[int, bool]]) -> float:
    """Return the expected calibration error, 0 to 1: the mean gap of stated confidence and share right, by level.

        ECE = sum over levels of n_level / n · |share right - mean confidence|

    Args:
        pairs: stated confidence in parts per million, and whether the answer was right; at least one.

    Source: Naeini, Cooper, Hauskrecht 2015, "Obtaining Well Calibrated Probabilities Using Bayesian Binning", here
    with the 21 levels of `Table` as bins.

    >>> ece([(900_000, True), (900_000, False)])
    0.4
    """
    by_level: dict[int, list[tuple[int, bool]]] = {}
    for pair in _given(pairs):
        by_level.setdefault(level(pair[0]), []).append(pair)
    n = sum(len(group) for group in by_level.values())
    gaps = (abs(sum(right for _, right in group) * UNIT - sum(stated for stated, _ in group))
            for group in by_level.values())  # fmt: skip
    return sum(gaps) / (n * UNIT)


def brier(pairs: Iterable[tuple[int, bool]]) -> float:
    """Return the Brier score, 0 to 1, lower is better: the mean square of stated confidence minus what happened.

    Source: Brier 1950, "Verification of forecasts expressed in terms of probability".

    >>> brier([(500_000, True), (500_000, False)])
    0.25
    """
    given = _given(pairs)
    return sum((stated - right * UNIT) ** 2 for stated, right in given) / (len(given) * UNIT**2)


def auroc(pairs: Iterable[tuple[int, bool]]) -> float:
    """Return how well confidence tells right from wrong answers: the chance that a right one states more; .5 is blind.

    Equal statements count one half. Source: Hanley and McNeil 1982, "The meaning and use of the area under a receiver
    operating characteristic (ROC) curve".

    Raises:
        UsageError: all answers are right, or all are wrong.

    >>> auroc([(900_000, True), (800_000, False), (800_000, True)])
    0.75
    """
    given = sorted(_given(pairs))
    n_right = sum(right for _, right in given)
    n_wrong = len(given) - n_right
    if not n_right or not n_wrong:
        raise UsageError(f"auroc() compares right with wrong answers; all {len(given)} are of one sort")
    wrong_below = halves = 0
    for _, ties in groupby(given, key=lambda pair: pair[0]):
        group = list(ties)
        right = sum(was_right for _, was_right in group)
        wrong = len(group) - right
        halves += right * (2 * wrong_below + wrong)
        wrong_below += wrong
    return halves / (2 * n_right * n_wrong)


def _given(pairs: Iterable[tuple[int, bool]]) -> list[tuple[int, bool]]:
    given = list(pairs)
    if not given:
        raise UsageError("a measure of confidence needs at least one settled answer, got none")
    return given
