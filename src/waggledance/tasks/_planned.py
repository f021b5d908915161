"""A plan as a protocol: every peer works on it, and the decision is the plan's result, the same for all who hold it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from blake3 import blake3

from waggledance.core import UNIT, BudgetSpent, Decision, Message, Proposal, Seat, show
from waggledance.tasks._arranging import DATA_FLOW, check_topology
from waggledance.tasks._check import Check
from waggledance.tasks._claims import Claiming
from waggledance.tasks._edit import Add, Op
from waggledance.tasks._plan import Plan
from waggledance.tasks._plan_result import PlanResult
from waggledance.tasks._planner import Planner
from waggledance.tasks._planners import planner_by_name
from waggledance.tasks._router import Router
from waggledance.tasks._run_plan import run_plan
from waggledance.tasks._task import Task, TaskId
from waggledance.tasks._work import Executor, by_peer

KEY_CHARS = 400
"""A longer result is named by its hash."""
SHOWN_CHARS = 8_000
"""Of the result, in what a peer says of it at the end; the whole stands in the plan."""


@dataclass(frozen=True)
class Planned:
    """Do what is asked as a plan: peers break it up, claim parts, check and put together.

    Args as of `run_plan`; without `ops` the plan is one task, the question.
    """

    ops: tuple[Op, ...] = ()
    given: bool = False
    """Whether the plan begins with what the asker publishes, and with nothing else."""
    planner: Planner | str = ""
    """Breaks tasks up, itself or by its name (`planner_by_name`); every task is done as it is when empty."""
    router: Router | None = None
    execute: Executor = by_peer
    check: Check | None = None
    claiming: Claiming = Claiming()
    good_at: Mapping[str, Mapping[str, int]] | None = None
    """What peers say they are good at, by name: kinds of tasks, in parts per million."""
    arrange: str = DATA_FLOW
    """Who waits for whom and reads whose results: as they are linked, by a rule from the plan's shape, or as told; see
    `run_plan`."""
    seal_quorum: int | None = None
    """How many members must back a seal of the plan's past; a majority when None."""
    patience_s: float = 300.0

    name: ClassVar[str] = "plan"
    skills: ClassVar[frozenset[str]] = frozenset({"propose"})

    def __post_init__(self) -> None:
        self._planner()  # a name that is none is refused before anything is spent
        check_topology(self.arrange)

    async def __call__(self, seat: Seat) -> Decision:
        question = seat.question
        kind = question.expects if question.expects in ("number", "yes/no", "short", "code") else "think"
        ops = self.ops or (() if self.given else (Add(Task(goal=question.text, kind=kind)),))
        plan = await run_plan(
            seat,
            ops,
            execute=self.execute,
            planner=self._planner(),
            router=self.router,
            check=self.check,
            claiming=self.claiming,
            good_at=(self.good_at or {}).get(seat.name, {}),
            arrange=self.arrange,
            seal_quorum=self.seal_quorum,
            patience_s=self.patience_s,
        )
        decision = decision_of(plan)
        try:
            said = Proposal.of(decision.key, decision.text[:SHOWN_CHARS], lapse="; ".join(decision.notes)[:SHOWN_CHARS])
            await seat.publish(said)
        except BudgetSpent:
            pass  # the plan's own messages say the same
        return decision

    def _planner(self) -> Planner | None:
        if isinstance(self.planner, str):
            return planner_by_name(self.planner) if self.planner else None
        return self.planner

    def folded(self, messages: Sequence[Message[Any]]) -> Decision:
        """Return what the plan in a question's messages comes to."""
        return decision_of(PlanResult.of(messages).plan)


def decision_of(plan: Plan, goals: Collection[TaskId] | None = None) -> Decision:
    """Return a plan's result as a decision: decided when it is complete. A pure function of the plan.

    Args:
        plan: as far as it got.
        goals: the tasks that it is for, instead of those that no other waits for; decided when one of them is done.
    """
    result = PlanResult(plan=plan, wanted=None if goals is None else tuple(sorted(goals)))
    results = result.results
    used = sorted({id for task in results for id in (plan.entries[task].done, *plan.entries[task].result) if id})
    notes = [*result.left, *(f"topology: {said}" for said in plan.topologies)]
    text = result.text
    key = text.strip() if len(text) <= KEY_CHARS else show(blake3(text.encode()).digest())
    decided = bool(results) and (plan.complete or goals is not None)
    return Decision(
        status="decided" if decided else "undecided",
        key=key if results else None,
        text=text,
        support={key: UNIT} if results else {},
        confidence=1.0 if decided else 0.0,
        rule="plan",
        used=tuple(used),
        notes=tuple(notes),
    )
