"""What is ruled on, and how: an act, and the answer to it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, Protocol

import msgspec

from waggledance.core import RunFailed

BLOCKED = "blocked: "
"""How the failure of an act that was not allowed begins."""
RULING = "mediator:"
"""How the name of an exchange begins that holds a ruling."""


class Act(msgspec.Struct, frozen=True):
    """What a peer wants done."""

    peer: str
    """The peer's name."""
    tool: str
    arguments: Mapping[str, Any]
    number: int
    """Which use of this tool within one answer it is, from 1."""


class Ruling(msgspec.Struct, frozen=True):
    """What a mediator says of an act."""

    answer: Literal["allow", "rewrite", "block"]
    arguments: Mapping[str, Any] = {}
    """With what it is done; nothing when blocked."""
    why: str = ""


class Rules(Protocol):
    """What mediators go by: a function of the act."""

    def __call__(self, act: Act, /) -> Ruling:
        """Rule on an act."""
        ...


class Blocked(RunFailed):
    """An act that was not allowed; carries the tool and why."""

    def __init__(self, tool: str, why: str) -> None:
        super().__init__(tool, why)
        self.tool, self.why = tool, why

    def __str__(self) -> str:
        return f"{BLOCKED}{self.why}"
