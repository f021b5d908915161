"""What whoever plays a role is told: all that a task says, so that any peer can do it without the recipe."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from waggledance.core import UsageError, well_formed
from waggledance.tasks._task import MAX_GOAL_CHARS

if TYPE_CHECKING:
    from waggledance.tasks._recipe import Recipe


def told(recipe: Recipe, name: str, *, round: int, copy: int) -> str:
    """Return the words of a role's task: who it is, what it makes from what, and in which form.

    Raises:
        UsageError: it is too long for a task.
    """
    role = recipe.roles[name]
    kind = recipe.kinds[role.produces]
    lines = [f"You are the {name.replace('_', ' ')} of a team" + (f": {role.goal}" if role.goal else ".")]
    if role.copies > 1:
        lines.append(f"You are number {copy + 1} of {role.copies} who do this, each alone.")
    if round:
        lines.append(f"This is round {round + 1} of at most {recipe.limits.rounds}.")
    lines += [f"- {constraint}" for constraint in role.constraints]
    lines += ["", role.prompt.strip()] if role.prompt.strip() else []
    lines += ["", f"Make the {role.produces} ({kind.about}) from the {', '.join(role.watch)} in the notes."]
    if kind.schema is not None:
        schema = msgspec.json.encode(kind.schema, order="sorted").decode()
        lines.append(f"Answer with JSON that fits this schema, and nothing else: {schema}")
    words = well_formed("\n".join(lines))
    if len(words) > MAX_GOAL_CHARS:
        raise UsageError(
            f"role {name!r}: its words and the schema of {role.produces!r} have {len(words):,} characters; at most "
            f"{MAX_GOAL_CHARS:,} fit a task, so shorten its prompt"
        )
    return words
