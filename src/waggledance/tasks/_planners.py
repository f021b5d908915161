"""Every planner of this room by its name: for recipes, for YAML, for the command line."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from waggledance.tasks._by_name import made_by_name
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
    return made_by_name(name, "planner", PLANNERS, "roma(depth=2)")
