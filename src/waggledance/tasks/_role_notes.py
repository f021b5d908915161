"""What whoever plays a role reads: what it watches, each under whose it is, and why earlier tries were not taken."""

from __future__ import annotations

import dataclasses
import re
from typing import TYPE_CHECKING

from msgspec.structs import replace

from waggledance.core import Message, Note
from waggledance.tasks._recipe_parts import watched_by
from waggledance.tasks._role_prompt import YOUR_ENTRY
from waggledance.tasks._work import Work

if TYPE_CHECKING:
    from waggledance.tasks._plan import Plan
    from waggledance.tasks._recipe import Recipe
    from waggledance.tasks._recipe_steps import RecipeStep
    from waggledance.tasks._task import TaskId

PAST_CHARS = 1_000
"""Of why one earlier try was not taken."""
PAST_SHOWN = 3
_TITLE_CHARS = 32
_ONE_WORD = re.compile(r'"([A-Za-z0-9_.]{1,24})"')
"""An entry that names something, such as a file; whatever says more is another's words, and has no place in a title."""
_NOT_IN_TITLES = re.compile(r"[^a-z0-9]+")


def labelled(recipe: Recipe, step: RecipeStep, work: Work) -> Work:
    """Return the same work with its notes in the recipe's order, each titled by what it is and who made it."""
    plan, notes = work.plan, list[Message[Note]]()
    several = watched_by(recipe, plan, step)
    kinds = [before.produces for before in several]
    for before in several:
        if plan.entries[before.task.id].status == "done":
            title = _title(before, alone=kinds.count(before.produces) == 1)
            notes.append(_noted(plan, before.task.id, title, plan.result(before.task.id) or ""))
    if step.entry:
        notes.append(_noted(plan, step.links[-1].before, YOUR_ENTRY, step.entry))
    return dataclasses.replace(work, notes=tuple(notes))


def _noted(plan: Plan, task: TaskId, title: str, text: str) -> Message[Note]:
    """Return a note as whoever did a task published it, with another title and text."""
    first, *_ = plan.result_notes(task)
    return replace(first, body=replace(first.body, about=title, text=text))


def reminded(work: Work) -> str:
    """Return the task's goal, and why earlier tries were not taken: others' words, on lines that start with ``>``."""
    from waggledance.peers._others import quoted

    past = [quoted(why, PAST_CHARS) for why in work.past[-PAST_SHOWN:]]
    return "\n".join([work.task.goal, "", "Earlier tries were not taken:", *past]) if past else work.task.goal


def _title(step: RecipeStep, *, alone: bool) -> str:
    """Return an artefact's kind, and if there are several what it is a part for or who made it, as notes are named."""
    part = _ONE_WORD.fullmatch(step.entry)
    number = f" {step.copy + 1}" if step.entry or (step.role and step.of.roles[step.role].copies > 1) else ""
    words = step.produces if alone else f"{step.produces} {part[1] if part else f'{step.role}{number}'}"
    title = _NOT_IN_TITLES.sub("-", words.lower())[:_TITLE_CHARS].strip("-")
    return title if title[:1].isalpha() else f"note-{title}"[:_TITLE_CHARS].strip("-")
