"""Recipes that come with the library, and the functions that play parts in them."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable

import msgspec

from waggledance.core import UnknownName
from waggledance.tasks._recipe import Recipe
from waggledance.tasks._recipe_file import recipe_from
from waggledance.tasks._yaml_lines import Lines
from waggledance.tasks.recipes import _hypothesis as _hypothesis
from waggledance.tasks.recipes import _program as _program
from waggledance.tasks.recipes import _run_tests as _run_tests
from waggledance.tasks.recipes._advice import AdviceModel as AdviceModel
from waggledance.tasks.recipes._advice import advice_model as advice_model
from waggledance.tasks.recipes._advice import best_candidate as best_candidate
from waggledance.tasks.recipes._advice import pairs_in_both_orders as pairs_in_both_orders
from waggledance.tasks.recipes._advice import subsets as subsets
from waggledance.tasks.recipes._agreement import Adaptive as Adaptive
from waggledance.tasks.recipes._agreement import Allocation as Allocation
from waggledance.tasks.recipes._agreement import agreement as agreement
from waggledance.tasks.recipes._agreement import leading as leading
from waggledance.tasks.recipes._exchange import Content as Content
from waggledance.tasks.recipes._exchange import best_of as best_of
from waggledance.tasks.recipes._exchange import cross_team as cross_team
from waggledance.tasks.recipes._exchange import kept as kept
from waggledance.tasks.recipes._exchange import pruned as pruned
from waggledance.tasks.recipes._exchange import snake as snake
from waggledance.tasks.recipes._grades import accepts as accepts
from waggledance.tasks.recipes._grades import calibrated as calibrated
from waggledance.tasks.recipes._grades import distinct as distinct
from waggledance.tasks.recipes._panel import Rubric as Rubric
from waggledance.tasks.recipes._panel import Scored as Scored
from waggledance.tasks.recipes._panel import panel_of as panel_of
from waggledance.tasks.recipes._panel import verdicts as verdicts

_ENDING = ".yaml"


def recipe_names() -> tuple[str, ...]:
    """Return the names of the recipes that come with the library, sorted."""
    return tuple(sorted([*_in(files(__name__)), *_in(files(__name__) / "rubrics")]))


@cache
def recipe_named(name: str) -> Recipe:
    """Return a recipe that comes with the library.

    Args:
        name: such as ``"software-company"``, or with what each team is, ``"cross-team(adaptive-chair)"``, and how many
            there are, ``"cross-team(8 adaptive-chair)"``.

    Raises:
        UnknownName: there is none of this name; says the nearest.
        RecipeFault: it cannot be what each team is.
        UsageError: the number of teams is out of range.
    """
    outer, bracket, inner = name.partition("(")
    if outer == "cross-team" and bracket and inner.endswith(")"):
        teams, _, works_by = inner.removesuffix(")").rpartition(" ")
        return cross_team(works_by, teams=int(teams)) if teams.isdecimal() else cross_team(inner.removesuffix(")"))
    rubrics = files(__name__) / "rubrics"
    if name in _in(rubrics):
        return panel_of(rubric_from((rubrics / f"{name}{_ENDING}").read_text(encoding="utf-8"), f"{name}{_ENDING}"))
    if name not in _in(files(__name__)):
        raise UnknownName("recipe", name, recipe_names())
    return recipe_from((files(__name__) / f"{name}{_ENDING}").read_text(encoding="utf-8"), f"{name}{_ENDING}")


def rubric_from(text: str, where: str = "rubric") -> Rubric:
    """Return the rubric that a YAML text describes; `panel_of` makes a team of it.

    Raises:
        UsageError: it is no YAML, or no rubric.
    """
    lines = Lines(text, where)
    try:
        return msgspec.convert(lines.value, Rubric)
    except msgspec.ValidationError as why:
        raise lines.wrong((), str(why)) from why


def _in(folder: Traversable) -> list[str]:
    return [path.name.removesuffix(_ENDING) for path in folder.iterdir() if path.name.endswith(_ENDING)]


__all__ = [
    "Adaptive",
    "AdviceModel",
    "Allocation",
    "Content",
    "Rubric",
    "Scored",
    "accepts",
    "advice_model",
    "agreement",
    "best_candidate",
    "best_of",
    "calibrated",
    "cross_team",
    "distinct",
    "kept",
    "leading",
    "pairs_in_both_orders",
    "panel_of",
    "pruned",
    "recipe_named",
    "recipe_names",
    "rubric_from",
    "snake",
    "subsets",
    "verdicts",
]
