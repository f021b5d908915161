"""A score: how well one run did its task."""

from __future__ import annotations

from collections.abc import Mapping
from math import isfinite
from typing import Any, cast

import msgspec

from waggledance._swarm import Swarm
from waggledance.core import Budget, Decision, Message, Question, UsageError


class RunLog(msgspec.Struct, frozen=True):
    """What a score may look at: every message of one run, and the decision that they give."""

    messages: tuple[Message[Any], ...]
    decision: Decision

    @classmethod
    async def of(cls, swarm: Swarm, question: Question, budget: Budget | None = None) -> RunLog:
        """Let a swarm decide a question; return all that was said and the decision."""
        *messages, decision = [event async for event in swarm.watch(question, budget=budget)]
        return cls(tuple(cast("list[Message[Any]]", messages)), cast("Decision", decision))


class Score(msgspec.Struct, frozen=True, kw_only=True):
    """How well one run did its task."""

    value: float
    """0 to 1, after the benchmark's own normalisation."""
    solved: bool
    raw: float
    """In the benchmark's own unit."""
    parts: Mapping[str, float] = {}

    def __post_init__(self) -> None:
        if not 0 <= self.value <= 1 or not isfinite(self.raw):
            raise UsageError(f"a score lies between 0 and 1 with a finite raw value, got {self.value} and {self.raw}")

    @classmethod
    def of(cls, right: bool) -> Score:
        """Return the score of an answer that is right or wrong and nothing between."""
        return cls(value=float(right), solved=right, raw=float(right))
