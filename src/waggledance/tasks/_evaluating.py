"""What a peer does about others' drafts while it works on a plan: it says once what it has against each.

Source: Liu et al. 2025, CaPo, arXiv:2411.04679: the evaluators.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from typing import Any, cast

from waggledance.core import BudgetSpent, Message, MessageId, Meter, Seat
from waggledance.tasks._negotiated import Objecting
from waggledance.tasks._negotiation import MAX_OBJECTIONS, Objection, PlanDraft, PlanOpinion, mark_of
from waggledance.tasks._plan import Plan
from waggledance.tasks._planner import Planner, nest
from waggledance.tasks._work import Work


class Evaluating:
    """Answers drafts at one seat, beside the tasks that its peer is at.

    A peer whose planner looks at no drafts says at once that it has nothing against them, so that nobody waits for it.

    Args:
        seat: where.
        planner: looks at drafts, if something in it is `Objecting`.
        plan: returns the plan as it stands; a draft for a task that its author does not hold is left alone.
    """

    def __init__(self, seat: Seat, planner: Planner | None, plan: Callable[[], Plan]) -> None:
        self._seat, self._plan = seat, plan
        self._looks = next((p for p in nest(planner) if isinstance(p, Objecting)), None)
        self._answered: set[MessageId] = set()
        self._waiting: dict[MessageId, Message[PlanDraft]] = {}
        self._at: set[asyncio.Task[None]] = set()

    def take(self, fresh: Iterable[Message[Any]]) -> None:
        """Begin to look at the drafts among these messages, and at those that came before their claim."""
        for message in fresh:
            if isinstance(message.body, PlanOpinion) and message.author == self._seat.me:
                self._answered.add(message.body.draft)
            if isinstance(message.body, PlanDraft) and message.author != self._seat.me:
                self._waiting[message.id] = cast("Message[PlanDraft]", message)
        entries = self._plan().entries
        for draft in list(self._waiting.values()):
            entry = entries.get(draft.body.task)
            if draft.id in self._answered or (entry is not None and (entry.over or entry.expanded)):
                del self._waiting[draft.id]
            elif entry is not None and entry.holder == draft.author:
                del self._waiting[draft.id]
                self._answered.add(draft.id)
                task = asyncio.create_task(self._answer(draft))
                self._at.add(task)
                task.add_done_callback(self._at.discard)

    async def stop(self) -> None:
        """Stop looking, and wait until that is so."""
        tasks = list(self._at)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _answer(self, draft: Message[PlanDraft]) -> None:
        task, plan, seat = self._plan().entries[draft.body.task].task, self._plan(), self._seat
        notes = tuple([note for id in plan.inputs(task.id) for note in plan.result_notes(id)])
        work = Work(task, seat, plan, plan.inputs(task.id), notes, Meter(task.budget.limits(), seat.clock))
        objections: Sequence[Objection] = ()
        if self._looks is not None:
            try:
                objections = await self._looks.object_to(work, draft)
            except Exception:  # noqa: BLE001 — an evaluator's own error, model or code, holds nobody up
                objections = ()
        said = tuple(objections)[:MAX_OBJECTIONS]
        with suppress(BudgetSpent):  # the designer stops waiting when its patience ends
            await seat.publish(PlanOpinion(draft=draft.id, round=mark_of(draft), objections=said, cost=work.meter.cost))
