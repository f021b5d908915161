"""Functions that play a role: what needs no mind, such as adding up grades or running tests. The same at every peer."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from types import MappingProxyType
from typing import Any

from waggledance.tasks._recipe_steps import RecipeStep
from waggledance.tasks._sandbox import Sandbox


@dataclass(frozen=True)
class Artefact:
    """Something that was made: its words, who played which role for it."""

    step: RecipeStep
    text: str


@dataclass(frozen=True)
class Watched:
    """What a function that plays a role is given.

    Args:
        artefacts: what it watches and is there, in the order of the recipe; never in that of arrival.
        missing: what it watches and failed or was skipped.
        settings: the recipe's.
        sandbox: where programs run; None where there is none.
    """

    artefacts: tuple[Artefact, ...]
    missing: tuple[RecipeStep, ...]
    settings: Mapping[str, Any]
    sandbox: Sandbox | None
    step: RecipeStep

    def of(self, kind: str) -> tuple[Artefact, ...]:
        """Return the artefacts of one kind."""
        return tuple([made for made in self.artefacts if made.step.produces == kind])


RoleFunction = Callable[[Watched], Awaitable[str]]
"""Makes an artefact's text. Raises `RunFailed` when it cannot: the try has failed."""

_functions: dict[str, RoleFunction] = {}


def role_functions() -> Mapping[str, RoleFunction]:
    """Return every function by the name that recipes have in `does`; the library's own come with it."""
    import_module("waggledance.tasks.recipes")
    return MappingProxyType(_functions)


def role_function(name: str) -> Callable[[RoleFunction], RoleFunction]:
    """Register a function under the name that recipes call it by."""

    def register(function: RoleFunction) -> RoleFunction:
        _functions[name] = function
        return function

    return register
