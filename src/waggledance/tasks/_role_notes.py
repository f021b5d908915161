"""What whoever plays a role reads: what it watches, each under whose it is, and why earlier tries were not taken."""

from __future__ import annotations

import dataclasses
import re
from typing import TYPE_CHECKING

from msgspec.structs import replace

from waggledance.core import Message, Note
from waggledance.tasks._work import Work

if TYPE_CHECKING:
    from waggledance.tasks._recipe import Recipe
    from waggledance.tasks._recipe_steps import RecipeStep

PAST_CHARS = 1_000
"""Of why one earlier try was not taken."""
PAST_SHOWN = 3
_TITLE_CHARS = 32
_NOT_IN_TITLES = re.compile(r"[^a-z0-9]+")


def labelled(recipe: Recipe, step: RecipeStep, work: Work) -> Work:
    """Return the same work with its notes in the recipe's order, each titled by what it is and who made it."""
    notes: list[Message[Note]] = []
    several = {link.before: recipe.by_task[link.before] for link in step.links}
    kinds = [before.produces for before in several.values()]
    for id, before in several.items():
        if work.plan.entries[id].status == "done":
            title = _title(recipe, before, alone=kinds.count(before.produces) == 1)
            text = "".join([note.body.text for note in work.plan.result_notes(id)])
            first, *_ = work.plan.result_notes(id)
            notes.append(replace(first, body=replace(first.body, about=title, text=text)))
    return dataclasses.replace(work, notes=tuple(notes))


def reminded(work: Work) -> str:
    """Return the task's goal, and why earlier tries were not taken: others' words, on lines that start with ``>``."""
    from waggledance.peers._others import quoted

    past = [quoted(why, PAST_CHARS) for why in work.past[-PAST_SHOWN:]]
    return "\n".join([work.task.goal, "", "Earlier tries were not taken:", *past]) if past else work.task.goal


def _title(recipe: Recipe, step: RecipeStep, *, alone: bool) -> str:
    """Return an artefact's kind, and who made it if there are several, as notes are named."""
    number = f" {step.copy + 1}" if step.role and recipe.roles[step.role].copies > 1 else ""
    words = step.produces if alone else f"{step.produces} {step.role}{number}"
    title = _NOT_IN_TITLES.sub("-", words.lower())[:_TITLE_CHARS].strip("-")
    return title if title[:1].isalpha() else f"note-{title}"[:_TITLE_CHARS].strip("-")
