"""What the others learn of a try: somebody who did not make it says how it went, drawn by lot.

Source: the project's card on Symphony-Coord, arXiv:2602.00966: outcomes are signed by another peer than the worker.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection
from functools import partial

from waggledance.core import UNIT, PeerId, Seat
from waggledance.tasks._claims import Claims
from waggledance.tasks._entry import Entry
from waggledance.tasks._outcome import TaskOutcome
from waggledance.tasks._plan import Plan
from waggledance.tasks._router import Scored, lot
from waggledance.tasks._task import Task, TaskId


class Reporting:
    """One peer's part in it.

    Args:
        seat: where.
        claims: say how long a try lasted.
        rank: how this peer ranks for a task: what the router saw of a worker goes with the outcome.
    """

    def __init__(self, seat: Seat, claims: Claims, rank: Callable[[Task], Collection[Scored]]) -> None:
        self._seat, self._claims, self._rank = seat, claims, rank
        self._told: Counter[TaskId] = Counter()
        """Of how many tries at a task it has considered the outcome."""

    async def turn(self, plan: Plan, ended: Collection[TaskId]) -> None:
        """Say how tries went that ended, if it is this peer's turn to say so: never the turn of who tried.

        Raises:
            BudgetSpent: not another message may be written.
        """
        for entry in (plan.entries[id] for id in sorted(ended) if id in plan.entries):
            done_by = entry.holder if entry.status == "done" else None
            tries = [*entry.failed_by, *filter(None, [done_by])]
            told, self._told[entry.task.id] = self._told[entry.task.id], len(tries)
            for n, worker in enumerate(tries[told:], told):
                others = [peer for peer in self._seat.roster if peer != worker]
                if min(others, key=partial(lot, entry.task), default=None) == self._seat.me:
                    await self._seat.publish(self._outcome(entry, worker, done=n == len(entry.failed_by)))

    def _outcome(self, entry: Entry, worker: PeerId, *, done: bool) -> TaskOutcome:
        return TaskOutcome(
            task=entry.task.id,
            task_kind=entry.task.kind,
            worker=worker,
            reward_ppm=UNIT if done else 0,
            x=next((s.x for s in self._rank(entry.task) if s.peer == worker), ()),
            cost=entry.cost,
            milliseconds=round(1_000 * self._claims.lasted(entry.task.id)),
        )
