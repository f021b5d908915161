"""When a peer puts the task of re-planning into the plan: once the window is over, and it is this peer's turn.

Peers stand in an order by lot, another one each time; each waits for those before it as long as a message takes. Two
that put in the same task put in one.
"""

from __future__ import annotations

from math import inf

from blake3 import blake3

from waggledance.core import PeerId, Seat
from waggledance.tasks._plan import Plan
from waggledance.tasks._planner import Planner, nest
from waggledance.tasks._replanning import Replanning, causes_of
from waggledance.tasks._task import REPLAN, Task, TaskId


class Reopening:
    """One peer's watch over what calls for planning again.

    Args:
        seat: where.
        planner: says what calls for it, if something in it is `Replanning`.
        stagger_s: how long to wait for each peer that stands before this one, ≥ 0 s.
    """

    def __init__(self, seat: Seat, planner: Planner | None, stagger_s: float) -> None:
        self._seat, self._stagger_s = seat, stagger_s
        self._planner = next((p for p in nest(planner) if isinstance(p, Replanning)), None)
        self._called_for: Task | None = None
        self._since = inf
        self._place = 0
        self.held_back: frozenset[TaskId] = frozenset()
        """Tasks to leave alone for now: what they come after has failed, and may yet be replaced."""

    def look(self, plan: Plan, now: float) -> None:
        """Look at a plan that has changed."""
        if self._planner is None:
            return
        task = self._planner.triggered(plan, len(self._seat.roster))
        if task is None:
            self._since = inf
        elif self._called_for is None:
            self._since = now
            self._place = sorted(self._seat.roster, key=lambda peer: _lot(peer, task)).index(self._seat.me)
        self._called_for = task
        rounds = [entry.task for entry in plan.entries.values() if entry.task.kind == REPLAN and not entry.over]
        causes = [cause for round in (*rounds, task) if round is not None for cause in causes_of(round)]
        failed = [entry for c in causes if (entry := plan.entries.get(c.task)) and entry.status == "failed"]
        self.held_back = frozenset([id for entry in failed for id in entry.after])

    @property
    def pending(self) -> bool:
        """Whether the plan is to be revised, and nobody has put that in yet."""
        return self._called_for is not None

    @property
    def due_at(self) -> float:
        """When it is this peer's turn; infinite when nothing is called for."""
        if self._planner is None or self._called_for is None:
            return inf
        return self._since + self._planner.window_s + self._place * self._stagger_s

    def due(self, now: float) -> Task | None:
        """Return the task to put in now."""
        return self._called_for if now >= self.due_at else None


def _lot(peer: PeerId, task: Task) -> bytes:
    return blake3(task.id + peer).digest()
