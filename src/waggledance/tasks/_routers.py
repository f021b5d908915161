"""Every router of this room by its name: for recipes, for the command line, and for whoever reads a plan's log."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from waggledance.tasks._by_name import made_by_name
from waggledance.tasks._edge_weights import EdgeWeights
from waggledance.tasks._lin_ucb import LinUCB
from waggledance.tasks._router import Router
from waggledance.tasks._softmax import Softmax
from waggledance.tasks._static import StaticSkills
from waggledance.tasks._two_choices import TwoChoices
from waggledance.tasks._type_ucb import TypeUCB

AnyRouter = StaticSkills | TypeUCB | LinUCB | EdgeWeights | TwoChoices | Softmax

ROUTERS: Mapping[str, type[AnyRouter]] = MappingProxyType(
    {kind.name: kind for kind in (StaticSkills, TypeUCB, LinUCB, EdgeWeights, TwoChoices, Softmax)}
)
"""Routers by name; each is made with its own parameters."""


def router_by_name(name: str) -> Router:
    """Make a router from its name, with parameters that are whole numbers, or 0 and 1 for no and yes.

    Args:
        name: such as ``"type-ucb"``, or ``"type-ucb(keep_ppm=990000)"``.

    Raises:
        UnknownName: there is no such router, or it has no such parameter; says the nearest.
        UsageError: the text cannot be read, or a number is outside its range.

    >>> router_by_name("type-ucb(keep_ppm=990000)") == TypeUCB(keep_ppm=990_000)
    True
    """
    return made_by_name(name, "router", ROUTERS, "two-choices(choices=4)")
