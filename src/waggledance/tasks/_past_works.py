"""Past works: what went well in plans, as exemplars that a memory holds, and which of them a new part is alike to.

A work is good from the mean of what others say of it (`TaskOutcome`), never from its worker's own word. Alike is a
quantile of what unlike sentences score with the embedding at hand.

Source: Li et al. 2024, "Agent-Oriented Planning" (AOP), arXiv:2410.02189: representative works, at most one of any that
are nearer to each other than a threshold; the feedback from outcomes is theirs, the log it is read from ours.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from waggledance.core import UNIT, Message
from waggledance.memory import PRIVATE, Record, alike_from, exemplar, score_of, thinned
from waggledance.tasks._fit import GOOD_PPM
from waggledance.tasks._outcome import counted
from waggledance.tasks._plan import Plan
from waggledance.tasks._task import TaskId

if TYPE_CHECKING:
    from waggledance.topology import Embed

_SHOWN_CHARS = 400


def works_of(plan: Plan, task: TaskId, outcomes: Iterable[Message[Any]]) -> tuple[Record, ...]:
    """Return what went well in breaking a task up: each part that others found good, and the breaking up itself.

    A part is an exemplar of its goal, with its result and its worker; the whole is one of the task's goal, with its
    parts a line and nobody's name, if its parts were good on average. All are private: `memory.shared` says otherwise.

    Args:
        plan: as far as it got.
        task: what was broken up.
        outcomes: what was said of tries; what is no outcome that counts is passed over.
    """
    rewards: dict[bytes, list[int]] = {}
    for said in counted(outcomes):
        rewards.setdefault(said.body.task, []).append(said.body.reward_ppm)
    parts = [entry for _, entry in sorted(plan.entries.items()) if entry.task.parent == task]
    scores = {entry.task.id: _mean(rewards.get(entry.task.id, [])) for entry in parts}
    good = [entry for entry in parts if entry.status == "done" and scores[entry.task.id] >= GOOD_PPM]
    works = [
        exemplar(entry.task.goal, (plan.result(entry.task.id) or "")[:_SHOWN_CHARS],
                 score_ppm=scores[entry.task.id], worker=entry.holder, scope=PRIVATE)
        for entry in good
    ]  # fmt: skip
    score = _mean(list(scores.values()))
    if score >= GOOD_PPM:
        lines = "\n".join(f"- {entry.task.kind}: {entry.task.goal[:_SHOWN_CHARS]}" for entry in parts)
        works.append(exemplar(plan.entries[task].task.goal, lines, score_ppm=score, scope=PRIVATE))
    return tuple(works)


def good_works(records: Iterable[Record]) -> tuple[Record, ...]:
    """Return the exemplars that went well, in the order of ids."""
    good = {record.id: record for record in records if score_of(record) >= GOOD_PPM}
    return tuple(good[id] for id in sorted(good))


def alike(works: Sequence[Record], goal: str, embed: Embed | None = None) -> Record | None:
    """Return the work nearest to a goal, if one is alike to it; of equals the better, then by hash.

    Args:
        works: exemplars.
        goal: in words.
        embed: how texts become vectors; `by_meaning()` when None.
    """
    from waggledance.topology import SIMILARITY_STEPS, by_meaning, similarities_to

    embed = embed or by_meaning()
    best = thinned(works, embed, limit=len(works)) if works else ()  # the best first, no two alike
    near = similarities_to(goal, [work.key for work in best], embed)
    least = alike_from(embed) * SIMILARITY_STEPS // UNIT
    place = max(range(len(best)), key=lambda place: (near[place], -place), default=None)
    return None if place is None or near[place] < least else best[place]


def _mean(rewards: Sequence[int]) -> int:
    return sum(rewards) // len(rewards) if rewards else 0
