"""What whoever plays a role is told: all that a task says, so that any peer can do it without the recipe."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from waggledance.core import UsageError, well_formed
from waggledance.tasks._task import MAX_GOAL_CHARS

if TYPE_CHECKING:
    from waggledance.tasks._recipe import Recipe


YOUR_ENTRY = "your-entry"
"""The title of the note that holds the entry that a part is for: another's words, so not in what it is told."""


def told(
    recipe: Recipe, name: str, *, round: int, copy: int = 0, team: str = "", part: tuple[int, int, str] | None = None
) -> str:
    """Return the words of a role's task: who it is, what it makes from what, and in which form.

    Args:
        recipe: whose role it is.
        name: the role.
        round: from 0.
        copy: from 0.
        team: in a team within the team, whose.
        part: of a role with `each`, which entry from 0, of how many, and a mark of what it says.

    Raises:
        UsageError: it is too long for a task.
    """
    role = recipe.roles[name]
    kind = recipe.kinds[role.produces]
    of = f"the team {team}" if team else "a team"
    lines = [f"You are the {name.replace('_', ' ')} of {of}" + (f": {role.goal}" if role.goal else ".")]
    if role.copies > 1:
        lines.append(f"You are number {copy + 1} of {role.copies} who do this, each alone.")
    if part is not None:
        n, of_all, mark = part
        lines.append(f"There are {of_all} parts, one for each entry of {role.each}. Make number {n + 1} alone, for the "
                     f"entry in the note {YOUR_ENTRY} ({mark}).")  # fmt: skip
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
