"""A softmax over peers whose few weights are learnt from outcomes by policy gradient, with ants as an option.

    p(peer) = exp(w · f(peer)) / Σ exp(w · f)             f = [pace, waiting, merit]
    w'      = w + η (r - baseline) (f(chosen) - Σ p f)    REINFORCE

An outcome carries f(chosen) - Σ p f, the gradient of log p, as the `x` that was seen when it was chosen: whoever folds
learns alike without knowing what else there was to choose. The first of the ranking is drawn by p, from a hash of
the task; the others follow by p. Drawing is the point: with old load data, whoever takes the best stampedes.
Waiting counts by load over the load's age, as mean task times: what is old says little.

With `ants`, p is multiplied by pheromone and the square of nearness, τ η², where τ is the faded mean reward of kind and
peer and η one over the expected end. It gained nothing in any column of the project's table, and is here to show that.

Source: Williams 1992, "Simple statistical gradient-following algorithms" (REINFORCE); Dorigo, Stützle 2004, "Ant Colony
Optimization"; the mixture as in the 2025 paper on data scheduling for IoT sensing, of which only the abstract was read.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from itertools import accumulate
from math import factorial
from operator import itemgetter, mul
from typing import ClassVar

from waggledance.core import UNIT, Message, PeerId, UsageError
from waggledance.tasks._card import UNSAID_PPM, Card
from waggledance.tasks._faded import Faded
from waggledance.tasks._outcome import TaskOutcome
from waggledance.tasks._router import Router, Scored, best_first, draw, ranked
from waggledance.tasks._task import Task
from waggledance.tasks._two_choices import Paces, TwoChoices, ends_ms

FEATURES = 3
MOST = 16 * UNIT
"""No weight grows beyond this."""
_STEPS = 1 << 10
"""Exponents are taken in whole 1/1024."""
_LONGEST = 4 * UNIT
"""Waiting counts up to four task times of the mean peer."""
_TOLD = 32
"""Of so many of the ranking it is said what was seen: who stands behind them hardly ever does the task."""


@dataclass(frozen=True)
class Softmax(Router):
    """Draw by learnt probabilities.

    Raises:
        UsageError: a step of learning outside 0 to 16,000,000.
    """

    step_ppm: int = 5_000
    """How far one outcome moves the weights (η)."""
    ants: bool = False
    """Whether pheromone and nearness enter."""

    name: ClassVar[str] = "softmax"

    def __post_init__(self) -> None:
        if not 0 <= self.step_ppm <= MOST:
            raise UsageError(f"softmax needs a step_ppm of 0 to {MOST:,}, got {self.step_ppm}")

    def start(self) -> Policy:
        return Policy(self, list(_AT_FIRST), 0, 0, Paces(TwoChoices(), {}), Faded(_KEEP_PPM))


_AT_FIRST = (2 * UNIT, -6 * UNIT // 10, UNIT)
"""The weights before any outcome: faster, less busy, better. Chosen by hand in `testing.QueueWorld`."""
_KEEP_PPM = 980_000
_BASELINE_KEEP_PPM = 990_000


class Policy:
    """The state of `Softmax`."""

    __slots__ = ("_baseline", "_faded", "_known", "_odds", "_paces", "_router", "weights")

    def __init__(
        self, router: Softmax, weights: list[int], baseline: int, known: int, paces: Paces, faded: Faded
    ) -> None:
        self._router, self._baseline, self._known, self._paces, self._faded = router, baseline, known, paces, faded
        self._odds: _Odds | None = None
        self.weights = weights
        """Of pace, waiting and merit, in parts per million."""

    def learn(self, said: Message[TaskOutcome]) -> None:
        """Take in one outcome; without three features in -4 to 4 it moves no weight."""
        self._odds = None
        self._paces.learn(said)
        self._faded.learn(said)
        x, reward = said.body.x, said.body.reward_ppm
        if len(x) == FEATURES and self._known:
            gain = self._router.step_ppm * (reward - self._baseline) // UNIT
            for i, value in enumerate(x):
                moved = self.weights[i] + gain * max(-_LONGEST, min(_LONGEST, value)) // UNIT
                self.weights[i] = max(-MOST, min(MOST, moved))
        self._known = self._known * _BASELINE_KEEP_PPM // UNIT + UNIT
        self._baseline += (reward - self._baseline) * UNIT // self._known

    def copy(self) -> Policy:
        return Policy(
            self._router, list(self.weights), self._baseline, self._known, self._paces.copy(), self._faded.copy()
        )

    def order(self, task: Task, cards: Sequence[Card]) -> tuple[Scored, ...]:
        """Draw one peer by probability; the others follow by probability."""
        up = [card for card in cards if card.available]
        if not up:
            return ranked(best_first(task, cards, [0] * len(cards)))
        odds = self._odds_of(task.kind, up)
        by_share = best_first(task, up, odds.shares)
        at = bisect_right(list(accumulate(map(itemgetter(0), by_share))), draw(task, b"softmax") % odds.total)
        by_share.insert(0, by_share.pop(at))
        rows = [(odds.ppm_of[share], card) for share, card in by_share]
        rows += best_first(task, [card for card in cards if not card.available], [0] * (len(cards) - len(up)))
        return ranked(rows, {card.peer: odds.seen(card.peer) for _, card in by_share[:_TOLD]})

    def _odds_of(self, kind: str, up: list[Card]) -> _Odds:
        """Return what cards come to at a kind of task; it stays the same until something is learnt."""
        last = self._odds
        if last is None or last.kind != kind or last.up != up:
            features = self._features(kind, up)
            last = self._odds = _Odds(kind, up, features, self._shares(up, features))
        return last

    def _features(self, kind: str, cards: Sequence[Card]) -> tuple[list[int], list[int], list[int]]:
        """Return pace beside the fastest, waiting in mean task times, and faded mean reward at the kind."""
        times = self._paces.times_ms(cards)
        fastest, mean = UNIT * min(times), max(1, sum(times) // len(times))
        merits = self._faded.priors(kind)
        waits = [
            0
            if not (load := card.load)
            else wait
            if (wait := UNIT * load * time // (card.capacity * (mean + card.load_age_ms))) < _LONGEST
            else _LONGEST
            for card, time in zip(cards, times, strict=True)
        ]
        return (
            [fastest // time for time in times],
            waits,
            [merits.get(card.peer, UNSAID_PPM) for card in cards] if merits else [UNSAID_PPM] * len(cards),
        )

    def _shares(self, cards: Sequence[Card], features: tuple[list[int], list[int], list[int]]) -> list[int]:
        """Return whole numbers in proportion to the probabilities; at least one is above 0."""
        a, b, c = self.weights
        logits = [a * x + b * y + c * z for x, y, z in zip(*features, strict=True)]
        best, table = max(logits), _exponentials()
        last, fine = len(table) - 1, UNIT * UNIT // _STEPS
        shares = [table[k if (k := (best - logit) // fine) < last else last] for logit in logits]
        if self._router.ants:
            ends = ends_ms(cards, self._paces.times_ms(cards))
            soonest = min(ends)
            near = [(soonest << 20) // end for end in ends]
            shares = [s * z * n * n for s, z, n in zip(shares, features[2], near, strict=True)]
            if not any(shares):
                shares = [1] * len(shares)
        return shares


class _Odds:
    """What some cards come to at a kind of task: their features, and shares in proportion to the probabilities."""

    __slots__ = ("_features", "_means", "_place", "kind", "ppm_of", "shares", "total", "up")

    def __init__(self, kind: str, up: list[Card], features: tuple[list[int], ...], shares: list[int]) -> None:
        self.kind, self.up, self._features, self.shares = kind, up, features, shares
        self.total = total = sum(shares)
        self.ppm_of = {share: share * UNIT // total for share in set(shares)}
        self._means = [sum(map(mul, values, shares)) // total for values in features]
        self._place = {card.peer: at for at, card in enumerate(up)}

    def seen(self, peer: PeerId) -> tuple[int, ...]:
        """Return how far a peer's features lie from their mean by probability: the gradient of the log of its own."""
        at = self._place[peer]
        return tuple([values[at] - mean for values, mean in zip(self._features, self._means, strict=True)])


@cache
def _exponentials() -> list[int]:
    """Return exp(-k/1024) in units of 2^-29 for k from 0 until less than one unit is left, by whole numbers alone.

    Python's own whole numbers are twice as fast below 2^30.
    """
    step = sum((-1) ** n * (1 << 80) // (factorial(n) * _STEPS**n) for n in range(9))
    table, value = [1 << 29], 1 << 80
    while table[-1]:
        value = value * step >> 80
        table.append(value >> 51)
    return table
