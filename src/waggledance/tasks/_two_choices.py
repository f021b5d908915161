"""Two choices: draw two peers, faster ones more often, and take the less loaded of them.

The load that one sees is always old, and all see the same old number: who takes the least loaded of all sends everybody
to the same peer, and that one is worse than drawing at random once load is eight task times old. Two choices is near
the best of the fixed rules at every age.

Peers are drawn by capacity over the time of a task. That time is the card's claim at first, and then the mean of what
outcomes say, which fades. How well a peer does a task is not looked at: use it among peers that are alike, or name the
skills that a task needs.

Source: Mitzenmacher 2001, "The power of two choices in randomized load balancing"; Mitzenmacher 2000, "How useful is
old information?"; hand-over: the project's card on Śliwko, "Intelligent Load Balancing in Cloud Computer Systems"
(thesis, Westminster), only for positive gain.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from operator import attrgetter
from typing import ClassVar

from blake3 import blake3

from waggledance.core import UNIT, Message, PeerId, UsageError
from waggledance.tasks._card import Card
from waggledance.tasks._outcome import TaskOutcome
from waggledance.tasks._router import Router, Scored, able, in_order, lot
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
        UsageError: fewer than one choice, or a gain below 0.
    """

    choices: int = 2
    """How many peers are drawn (d)."""
    hand_over_gain_ms: int = 1_000
    """A task is handed over only if it would be finished so much sooner, in milliseconds."""

    name: ClassVar[str] = "two-choices"

    def __post_init__(self) -> None:
        if self.choices < 1 or self.hand_over_gain_ms < 0:
            raise UsageError(
                "two-choices needs choices >= 1 and hand_over_gain_ms >= 0, got "
                f"{self.choices}, {self.hand_over_gain_ms}"
            )

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
        ends = [self.ends_ms(card) for card in cards]
        drawn = self._drawn(task, cards)
        scores = [_FIRST - end if card.peer in drawn else -end for card, end in zip(cards, ends, strict=True)]
        return in_order(task, cards, scores)

    def task_ms(self, card: Card) -> int:
        """Return how long a task takes a peer, from its claim and from outcomes; at least 1."""
        known = self._times.get(card.peer)
        if known is None:
            return card.task_ms
        return max(1, (_CLAIM * UNIT * card.task_ms + known[1]) // (_CLAIM * UNIT + known[0]))

    def ends_ms(self, card: Card) -> int:
        """Return when a peer would have finished one more task, if its load were what was last heard."""
        return card.latency_ms + self.task_ms(card) * (card.load + card.capacity) // card.capacity

    def hand_over(self, task: Task, holder: Card, cards: Sequence[Card]) -> PeerId | None:
        """Return whom to hand a waiting task over to, or None to keep it; the receiver must still accept.

        Only peers drawn as for a new task are looked at, and only a gain of `hand_over_gain_ms` counts, so that a task
        does not go back and forth while nothing changes.

        Args:
            task: a task that the holder has claimed and not begun.
            holder: the holder's card, by its own count.
            cards: of other peers, in any order.

        Raises:
            UsageError: two cards of one peer.
        """
        others = [card for card in able(task, cards) if card.available and card.peer != holder.peer]
        drawn = self._drawn(task, others)
        ends = [(self.ends_ms(card), lot(task, card.peer), card.peer) for card in others if card.peer in drawn]
        now = self.ends_ms(holder) - self.task_ms(holder) // holder.capacity
        best = min(ends, default=None)
        return best[2] if best is not None and now - best[0] > self._router.hand_over_gain_ms else None

    def _drawn(self, task: Task, cards: Sequence[Card]) -> set[PeerId]:
        """Draw peers that are available, each by its pace, all different."""
        up = [card for card in cards if card.available]
        up.sort(key=attrgetter("peer"))
        paces = [UNIT * 1_000 * card.capacity // self.task_ms(card) for card in up]
        drawn: set[PeerId] = set()
        digest = blake3(b"waggle/choices/1\0" + task.id)
        for number in range(min(self._router.choices, len(up))):
            sums = list(accumulate(paces))
            if not sums[-1]:
                break
            at = bisect_right(sums, int.from_bytes(digest.digest(8, seek=8 * number)) % sums[-1])
            drawn.add(up[at].peer)
            paces[at] = 0
        return drawn
