"""What is wrong with a recipe, found before anything is spent: names, loops without a limit, what nobody makes."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from difflib import get_close_matches
from typing import TYPE_CHECKING, get_args

from waggledance.core import AnswerKind, UsageError
from waggledance.tasks._condition import check_condition
from waggledance.tasks._edit import MAX_OPS
from waggledance.tasks._list_in import most_in
from waggledance.tasks._recipe_loop import entries_of, loop_of, reach_of, walks_past_entry

if TYPE_CHECKING:
    from waggledance.tasks._recipe import Recipe, Role

Fault = tuple[tuple[str, ...], str]
"""Where, as keys from the top, and what."""

_ANSWERS = frozenset[str](get_args(AnswerKind))
_CHECKED_BY = ("schema", "command")
MAX_PLAN_OPS = 1_024


def faults_of(recipe: Recipe) -> Iterator[Fault]:
    """Yield what is wrong; the graph is looked at once every name is known."""
    named = [*_names(recipe), *_roles(recipe)]
    yield from named
    if not named:
        graph = [*_graph(recipe)]
        yield from graph
        if not graph:
            yield from _size(recipe)


def unknown(noun: str, name: str, known: Collection[str]) -> str:
    """Say that there is no such name, and which is nearest."""
    near = get_close_matches(name, sorted(known), n=1, cutoff=0.5)
    return f"there is no {noun} {name!r}" + (f"; did you mean {near[0]!r}?" if near else f"; known: {_list(known)}")


def _list(names: Collection[str]) -> str:
    return ", ".join(sorted(names)) or "none"


def _names(recipe: Recipe) -> Iterator[Fault]:
    if not recipe.roles:
        yield ("roles",), "a team needs a role"
    for field in ("start", "out"):
        name = getattr(recipe, field)
        if name not in recipe.kinds:
            yield (field,), unknown("kind", name, recipe.kinds)
    for name, kind in recipe.kinds.items():
        if name in _ANSWERS and kind.schema is not None:
            yield ("kinds", name), "a kind of answer is read as such, and cannot have a schema as well: rename it"
        if name in ("choice", "package"):
            yield ("kinds", name), "an answer of this kind needs options, which a task has not: rename it"
        if kind.schema is not None:
            yield from _schema(name, kind.schema)


def _schema(name: str, schema: dict[str, object]) -> Iterator[Fault]:
    from waggledance.tasks._check_schema import json_schema

    try:
        json_schema(schema)
    except UsageError as why:
        yield ("kinds", name, "schema"), str(why)


def _roles(recipe: Recipe) -> Iterator[Fault]:
    from waggledance.tasks._recipe_check import recipe_checks
    from waggledance.tasks._role_function import role_functions

    for name, role in recipe.roles.items():
        at = ("roles", name)
        if not role.watch:
            yield (*at, "watch"), f"it watches nothing, so it never begins; watch {recipe.start!r} to begin at once"
        for kind in role.watch:
            if kind not in recipe.kinds:
                yield (*at, "watch"), unknown("kind", kind, recipe.kinds)
        if role.produces not in recipe.kinds:
            yield (*at, "produces"), unknown("kind", role.produces, recipe.kinds)
        if role.does is not None and role.does not in role_functions():
            yield (*at, "does"), unknown("function", role.does, role_functions())
        if role.does is None and role.team is None and not role.prompt.strip():
            yield (*at, "prompt"), "it is not told what to do: give it a prompt, a function with `does`, or a `team`"
        if role.does is not None and role.prompt.strip():
            yield (*at, "prompt"), "a function does it, and nobody reads the prompt: leave out one of the two"
        yield from _team(at, role)
        yield from _each(recipe, at, role)
        yield from _conditions(at, role)
        for check in role.checks:
            kind, colon, of = check.partition(":")
            if check not in recipe_checks() and not (colon and kind in _CHECKED_BY):
                yield (*at, "checks"), unknown("check", check, [*recipe_checks(), *(f"{k}:…" for k in _CHECKED_BY)])
            elif kind == "schema" and (of not in recipe.kinds or recipe.kinds[of].schema is None):
                yield (*at, "checks"), unknown("kind with a schema", of, recipe_schemas(recipe))


def _team(at: tuple[str, ...], role: Role) -> Iterator[Fault]:
    if role.team is None:
        return
    try:
        inner = role.inner
    except UsageError as why:
        yield (*at, "team"), str(why)
        return
    if any(one.team is not None for one in inner.roles.values()):
        yield (*at, "team"), f"recipe {inner.name!r} has teams within it; a team within a team has none"
    for key in ("does", "each", "apart", "reviews"):
        if getattr(role, key):
            yield (*at, key), f"a team plays it, and `{key}` is for what one peer does: leave it out"
    if role.copies > 1:
        yield (*at, "copies"), "a team plays it: give each team a role of its own"


def _each(recipe: Recipe, at: tuple[str, ...], role: Role) -> Iterator[Fault]:
    if not role.each:
        return
    kind, _, path = role.each.partition(".")
    if kind not in role.watch:
        yield (*at, "each"), unknown("watched kind", kind, role.watch)
    elif kind in recipe.kinds and most_in(recipe.kinds[kind].schema, path) is None:
        where = f" at {path!r}" if path else ""
        why = "with `type: array` and `maxItems`, which says how many parts there are at most"
        yield (*at, "each"), f"the schema of {kind!r} has no list{where} {why}"
    if role.copies > 1:
        yield (*at, "copies"), "how many play it depends on the list that it fans out over: leave it out"


def recipe_schemas(recipe: Recipe) -> list[str]:
    """Return the kinds that have a schema."""
    return [name for name, kind in recipe.kinds.items() if kind.schema is not None]


def _conditions(at: tuple[str, ...], role: Role) -> Iterator[Fault]:
    for kind, when in role.when.items():
        if kind not in role.watch:
            yield (*at, "when", kind), unknown("watched kind", kind, role.watch)
        try:
            check_condition(when)
        except UsageError as why:
            yield (*at, "when", kind), str(why)
    if role.when and role.despite_failures:
        yield (*at, "despite_failures"), "it goes ahead whatever happens, so its conditions would mean nothing"


def _graph(recipe: Recipe) -> Iterator[Fault]:
    reach = reach_of(recipe)
    for name in recipe.kinds:
        if name != recipe.start and name not in reach[recipe.start]:
            makers = [role for role, r in recipe.roles.items() if r.produces == name]
            yield (
                ("kinds", name),
                (
                    f"it cannot come to be: what {_list(makers)} watches is never all there"
                    if makers
                    else "no role makes it"
                ),
            )
    loop = loop_of(recipe)
    if loop is None:
        yield ("roles",), "two loops that have nothing to do with each other; make two recipes of them"
        return
    if loop and recipe.limits.rounds is None:
        yield (
            ("limits",),
            (f"{_list(loop)} go round in a loop without a limit: say with `rounds` how often each is made at most"),
        )
    elif loop and not entries_of(recipe, loop):
        yield ("roles",), f"nobody begins the loop of {_list(loop)}: a role outside it must make one of them"
    elif loop and walks_past_entry(recipe, loop):
        yield ("roles",), f"a part of the loop of {_list(loop)} goes round without what begins it; make it one loop"


def _size(recipe: Recipe) -> Iterator[Fault]:
    from waggledance.tasks._opened_plan import opened_plan
    from waggledance.tasks._recipe_steps import depth_of, steps_of

    try:
        steps = steps_of(recipe)
    except UsageError as why:
        yield ("roles",), str(why)
        return
    tasks = sum(1 + step.most for step in steps)
    if tasks > recipe.limits.tasks:
        may = "may come to have" if tasks > len(steps) else "has"
        yield ("limits", "tasks"), f"its plan {may} {tasks} tasks, more than {recipe.limits.tasks}"
    if depth_of(steps) > recipe.limits.depth:
        yield ("limits", "depth"), f"its longest chain has {depth_of(steps)} tasks, more than {recipe.limits.depth}"
    ops = [op for step in steps for op in step.ops]
    if len(ops) > MAX_PLAN_OPS:
        yield ("limits", "tasks"), f"its plan takes {len(ops)} operations; at most {MAX_PLAN_OPS} are published"
    for step in steps:
        if len(step.ops) > MAX_OPS:
            yield ("roles", step.role), f"it waits for {len(step.links)} others; at most {MAX_OPS - 1} fit one message"
        waiting = sum(link.before == step.task.id for other in steps for link in other.links)
        added = step.most * (2 + len(step.links) + waiting)
        if added >= MAX_OPS:
            too_many = f"fewer than {MAX_OPS} fit one message, so allow fewer entries"
            yield ("roles", step.role, "each"), f"adding {step.most} parts takes {added} operations; {too_many}"
    opened_plan(ops)
