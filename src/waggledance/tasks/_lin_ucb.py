"""One linear bandit for all peers, behind a screening of what they answered to the beacon.

    screen   0.5 claim + 0.35 prior + 0.15 stability, the best L = 3
    x        [1, claim, load, latency, prior, available]
    score    θᵀx + a sqrt(xᵀ A⁻¹ x),   A = I + Σ x xᵀ,  b = Σ r x,  θ = A⁻¹ b

A and b are sums over outcomes, which carry the x they were chosen by. One θ for all peers can tell two peers apart only
through claim and prior; it works because the prior is what is learnt of each: its faded mean reward at the kind, which
begins at its claim, with a little hope for who was tried seldom or long ago. With a mean that begins at one half and
has no hope, an expert that claims little is screened out for good (regret of 12 worlds 48 in the mean, with these 30).
Everything is in whole numbers of fixed point, the inverse too, so that all who fold rank alike.

Source: Wang et al. 2026, "Symphony-Coord", arXiv:2602.00966; Li et al. 2010, "A contextual-bandit approach"
(LinUCB), arXiv:1003.0146. The card's claim stands in the place of the cosine of texts; that the prior begins there,
hopes and fades is ours.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import isqrt
from typing import ClassVar

from waggledance.core import UNIT, Message, UsageError
from waggledance.tasks._card import Card
from waggledance.tasks._outcome import TaskOutcome
from waggledance.tasks._router import Router, Scored, best_first, ranked
from waggledance.tasks._task import Task
from waggledance.tasks._type_ucb import KindMeans, TypeUCB

FEATURES = 6
_HOPE_PPM = 100_000
"""What being untried adds to a prior, over the root of the outcomes that it rests on."""
_FINE = 1 << 40
"""Fixed point of the inverse and of θ."""

_Matrix = tuple[tuple[int, ...], ...]


@dataclass(frozen=True)
class LinUCB(Router):
    """Learn what makes a peer good from what is known of all of them together.

    Raises:
        UsageError: a number outside its range.
    """

    explore_ppm: int = 1_000_000
    """How much uncertainty is worth (α)."""
    screened: int = 3
    """How many peers are looked at closely (L), 1 or more; the others come after them."""
    keep_ppm: int = 980_000
    """What is left of an outcome's weight in a prior after one more of its kind."""

    name: ClassVar[str] = "lin-ucb"

    def __post_init__(self) -> None:
        if self.explore_ppm < 0 or self.screened < 1:
            raise UsageError(
                f"lin-ucb needs explore_ppm >= 0 and screened >= 1, got {self.explore_ppm}, {self.screened}"
            )
        TypeUCB(keep_ppm=self.keep_ppm)

    def start(self) -> Linear:
        zero = (0,) * FEATURES
        priors = TypeUCB(explore_ppm=_HOPE_PPM, keep_ppm=self.keep_ppm).start()
        return Linear(self, priors, [list(zero) for _ in zero], list(zero))


class Linear:
    """The state of `LinUCB`: sums of outer products and of rewarded features, in parts per million squared."""

    __slots__ = ("_priors", "_router", "_solved", "_xr", "_xx")

    def __init__(self, router: LinUCB, priors: KindMeans, xx: list[list[int]], xr: list[int]) -> None:
        self._router, self._priors, self._xx, self._xr = router, priors, xx, xr
        self._solved: tuple[_Matrix, tuple[int, ...]] | None = None

    def learn(self, said: Message[TaskOutcome]) -> None:
        """Take in one outcome; one whose features are not six in 0 to 1 teaches the prior only."""
        self._priors.learn(said)
        x, reward = said.body.x, said.body.reward_ppm
        if len(x) != FEATURES or not all(0 <= value <= UNIT for value in x):
            return
        self._solved = None
        for i, (row, value) in enumerate(zip(self._xx, x, strict=True)):
            if value:
                self._xr[i] += value * reward
                for j, other in enumerate(x):
                    row[j] += value * other

    def copy(self) -> Linear:
        return Linear(self._router, self._priors.copy(), [list(row) for row in self._xx], list(self._xr))

    def order(self, task: Task, cards: Sequence[Card]) -> tuple[Scored, ...]:
        """Screen all, then rank those that passed by upper confidence bound; the others follow as screened."""
        kind = task.kind
        screen = [
            (50 * card.claim_ppm(kind) + 35 * prior + 15 * card.calm_ppm) // 100
            for card, prior in zip(cards, self._priors.bounds(kind, cards), strict=True)
        ]
        first = best_first(task, cards, screen)
        near = [card for _, card in first[: self._router.screened]]
        priors = self._priors.bounds(kind, near)
        x_of = {card.peer: _x(card, kind, min(UNIT, prior)) for card, prior in zip(near, priors, strict=True)}
        close = best_first(task, near, [self._bound(x_of[card.peer]) for card in near])
        rest = first[self._router.screened :]
        return (*ranked(close, x_of), *ranked([(0, card) for _, card in rest]))

    def _bound(self, x: tuple[int, ...]) -> int:
        """Return θᵀx + a sqrt(xᵀA⁻¹x), in parts per million."""
        if self._solved is None:
            inverse = inverted([[v + UNIT * UNIT * (i == j) for j, v in enumerate(r)] for i, r in enumerate(self._xx)])
            self._solved = inverse, tuple(_dot(row, self._xr) // (UNIT * UNIT) for row in inverse)
        inverse, theta = self._solved
        spread = _dot(x, [_dot(row, x) for row in inverse])  # in _FINE parts per million squared
        return _dot(theta, x) // _FINE + self._router.explore_ppm * isqrt(max(0, spread) // _FINE) // UNIT


def _x(card: Card, kind: str, prior_ppm: int) -> tuple[int, ...]:
    return (UNIT, card.claim_ppm(kind), card.busy_ppm, card.slow_ppm, prior_ppm, UNIT * card.available)


def inverted(matrix: Sequence[Sequence[int]]) -> _Matrix:
    """Return the inverse of a positive definite matrix by Gauss and Jordan, in whole numbers.

    Args:
        matrix: shape (n, n), in parts per million squared; the identity is a part of it, so that no pivot is near 0.

    Returns:
        Shape (n, n), in units of 2^-40.
    """
    n = len(matrix)
    rows = [
        [value * _FINE // (UNIT * UNIT) for value in row] + [_FINE * (i == j) for j in range(n)]
        for i, row in enumerate(matrix)
    ]
    for i in range(n):
        pivot = rows[i][i]
        rows[i] = top = [value * _FINE // pivot for value in rows[i]]
        for j in range(n):
            factor = rows[j][i]
            if j != i and factor:
                rows[j] = [value - (factor * other >> 40) for value, other in zip(rows[j], top, strict=True)]
    return tuple(tuple(row[n:]) for row in rows)


def _dot(a: Sequence[int], b: Sequence[int]) -> int:
    return sum([x * y for x, y in zip(a, b, strict=True)])
