"""A check: looks at a task's result and finds whether it passes, how well, and what is wrong."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from waggledance.core import NO_COST, UNIT, Cost, UsageError
from waggledance.tasks._task import Task

MAX_CHECKED_CHARS = 1_000_000
"""A longer result passes no check that reads it."""


@dataclass(frozen=True)
class Finding:
    """What a check finds of one result. A judgement of proposals among each other is core's `Verdict`.

    Raises:
        UsageError: the score is out of range, or it failed and nobody says why.
    """

    passed: bool
    reason: str = ""
    """What is wrong, for whoever tries again; may say what was looked at when nothing is."""
    score_ppm: int = UNIT
    """How good, 0 to 1,000,000; of a check that only passes or fails all or nothing."""
    cost: Cost = NO_COST

    def __post_init__(self) -> None:
        if not 0 <= self.score_ppm <= UNIT:
            raise UsageError(f"a score lies between 0 and {UNIT} parts per million, got {self.score_ppm}")
        if not self.passed and not self.reason:
            raise UsageError("a check that fails says what is wrong, so that it can be mended")

    @classmethod
    def failed(cls, reason: str, *, score_ppm: int = 0, cost: Cost = NO_COST) -> Finding:
        """Return the finding that something is wrong."""
        return cls(False, reason, score_ppm, cost)


PASSED = Finding(True)

Check = Callable[[Task, str], Awaitable[Finding]]
"""Looks at a task's result. Raises `RunFailed` when it cannot say: a sandbox that breaks, judges that do not answer."""
