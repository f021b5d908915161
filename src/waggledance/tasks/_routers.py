"""Every router of this room by its name: for recipes, for the command line, and for whoever reads a plan's log."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import fields
from types import MappingProxyType
from typing import Any

from waggledance.core import UnknownName, UsageError
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
    match = re.fullmatch(r"\s*([^()]+?)\s*(?:\((.*)\))?\s*", name)
    if match is None:
        raise UsageError(f"a router is a name with parameters, such as 'two-choices(choices=4)', got {name!r:.120}")
    kind = ROUTERS.get(match[1])
    if kind is None:
        raise UnknownName("router", match[1], ROUTERS)
    known = {field.name: field.default for field in fields(kind) if isinstance(field.default, int)}
    given: dict[str, Any] = {}
    for part in filter(str.strip, (match[2] or "").split(",")):
        parameter, equals, value = (piece.strip() for piece in part.partition("="))
        if parameter not in known:
            raise UnknownName(f"parameter of router {kind.name!r}", parameter, known)
        if not equals or re.fullmatch(r"-?[0-9]{1,18}", value) is None:
            raise UsageError(f"{parameter} of router {kind.name!r} is a whole number, got {value!r:.40}")
        given[parameter] = type(known[parameter])(int(value))
    return kind(**given)
