"""Fanning out over a result: one part of a role for each entry of a list that the team has only just made.

How many there are depends on a result, so these tasks cannot stand in the plan beforehand. One task of the plan adds
them: whoever claims it derives them from the list and publishes them in one message with its end. They are the same
whoever does it, so that a peer that dies leaves all or none, and a second one adds nothing. Each gathering step waits
for that task from the beginning, and by the same message for every part.

Source: Hong et al. 2024, "MetaGPT", arXiv:2308.00352 (one engineer's task a file); there a project manager hands out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
from blake3 import blake3

from waggledance.core import RunFailed
from waggledance.tasks._edit import Add, Link, Op
from waggledance.tasks._list_in import list_in
from waggledance.tasks._recipe_steps import RecipeStep, task_of
from waggledance.tasks._role_prompt import told
from waggledance.tasks._work import Result

if TYPE_CHECKING:
    from waggledance.tasks._plan import Plan
    from waggledance.tasks._recipe import Recipe
    from waggledance.tasks._task import TaskId


def parts_of(step: RecipeStep, entries: list[str]) -> tuple[RecipeStep, ...]:
    """Return the parts that a step with `most` adds for a list's entries: a pure function, the same at every peer.

    Args:
        step: what fans out.
        entries: each as JSON.
    """
    role = step.of.roles[step.role]
    parts: list[RecipeStep] = []
    for n, entry in enumerate(entries):
        mark = blake3(entry.encode()).hexdigest(8)
        goal = told(step.of, step.role, round=step.round, team=step.team, part=(n, len(entries), mark))
        task = task_of(step.of, step.role, goal, step.team)
        links = [*[Link(link.before, task.id, link.when) for link in step.links], Link(step.task.id, task.id, "done")]
        parts.append(
            RecipeStep(task, step.role, role.produces, step.round, n, tuple(links), 0, entry, step.team, of=step.of)
        )
    return tuple(parts)


def parts_in(step: RecipeStep, plan: Plan) -> tuple[RecipeStep, ...]:
    """Return the parts that a step with `most` has added to a plan; none before it is done."""
    entry = plan.entries.get(step.task.id)
    if not step.most or entry is None or entry.status != "done":
        return ()
    try:
        return parts_of(step, list_in(plan.result(step.task.id) or "", "", "list")[: step.most])
    except RunFailed:  # whoever did it told no list
        return ()


def steps_in(recipe: Recipe, plan: Plan) -> tuple[RecipeStep, ...]:
    """Return every step of a recipe, each that fans out followed by the parts that it has added to a plan."""
    return tuple([one for step in recipe.steps for one in (step, *parts_in(step, plan))])


def step_in(recipe: Recipe, plan: Plan, task: TaskId) -> RecipeStep | None:
    """Return the step that a task is, also where it was added by a step that fans out; None if it is none."""
    known = recipe.by_task.get(task)
    if known is not None:
        return known
    fans = [step for step in recipe.steps if step.most]
    return next((part for step in fans for part in parts_in(step, plan) if part.task.id == task), None)


def watched_by(recipe: Recipe, plan: Plan, step: RecipeStep) -> list[RecipeStep]:
    """Return the steps that make what a step is made from, in the recipe's order: parts instead of what adds them."""
    before = [recipe.by_task[link.before] if link.before in recipe.by_task else step_in(recipe, plan, link.before)
              for link in step.links]  # fmt: skip
    own = step.links[-1].before if step.entry else None  # what has added this part
    return [one for b in before if b is not None and b.task.id != own
            for one in (parts_in(b, plan) if b.most else (b,))]  # fmt: skip


def fanned_out(recipe: Recipe, plan: Plan, step: RecipeStep) -> Result:
    """Return what a step that fans out comes to: the list's entries, each once, and the edits that add their parts.

    Raises:
        RunFailed: what it goes by holds no list, or a longer one than the schema of its kind allows.
    """
    kind, _, path = step.of.roles[step.role].each.partition(".")
    made = [one for one in watched_by(recipe, plan, step) if one.produces == kind]
    texts = [plan.result(one.task.id) or "" for one in made if plan.entries[one.task.id].status == "done"]
    entries = list(dict.fromkeys(entry for text in texts for entry in list_in(text, path, kind)))
    if len(entries) > step.most:
        raise RunFailed(f"the {kind} lists {len(entries)} different entries; at most {step.most} are worked on")
    parts = parts_of(step, entries)
    ops: list[Op] = [op for part in parts for op in part.ops]
    for after, when in ((one, dict(one.of_parts).get(step.task.id)) for one in recipe.steps):
        ops += [Link(part.task.id, after.task.id, when) for part in parts] if when is not None else []
    return Result(msgspec.json.encode([msgspec.Raw(entry.encode()) for entry in entries]).decode(),
                  edits=tuple([op for op in ops if not _stands(plan, op)]))  # fmt: skip


def _stands(plan: Plan, op: Op) -> bool:
    """Say whether an edit is in the plan already."""
    match op:
        case Add():
            return op.task.id in plan.entries
        case Link():
            return op.before in plan.entries and op.after in plan.entries[op.before].after
        case _:
            return False
