"""A plan being talked over before it stands: drafts, what others have against them, and which draft was agreed on.

Whoever holds a task's claim designs; everybody else evaluates. A draft is agreed on when nobody of those heard has
anything against it, or when its rounds are used up. The designer says so with the opinions that it heard, so whoever
holds these messages finds the same draft, and an opinion that comes late changes nothing.

Source: Liu et al. 2025, "CaPo: Cooperative Plan Optimization for Efficient Embodied Multi-Agent Cooperation",
arXiv:2411.04679 (phase 1). That the designer is whoever holds the claim, and that agreement is a message that can be
checked, are ours.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Annotated, Any, ClassVar, cast

import msgspec

from waggledance.core import NO_COST, Body, Cost, Message, MessageId, PeerId, UsageError
from waggledance.tasks._edit import MAX_OPS, Op
from waggledance.tasks._task import TaskId

MAX_ROUNDS = 16
MAX_OBJECTIONS = 32
MAX_WHY_CHARS = 500

_Id = Annotated[bytes, msgspec.Meta(min_length=32, max_length=32)]
_Count = Annotated[int, msgspec.Meta(ge=0, le=1_000)]


class PlanDraft(Body, frozen=True, gc=False):
    """How its author would break up a task that it holds. `round` says how many drafts of this try came before."""

    kind: ClassVar[str] = "plan-draft/1"
    task: TaskId
    ops: tuple[Op, ...]
    tried: _Count = 0
    """How often the task had been tried in vain: a plan that failed is not agreed on again."""

    def __post_init__(self) -> None:
        if not 1 <= len(self.ops) <= MAX_OPS:
            raise UsageError(f"a draft has 1 to {MAX_OPS} edits, got {len(self.ops)}")
        if not 0 <= self.round < MAX_ROUNDS:
            raise UsageError(f"a plan is drafted at most {MAX_ROUNDS} times, got round {self.round}")


class Objection(msgspec.Struct, frozen=True, gc=False):
    """What somebody has against a draft. It names an edit, so that it can be met."""

    edit: Annotated[int, msgspec.Meta(ge=0, lt=MAX_OPS)]
    """Which edit of the draft, from 0; one that the draft does not have is passed over."""
    why: Annotated[str, msgspec.Meta(min_length=1, max_length=MAX_WHY_CHARS)]


class PlanOpinion(Body, frozen=True, gc=False):
    """What its author has against a draft; nothing, when there are no objections. `round` is the draft's own mark."""

    kind: ClassVar[str] = "plan-opinion/1"
    draft: MessageId
    objections: Annotated[tuple[Objection, ...], msgspec.Meta(max_length=MAX_OBJECTIONS)] = ()
    cost: Cost = NO_COST


class PlanAgreed(Body, frozen=True, gc=False):
    """The designer's last word: this draft stands, and these are the opinions on it that were heard in time."""

    kind: ClassVar[str] = "plan-agreed/1"
    draft: MessageId
    heard: Annotated[tuple[_Id, ...], msgspec.Meta(max_length=1_000)] = ()
    last: bool = False
    """Whether the rounds are used up, so that the draft stands whatever there is against it."""


def mark_of(draft: Message[PlanDraft]) -> int:
    """Return the round that only opinions on this draft are in."""
    return int.from_bytes(draft.id[:4]) & 0x7FFF_FFFF


def objections_to(
    draft: Message[PlanDraft], opinions: Iterable[Message[PlanOpinion]]
) -> tuple[tuple[Message[PlanOpinion], Objection], ...]:
    """Return what others have against a draft, by the opinions' ids: one opinion each, their first.

    What its author says, what is about another draft, and what names no edit of it, is passed over.
    """
    first: dict[PeerId, Message[PlanOpinion]] = {}
    for opinion in opinions:
        if opinion.body.draft == draft.id and opinion.author != draft.author:
            before = first.get(opinion.author)
            if before is None or opinion.sequence < before.sequence:
                first[opinion.author] = opinion
    said = sorted(first.values(), key=lambda opinion: opinion.id)
    return tuple([(o, objection) for o in said for objection in o.body.objections
                  if objection.edit < len(draft.body.ops)])  # fmt: skip


def draft_agreed(messages: Iterable[Message[Any]]) -> dict[tuple[TaskId, int], Message[PlanDraft]]:
    """Return the drafts that were agreed on: for each task, and how often it had been tried, the first one.

    A pure function of the set of messages. Agreement counts when the draft's author says it, when the opinions it
    names are here, and when nobody objects in them or the rounds are used up.

    Returns:
        Drafts by task and by `PlanDraft.tried`; of several the one agreed on at the smallest logical clock, ties by id.
    """
    known = {message.id: message for message in messages}
    said = [m for m in known.values() if isinstance(m.body, PlanAgreed)]
    found: dict[tuple[TaskId, int], Message[PlanDraft]] = {}
    for word in sorted(said, key=lambda m: (m.lamport, m.id)):
        draft = known.get(word.body.draft)
        if draft is None or not isinstance(draft.body, PlanDraft) or draft.author != word.author:
            continue
        heard = _opinions(known, word.body.heard)
        if heard is not None and (word.body.last or not objections_to(draft, heard)):
            found.setdefault((draft.body.task, draft.body.tried), draft)
    return found


def _opinions(known: dict[MessageId, Message[Any]], ids: Sequence[bytes]) -> list[Message[PlanOpinion]] | None:
    """Return the opinions with these ids; None when one is not here, or is no opinion."""
    found = [known.get(MessageId(id)) for id in ids]
    if any(m is None or not isinstance(m.body, PlanOpinion) for m in found):
        return None
    return [cast("Message[PlanOpinion]", m) for m in found]
