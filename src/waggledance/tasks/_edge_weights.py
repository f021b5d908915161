"""Edges that weaken with failure, and capabilities that grow with success: specialists come about, nobody names them.

    w' = α w + (1 - α) S        of the edge from who asks to who works; S is the reward
    c' = β c + (1 - β) S        of a worker's capability at a kind; it begins as the card's claim

An edge of weight θ or less is on *probation*: its peer comes after all others, but one task in twenty goes to one such
peer first, the fewer the lower its weight has sunk, and success brings it back. The paper cuts for ever, and its code
multiplies weights by a factor of time that cuts off any peer slower than 10 s, however good; neither is here. A dead
peer is on probation after ln θ / ln α failures, 12. Who is down is for failure detection to say.

Source: Yang et al. 2025, "AgentNet", arXiv:2504.00587 (eqs. of w and c); probation is the project's own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import ClassVar

from waggledance.core import UNIT, Message, PeerId, UsageError
from waggledance.tasks._card import Card
from waggledance.tasks._outcome import TaskOutcome
from waggledance.tasks._router import Router, Scored, draw, in_order, lot
from waggledance.tasks._task import Task

_DOWN = 4 * UNIT
"""What a peer on probation stands behind: more than any capability."""
_UNUSED = (UNIT, 0)
_NO_RUNS: Mapping[PeerId, tuple[int, int]] = MappingProxyType({})


@dataclass(frozen=True)
class EdgeWeights(Router):
    """Rank by learnt capability, those on probation last.

    Raises:
        UsageError: a number outside 0 to 1,000,000, or an α or β of 1,000,000, which would learn nothing.
    """

    of: PeerId | None = None
    """Whose edges: only what this peer asked for weakens them. Everybody's together when None."""
    alpha_ppm: int = 900_000
    """What an edge keeps (α)."""
    beta_ppm: int = 900_000
    """What a capability keeps (β)."""
    cut_ppm: int = 300_000
    """At this weight or less an edge is on probation (θ)."""
    probe_ppm: int = 50_000
    """The share of tasks that go to a peer on probation first, while its weight is θ; below that in proportion."""

    name: ClassVar[str] = "edge-weights"

    def __post_init__(self) -> None:
        if not all(0 <= n < UNIT for n in (self.alpha_ppm, self.beta_ppm)) or not all(
            0 <= n <= UNIT for n in (self.cut_ppm, self.probe_ppm)
        ):
            raise UsageError(
                f"edge-weights needs shares of 0 to {UNIT:,} parts per million, alpha and beta below that, got "
                f"{self.alpha_ppm}, {self.beta_ppm}, {self.cut_ppm}, {self.probe_ppm}"
            )

    def start(self) -> Edges:
        return Edges(self, {}, {})


class Edges:
    """The state of `EdgeWeights`."""

    __slots__ = ("_router", "_runs", "weights")

    def __init__(
        self, router: EdgeWeights, weights: dict[PeerId, int], runs: dict[str, dict[PeerId, tuple[int, int]]]
    ) -> None:
        self._router = router
        self.weights = weights
        """Weight of the edge to each worker that was used, in parts per million; of all others 1,000,000."""
        self._runs = runs
        """By kind and worker: what is left of the claim, and what rewards add to that, in parts per million."""

    def learn(self, said: Message[TaskOutcome]) -> None:
        """Take in one outcome."""
        body, router = said.body, self._router
        worker, reward = PeerId(body.worker), body.reward_ppm
        if router.of is None or said.author == router.of:
            self.weights[worker] = _run(self.weights.get(worker, UNIT), reward, router.alpha_ppm)
        runs, beta = self._runs.setdefault(body.task_kind, {}), router.beta_ppm
        left, earned = runs.get(worker, _UNUSED)
        runs[worker] = left * beta // UNIT, _run(earned, reward, beta)

    def copy(self) -> Edges:
        return Edges(self._router, dict(self.weights), {kind: dict(runs) for kind, runs in self._runs.items()})

    def order(self, task: Task, cards: Sequence[Card]) -> tuple[Scored, ...]:
        """Rank by capability; peers on probation after all others, but for the task that is a probe."""
        kind, runs, cut = task.kind, self._runs.get(task.kind, _NO_RUNS), self._router.cut_ppm
        scores = [
            card.claim_ppm(kind) * left // UNIT + earned
            for card in cards
            for left, earned in (runs.get(card.peer, _UNUSED),)
        ]
        down = {worker for worker, weight in self.weights.items() if weight <= cut}
        if not down:
            return in_order(task, cards, scores)
        scores = [score - _DOWN * (card.peer in down) for card, score in zip(cards, scores, strict=True)]
        waiting = [card for card in cards if card.peer in down and card.available]
        if waiting and self._probes(task, probed := min(waiting, key=lambda card: lot(task, card.peer)).peer):
            scores = [score + 2 * _DOWN * (card.peer == probed) for card, score in zip(cards, scores, strict=True)]
        return in_order(task, cards, scores)

    def _probes(self, task: Task, peer: PeerId) -> bool:
        """Say whether this task goes to a peer on probation: ever more rarely while it keeps failing."""
        router = self._router
        return draw(task, b"probe") % UNIT * max(1, router.cut_ppm) < router.probe_ppm * self.weights[peer]


def _run(mean: int, value: int, keep_ppm: int) -> int:
    """Return a running mean after one more value."""
    return (mean * keep_ppm + value * (UNIT - keep_ppm)) // UNIT
