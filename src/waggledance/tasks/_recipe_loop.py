"""The loop of a recipe: kinds that come from each other, where it begins, and which role goes round once more."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from waggledance.tasks._recipe import Recipe, Role


def reach_of(recipe: Recipe) -> dict[str, set[str]]:
    """Return which kinds follow from each, in one step or more, by roles all of whose watched kinds can be there."""
    there, grew = {recipe.start}, True
    while grew:
        new = {r.produces for r in recipe.roles.values() if there.issuperset(r.watch)} - there
        there |= new
        grew = bool(new)
    after: dict[str, set[str]] = {kind: set() for kind in recipe.kinds}
    for role in recipe.roles.values():
        for kind in role.watch if there.issuperset(role.watch) else ():
            after[kind].add(role.produces)
    return {kind: _onward(after, kind) for kind in recipe.kinds}


def _onward(after: dict[str, set[str]], kind: str) -> set[str]:
    seen: set[str] = set()
    ahead = [kind]
    while ahead:
        fresh = after[ahead.pop()] - seen
        seen |= fresh
        ahead += sorted(fresh)
    return seen


def loop_of(recipe: Recipe) -> frozenset[str] | None:
    """Return the kinds that follow from themselves; none without a loop, None where there is more than one loop."""
    reach = reach_of(recipe)
    looping = [kind for kind in recipe.kinds if kind in reach[kind]]
    if any(b not in reach[a] for a in looping for b in looping):
        return None
    return frozenset(looping)


def entries_of(recipe: Recipe, loop: Collection[str]) -> frozenset[str]:
    """Return the kinds in a loop that something outside it makes, or that the user brings."""
    made = {r.produces for r in recipe.roles.values() if r.produces in loop and not set(r.watch) & set(loop)}
    return frozenset(made | ({recipe.start} & set(loop)))


def goes_round(role: Role, loop: Collection[str], entries: Collection[str]) -> bool:
    """Say whether a role takes the loop from one round to the next: it makes from the loop what begins the loop."""
    return role.produces in entries and bool(set(role.watch) & set(loop))


def walks_past_entry(recipe: Recipe, loop: Collection[str]) -> bool:
    """Say whether kinds in the loop follow from themselves without a role that goes round."""
    entries = entries_of(recipe, loop)
    after: dict[str, set[str]] = {kind: set() for kind in recipe.kinds}
    for role in recipe.roles.values():
        if not goes_round(role, loop, entries):
            for kind in role.watch:
                after[kind].add(role.produces)
    return any(kind in _onward(after, kind) for kind in loop)
