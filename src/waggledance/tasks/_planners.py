"""Every planner of this room by its name: for recipes, for YAML, for the command line."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from inspect import signature
from types import MappingProxyType
from typing import Any

from waggledance.core import UnknownName, UsageError
from waggledance.tasks._funcoder import funcoder
from waggledance.tasks._planner import Planner
from waggledance.tasks._roma import roma

PLANNERS: Mapping[str, Callable[..., Planner]] = MappingProxyType({"funcoder": funcoder, "roma": roma})
"""What makes each planner; its parameters are whole numbers, or 0 and 1 for no and yes."""


def planner_by_name(name: str) -> Planner:
    """Make a planner from its name, with parameters.

    Args:
        name: such as ``"roma"``, or ``"roma(depth=2, lint=1)"``.

    Raises:
        UnknownName: there is no such planner, or it has no such parameter; says the nearest.
        UsageError: the text cannot be read, or a number is outside its range.

    >>> planner_by_name("roma(depth=2)") == roma(depth=2)
    True
    """
    match = re.fullmatch(r"\s*([^()]+?)\s*(?:\((.*)\))?\s*", name)
    if match is None:
        raise UsageError(f"a planner is a name with parameters, such as 'roma(depth=2)', got {name!r:.120}")
    make = PLANNERS.get(match[1])
    if make is None:
        raise UnknownName("planner", match[1], PLANNERS)
    known = {name: given.default for name, given in signature(make).parameters.items()}
    given: dict[str, Any] = {}
    for part in filter(str.strip, (match[2] or "").split(",")):
        parameter, _, value = (piece.strip() for piece in part.partition("="))
        if parameter not in known:
            raise UnknownName(f"parameter of planner {match[1]!r}", parameter, known)
        if re.fullmatch(r"[0-9]{1,9}", value) is None:
            raise UsageError(f"{parameter} of planner {match[1]!r} is a whole number, got {value!r:.40}")
        given[parameter] = type(known[parameter])(int(value))
    return make(**given)
