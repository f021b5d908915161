"""Recipes that come with the library, and the functions that play parts in them."""

from __future__ import annotations

from functools import cache
from importlib.resources import files

from waggledance.core import UnknownName
from waggledance.tasks._recipe import Recipe
from waggledance.tasks._recipe_file import recipe_from
from waggledance.tasks.recipes import _run_tests as _run_tests

_ENDING = ".yaml"


def recipe_names() -> tuple[str, ...]:
    """Return the names of the recipes that come with the library, sorted."""
    found = [path.name for path in files(__name__).iterdir() if path.name.endswith(_ENDING)]
    return tuple(sorted(name.removesuffix(_ENDING) for name in found))


@cache
def recipe_named(name: str) -> Recipe:
    """Return a recipe that comes with the library.

    Raises:
        UnknownName: there is none of this name; says the nearest.
    """
    if name not in recipe_names():
        raise UnknownName("recipe", name, recipe_names())
    return recipe_from(files(__name__).joinpath(name + _ENDING).read_text(encoding="utf-8"), f"{name}{_ENDING}")


__all__ = ["recipe_named", "recipe_names"]
