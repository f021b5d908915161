"""A planner whose plans are linted: what is found is said, and the planner may mend it once.

With a memory it learns from what came of plans: what went well is kept as exemplars, a plan for something alike is
shown to the planner, and a part that nobody is known to do well is to be said like one that somebody did.

Source: Li et al. 2024, "Agent-Oriented Planning" (AOP), arXiv:2410.02189: one revision after the detector; without that
cap plans never settle. Representative works are its feedback loop.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass, field, replace
from typing import ClassVar

from waggledance.core import Note, RunFailed, UsageError, well_formed
from waggledance.memory import Memory, Record, Where, work_of, worker_of
from waggledance.tasks._edit import Add
from waggledance.tasks._here import Here, cards_of
from waggledance.tasks._outcome import TaskOutcome
from waggledance.tasks._past_works import alike, good_works, works_of
from waggledance.tasks._plan_lint import Flaw, PlanLint
from waggledance.tasks._planner import Atomic, Parts, Planner
from waggledance.tasks._unsent import unsent
from waggledance.tasks._work import Result, Work

logger = logging.getLogger(__name__)

_NOTE_CHARS = 4_000
_LOOKED_UP = 5
"""Works for a goal or a part."""
_TOLD_AFTER_S, _TIMES = 0.2, 5
"""How long, and how often, outcomes of the last parts are waited for, once all parts are put together."""


@dataclass(frozen=True)
class Linted:
    """A planner that is shown what `lint` finds, once a try; the plan with fewer flaws is taken, the newer of equals.

    What was found is published as a note about ``"plan-flaws"``.
    """

    planner: Planner
    lint: PlanLint = field(default_factory=PlanLint)
    memory: Memory | None = None
    """Keeps what went well, privately, and is asked for it; nothing is kept when None."""

    name: ClassVar[str] = "linted"

    async def expand(self, work: Work) -> Atomic | Parts:
        """Break a task up; see the planner's own."""
        work = self._shown(work)
        first = await self.planner.expand(work)
        flaws = self._flaws(work, first)
        if not flaws:
            return first
        found = tuple(map(str, flaws))
        await work.seat.publish(Note(about="plan-flaws", text=well_formed("\n".join(found))[:_NOTE_CHARS]))
        second = await self.planner.expand(replace(work, faults=found))
        better = second if len(self._flaws(work, second)) <= len(flaws) else first
        return replace(better, cost=first.cost + second.cost)

    async def aggregate(self, work: Work) -> Result:
        """Put a task together, as the planner does, and keep what went well. A memory that fails costs no result."""
        result = await self.planner.aggregate(work)
        if self.memory is not None:
            await _until_told(work)
            try:
                for record in works_of(work.plan, work.task.id, work.seat.said(TaskOutcome)):
                    self.memory.put(record)
            except (RunFailed, UsageError) as why:
                logger.warning("%s keeps no exemplars of %s: %s", work.seat.name, work.task.id, why)
        return result

    def _flaws(self, work: Work, made: Atomic | Parts) -> tuple[Flaw, ...]:
        if isinstance(made, Atomic):
            return ()
        parts = [op.task for op in made.ops if isinstance(op, Add)]
        seat = work.seat
        cards = cards_of(seat.said(Here), seat.table.names, {})
        works = [one for part in parts for one in self._works(part.goal)]
        return self.lint(work.task, parts, cards, seat.said(TaskOutcome), works)

    def _shown(self, work: Work) -> Work:
        """Return the work with the nearest plan that went well among its notes, if there is one alike."""
        plans = [one for one in self._works(work.task.goal) if worker_of(one) is None]
        plan = alike(good_works(plans), work.task.goal, self.lint.embed)
        if plan is None:
            return work
        return replace(work, notes=(*work.notes, unsent("past-plan", f"{plan.key}\n{work_of(plan)}")))

    def _works(self, goal: str) -> list[Record]:
        if self.memory is None or not goal.strip():
            return []
        found = self.memory.search(goal, _LOOKED_UP, Where(sorts=("exemplar",)))
        return [one.kept.record for one in found]


async def _until_told(work: Work) -> None:
    """Wait, a second at most, until somebody has said of each part that is done how it went."""
    done = {
        id for id, entry in work.plan.entries.items() if entry.task.parent == work.task.id and entry.status == "done"
    }
    for _ in range(_TIMES):
        if done <= {said.body.task for said in work.seat.said(TaskOutcome)}:
            return
        await asyncio.sleep(_TOLD_AFTER_S)
