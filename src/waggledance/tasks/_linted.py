"""A planner whose plans are linted: what is found is said, and the planner may mend it once.

Source: Li et al. 2024, "Agent-Oriented Planning" (AOP), arXiv:2410.02189: one revision after the detector; without that
cap plans never settle.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import ClassVar

from waggledance.core import Note, well_formed
from waggledance.tasks._edit import Add
from waggledance.tasks._here import Here, cards_of
from waggledance.tasks._outcome import TaskOutcome
from waggledance.tasks._plan_lint import Flaw, PlanLint
from waggledance.tasks._planner import Atomic, Parts, Planner
from waggledance.tasks._work import Result, Work

_NOTE_CHARS = 4_000


@dataclass(frozen=True)
class Linted:
    """A planner that is shown what `lint` finds, once a try; the plan with fewer flaws is taken, the newer of equals.

    What was found is published as a note about ``"plan-flaws"``.
    """

    planner: Planner
    lint: PlanLint = field(default_factory=PlanLint)

    name: ClassVar[str] = "linted"

    async def expand(self, work: Work) -> Atomic | Parts:
        """Break a task up; see the planner's own."""
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
        """Put a task together, as the planner does."""
        return await self.planner.aggregate(work)

    def _flaws(self, work: Work, made: Atomic | Parts) -> tuple[Flaw, ...]:
        if isinstance(made, Atomic):
            return ()
        parts = [op.task for op in made.ops if isinstance(op, Add)]
        seat = work.seat
        cards = cards_of(seat.said(Here), seat.table.names, {})
        return self.lint(work.task, parts, cards, seat.said(TaskOutcome))
