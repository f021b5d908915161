"""A row of a batch: what came in, what steps made of it, and where it has been. Its whole state travels in it.

Source: Matrix (arXiv 2511.21686): each row carries its own control state, so that no process steers the rows.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

import msgspec

from waggledance.core import NO_COST, Cost

Value: TypeAlias = Any
"""What a step returns: with a journal, whatever JSON can hold."""


class Failure(msgspec.Struct, frozen=True, gc=False):
    """Why a row did not make it: the step, its last reason, and how often it was tried."""

    step: str
    reason: str
    attempts: int


class Row(msgspec.Struct, gc=False):
    """One row under way or at its end. Steps may read all of it and change none."""

    id: str
    """What it is called; no two rows of a run share one."""
    data: Mapping[str, Value]
    """What came in."""
    results: dict[str, Value] = {}
    """By step, what it returned; None where the step was skipped."""
    hops: list[str] = []
    """Steps that ran to their end, oldest first; a step that a loop led back to stands there more than once."""
    earlier: dict[str, Value] = {}
    """By step, what it had returned before a loop led back: the review that a second draft answers."""
    at: int = 0
    """Its place among the rows that came in, from 0."""
    cost: Cost = NO_COST
    """What its calls cost, failed ones included."""
    failure: Failure | None = None
    """Why it ended early; None while all is well."""

    def trip(self, step: str) -> int:
        """Return how often a step has run already: 0 the first time."""
        return self.hops.count(step)
