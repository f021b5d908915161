"""Checks of one's own that recipes name: what no schema can say and no program need run for. Alike at every peer."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from waggledance.core import UsageError
from waggledance.tasks._check import Check

_checks: dict[str, Check] = {}


def recipe_checks() -> Mapping[str, Check]:
    """Return every check of one's own by the name that recipes have in `checks`."""
    return MappingProxyType(_checks)


def recipe_check(name: str) -> Callable[[Check], Check]:
    """Register a check under the name that recipes call it by in `checks`, before the recipe is read.

    Args:
        name: without a colon; those with one are schemas and commands.

    Raises:
        UsageError: the name is empty or has a colon.
    """
    if not name.strip() or ":" in name:
        raise UsageError(f"a check of one's own has a name without a colon, got {name!r}")

    def register(check: Check) -> Check:
        _checks[name] = check
        return check

    return register
