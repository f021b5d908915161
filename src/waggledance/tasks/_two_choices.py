"""Two choices: draw two peers, faster ones more often, and take the less loaded of them.

The load that one sees is always old, and all see the same old number: who takes the least loaded of all sends everybody
to the same peer, and that one is worse than drawing at random once load is eight task times old. Two choices is near
the best of the fixed rules at every age.

Peers are drawn by capacity over the time of a task. That time is the card's claim at first, and then the mean of what
outcomes say, which fades. How well a peer does a task is not looked at: use it among peers that are alike, or name the
skills that a task needs.

Source: Mitzenmacher 2001, "The power of two choices in randomized load balancing"; Mitzenmacher 2000, "How useful is
old information?".
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import ClassVar

from blake3 import blake3

from waggledance.core import UNIT, Message, PeerId, UsageError
from waggledance.tasks._card import Card
from waggledance.tasks._outcome import TaskOutcome
from waggledance.tasks._router import Router, Scored, in_order
from waggledance.tasks._task import Task

_CLAIM = 3
"""How many outcomes a card's claim about its time counts as."""
_KEEP_PPM = 980_000
_FIRST = 1 << 50
"""More than any time in milliseconds: what the drawn peers stand before all others by."""


@dataclass(frozen=True)
class TwoChoices(Router):
    """Rank the drawn peers first, by when they would finish as far as is known; then the others, in the same way.

    Raises:
        UsageError: fewer than one choice.
    """

    choices: int = 2
    """How many peers are drawn (d)."""

    name: ClassVar[str] = "two-choices"

    def __post_init__(self) -> None:
        if self.choices < 1:
            raise UsageError(f"two-choices needs choices >= 1, got {self.choices}")

    def start(self) -> Paces:
        return Paces(self, {})


class Paces:
    """The state of `TwoChoices`: how long a task takes each worker."""

    __slots__ = ("_router", "_times")

    def __init__(self, router: TwoChoices, times: dict[PeerId, tuple[int, int]]) -> None:
        self._router, self._times = router, times

    def learn(self, said: Message[TaskOutcome]) -> None:
        """Take in one outcome; one that says no time teaches nothing."""
        worker, took = PeerId(said.body.worker), said.body.cost.milliseconds
        if took:
            weight, total = self._times.get(worker, (0, 0))
            self._times[worker] = weight * _KEEP_PPM // UNIT + UNIT, total * _KEEP_PPM // UNIT + UNIT * took

    def copy(self) -> Paces:
        return Paces(self._router, dict(self._times))

    def order(self, task: Task, cards: Sequence[Card]) -> tuple[Scored, ...]:
        """Rank by two choices."""
        times = self.times_ms(cards)
        drawn = self._drawn(task, cards, times)
        scores = [-end for end in ends_ms(cards, times)]
        for at in drawn:
            scores[at] += _FIRST
        return in_order(task, cards, scores)

    def times_ms(self, cards: Sequence[Card]) -> list[int]:
        """Return how long a task takes each peer, from its claim and from outcomes; at least 1."""
        known, claim = self._times, _CLAIM * UNIT
        return [
            card.task_ms if seen is None else max(1, (claim * card.task_ms + seen[1]) // (claim + seen[0]))
            for card in cards
            for seen in (known.get(card.peer),)
        ]

    def _drawn(self, task: Task, cards: Sequence[Card], times: Sequence[int]) -> list[int]:
        """Draw peers that are available, each by its pace, all different; return their places among the cards."""
        up = [at for at, card in enumerate(cards) if card.available]
        up.sort(key=[card.peer for card in cards].__getitem__)
        paces = [UNIT * 1_000 * cards[at].capacity // times[at] for at in up]
        drawn: list[int] = []
        digest = blake3(b"waggle/choices/1\0" + task.id)
        for number in range(min(self._router.choices, len(up))):
            sums = list(accumulate(paces))
            if not sums[-1]:
                break
            at = bisect_right(sums, int.from_bytes(digest.digest(8, seek=8 * number)) % sums[-1])
            drawn.append(up[at])
            paces[at] = 0
        return drawn


def ends_ms(cards: Sequence[Card], times: Sequence[int]) -> list[int]:
    """Return when peers would have finished one more task, if their load were what was last heard, in milliseconds."""
    return [
        card.latency_ms + time * (card.load + card.capacity) // card.capacity
        for card, time in zip(cards, times, strict=True)
    ]
