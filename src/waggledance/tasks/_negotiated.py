"""A planner whose plans are talked over with all others before anybody works on them.

It happens while the task is claimed, so the designer is whoever claimed it: when that peer dies, the claim goes to the
next one within a lease, and with it the draft. Who says nothing is waited for once, not in every round.

Source: Liu et al. 2025, CaPo, arXiv:2411.04679, phase 1: one designer, the others evaluate, three rounds.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import isfinite
from typing import Any, ClassVar, Protocol, runtime_checkable

from waggledance.core import NO_COST, Message, PeerId, RunFailed, UsageError, after, everyone
from waggledance.tasks._edit import MAX_OPS, Op
from waggledance.tasks._negotiation import (
    MAX_ROUNDS,
    Objection,
    PlanAgreed,
    PlanDraft,
    PlanOpinion,
    draft_agreed,
    mark_of,
    objections_to,
)
from waggledance.tasks._planner import Atomic, Parts, Planner, nest
from waggledance.tasks._work import Result, Work


@runtime_checkable
class Objecting(Protocol):
    """A planner that looks at others' drafts."""

    async def object_to(self, work: Work, draft: Message[PlanDraft], /) -> Sequence[Objection]:
        """Return what there is against a draft for `work.task`, which another peer holds; nothing if it is fine.

        Whatever it raises counts as nothing against it.
        """
        ...


@dataclass(frozen=True)
class Negotiated:
    """A planner whose parts stand when nobody objects, or after so many rounds: then the last draft does.

    Args:
        planner: breaks tasks up; what was said against its last draft stands in `work.past`. If it is `Objecting`, it
            looks at others' drafts; otherwise this peer has nothing against any.
        rounds: how many drafts there are at most, 1 to 16 (3 in the source).
        patience_s: how long opinions are waited for in each round, > 0 s.

    Raises:
        UsageError: a number outside its range.
    """

    planner: Planner
    rounds: int = 3
    patience_s: float = 20.0

    name: ClassVar[str] = "negotiated"

    def __post_init__(self) -> None:
        if not 1 <= self.rounds <= MAX_ROUNDS or not (isfinite(self.patience_s) and self.patience_s > 0):
            raise UsageError(
                f"a plan is drafted 1 to {MAX_ROUNDS} times, and opinions are waited for above 0 s; got {self.rounds} "
                f"and {self.patience_s}"
            )

    async def expand(self, work: Work) -> Atomic | Parts:
        """Draft, hear the others, and draft again.

        A draft that was agreed on before its designer died is taken as it is.

        Raises:
            RunFailed: the planner's own reason, or a draft too long for a message.
        """
        taken = _agreed_already(work)
        if taken is not None:
            return taken
        waited_for = frozenset(work.seat.roster) - {work.seat.me}
        faults, cost = _left_by_others(work), NO_COST
        for round in range(self.rounds):
            made = await self.planner.expand(replace(work, faults=(*work.faults, *faults)))
            cost += made.cost
            if isinstance(made, Atomic):
                return Atomic(cost)
            draft = await _publish(work, made.ops, round)
            opinions = await self._hear(work, draft, waited_for)
            against = objections_to(draft, opinions)
            last = round + 1 == self.rounds
            if not against or last:
                heard = tuple([opinion.id for opinion in opinions][:1_000])
                await work.seat.publish(PlanAgreed(draft=draft.id, heard=heard, last=bool(against)))
                return Parts(made.ops, cost)
            waited_for = frozenset([opinion.author for opinion in opinions])
            faults = tuple([_shown(draft, objection) for _, objection in against])
        raise AssertionError("the last round returns")

    async def aggregate(self, work: Work) -> Result:
        """Put a task together, as the planner does."""
        return await self.planner.aggregate(work)

    async def object_to(self, work: Work, draft: Message[PlanDraft]) -> Sequence[Objection]:
        """Look at another's draft, if the planner, or one that it is wrapped around, does that."""
        looks = next((p for p in nest(self.planner) if isinstance(p, Objecting)), None)
        return () if looks is None else await looks.object_to(work, draft)

    async def _hear(
        self, work: Work, draft: Message[PlanDraft], of: frozenset[PeerId]
    ) -> tuple[Message[PlanOpinion], ...]:
        """Wait for opinions on a draft until all who answer have answered; return those in time."""
        if not of:
            return ()
        until = everyone | after(self.patience_s)
        said = await work.seat.collect(PlanOpinion, mark_of(draft), until=until, of=of)
        return tuple([opinion for opinion in said if opinion.body.draft == draft.id])


async def _publish(work: Work, ops: Sequence[Op], round: int) -> Message[PlanDraft]:
    if not 1 <= len(ops) <= MAX_OPS:
        raise RunFailed(f"the draft has {len(ops)} edits; 1 to {MAX_OPS} fit a message")
    draft = PlanDraft(task=work.task.id, round=round, ops=tuple(ops), tried=_tried(work))
    return await work.seat.publish(draft)


def _tried(work: Work) -> int:
    return len(work.plan.entries[work.task.id].reasons)


def _drafts(work: Work) -> list[Message[PlanDraft]]:
    """Return the drafts for this task by peers that once held it, as often tried as now; the newest last."""
    entry = work.plan.entries[work.task.id]
    said = [draft for round in range(MAX_ROUNDS) for draft in work.seat.said(PlanDraft, round)]
    ours = [d for d in said if d.body.task == work.task.id and d.body.tried == _tried(work)]
    return sorted([d for d in ours if d.author in entry.claimants], key=lambda d: (d.lamport, d.id))


def _agreed_already(work: Work) -> Parts | None:
    """Return what was agreed on by a designer that died before it could say so in the plan."""
    drafts = _drafts(work)
    if not drafts:
        return None
    known: list[Message[Any]] = [*drafts, *work.seat.said(PlanAgreed)]
    for draft in drafts:
        known += work.seat.said(PlanOpinion, mark_of(draft))
    found = draft_agreed(known).get((work.task.id, _tried(work)))
    return None if found is None else Parts(found.body.ops)


def _left_by_others(work: Work) -> tuple[str, ...]:
    """Return what was said against the newest draft of a designer that died."""
    drafts = _drafts(work)
    if not drafts:
        return ()
    draft = drafts[-1]
    against = objections_to(draft, work.seat.said(PlanOpinion, mark_of(draft)))
    return tuple([_shown(draft, objection) for _, objection in against])


def _shown(draft: Message[PlanDraft], objection: Objection) -> str:
    op = draft.body.ops[objection.edit]
    goal = getattr(getattr(op, "task", None), "goal", "")
    about = f"{type(op).__name__.lower()} {goal}".strip()
    return f"edit {objection.edit} ({' '.join(about.split())[:80]}): {objection.why}"
