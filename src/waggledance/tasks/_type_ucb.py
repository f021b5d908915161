"""A bandit for each kind of task: mean reward with forgetting, a prior from the card, a bonus for what is uncertain.

    score = (m p + S) / (m + N) + a / sqrt(m + N)
    p     = (m claim + all rewards) / (m + all outcomes)

N and S are faded number and sum of rewards of a worker at the kind (`_faded.py`). p is what a worker falls back to when
its outcomes have faded: not its claim again, but what is left of the claim beside everything ever seen. With the claim
itself there, three peers of eight that overstate their cards keep being tried for ever: see `docs/in-depth/routing.md`.

Source: Auer, Cesa-Bianchi, Fischer 2002, UCB1; Wang et al. 2026, "Symphony-Coord", arXiv:2602.00966 (the setting); m,
a and g from the project's own measurements; the prior that shrinks is ours.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import isqrt
from typing import ClassVar

from waggledance.core import UNIT, Message, PeerId, UsageError
from waggledance.tasks._card import Card
from waggledance.tasks._faded import ONE, Faded, Seen
from waggledance.tasks._outcome import TaskOutcome
from waggledance.tasks._router import Router, Scored, in_order
from waggledance.tasks._task import Task


@dataclass(frozen=True)
class TypeUCB(Router):
    """Learn who is good at which kind of task; the default.

    Raises:
        UsageError: a number outside its range.
    """

    explore_ppm: int = 300_000
    """How much uncertainty is worth (α)."""
    prior_weight: int = 3
    """How many outcomes the card's claim counts as (m), 1 or more."""
    keep_ppm: int = 980_000
    """What is left of an outcome's weight after one more of its kind (g); 1,000,000 forgets nothing."""

    name: ClassVar[str] = "type-ucb"

    def __post_init__(self) -> None:
        if self.explore_ppm < 0 or self.prior_weight < 1:
            raise UsageError(
                f"type-ucb needs explore_ppm >= 0 and prior_weight >= 1, got {self.explore_ppm}, {self.prior_weight}"
            )
        Faded(self.keep_ppm)

    def start(self) -> KindMeans:
        return KindMeans(self, Faded(self.keep_ppm))


class KindMeans:
    """The state of `TypeUCB`."""

    __slots__ = ("_bounds", "_faded", "_router")

    def __init__(self, router: TypeUCB, faded: Faded) -> None:
        self._router, self._faded = router, faded
        self._bounds: dict[str, tuple[dict[PeerId, Seen], dict[PeerId, tuple[int, int, int]]]] = {}

    def learn(self, said: Message[TaskOutcome]) -> None:
        """Take in one outcome."""
        self._faded.learn(said)

    def copy(self) -> KindMeans:
        return KindMeans(self._router, self._faded.copy())

    def order(self, task: Task, cards: Sequence[Card]) -> tuple[Scored, ...]:
        """Rank by upper confidence bound."""
        return in_order(task, cards, self.bounds(task.kind, cards))

    def bounds(self, kind: str, cards: Sequence[Card]) -> list[int]:
        """Return every peer's upper confidence bound at a kind of task, in ppm; above 1 where little is known."""
        rows, m = self._faded.of(kind), self._router.prior_weight
        if kind not in self._bounds or self._bounds[kind][0] is not rows:
            self._bounds[kind] = rows, {worker: self._bound(seen) for worker, seen in rows.items()}
        known = self._bounds[kind][1]
        unseen = 0, UNIT, self._router.explore_ppm * isqrt(UNIT * UNIT // m) // UNIT
        return [
            fixed + card.claim_ppm(kind) * share // UNIT + bonus
            for card in cards
            for fixed, share, bonus in (known.get(card.peer, unseen),)
        ]

    def _bound(self, seen: Seen) -> tuple[int, int, int]:
        """Return a worker's score without its claim, what share the claim has in it, and the bonus, all in ppm."""
        m = self._router.prior_weight
        weight = m * ONE + seen.weight
        prior = seen.rewards // (m + seen.outcomes)
        share = UNIT * m * m * ONE // ((m + seen.outcomes) * weight)
        return (
            (m * ONE * prior + seen.total) // weight,
            share,
            self._router.explore_ppm * isqrt(UNIT * UNIT * ONE // weight) // UNIT,
        )
