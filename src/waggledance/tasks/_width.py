"""How many calls or parts a step may ask for at once: schedules, pure functions of the step and of what is left.

Width does what depth does in fewer turns, as long as what it costs in calls is paid: the default is 3 at every step.

Source: Salesforce 2026, "W&D: Scaling Parallel Tool Calling for Efficient Deep Research Agents", arXiv:2602.07359.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Protocol

from waggledance.core import UsageError

MAX_WIDTH = 64
DESCENDING = (8, 5, 3, 1)
HOLD = 3


class Width(Protocol):
    """A schedule."""

    def at(self, step: int, calls_left: int | None = None) -> int:
        """Return how many calls a step may ask for, at least 1 and never more than are left; 0 with none left.

        Args:
            step: from 0.
            calls_left: of the budget; None without a limit.

        Raises:
            UsageError: a negative step or number of calls.
        """
        ...


@dataclass(frozen=True)
class Constant:
    """The same width at every step.

    Raises:
        UsageError: the width is not in 1 to 64.
    """

    width: int = 3

    name: ClassVar[str] = "constant"

    def __post_init__(self) -> None:
        _check((self.width,))

    def at(self, step: int, calls_left: int | None = None) -> int:
        return _within(self.width, step, calls_left)


@dataclass(frozen=True)
class Descending:
    """Wide at first, narrow later; the last width stays.

    Raises:
        UsageError: no widths, one that is not in 1 to 64, or one larger than that before it.
    """

    widths: tuple[int, ...] = DESCENDING
    hold: int = HOLD
    """How many steps each width is kept, at least 1."""

    name: ClassVar[str] = "descending"

    def __post_init__(self) -> None:
        _check(self.widths, self.hold)
        if list(self.widths) != sorted(self.widths, reverse=True):
            raise UsageError(f"a descending schedule never grows, got {self.widths}")

    def at(self, step: int, calls_left: int | None = None) -> int:
        return _within(self.widths[min(max(step, 0) // self.hold, len(self.widths) - 1)], step, calls_left)


@dataclass(frozen=True)
class Ascending:
    """Narrow at first, wide later; the last width stays. For comparison: it loses to `Descending`.

    Raises:
        UsageError: no widths, one that is not in 1 to 64, or one smaller than that before it.
    """

    widths: tuple[int, ...] = DESCENDING[::-1]
    hold: int = HOLD
    """How many steps each width is kept, at least 1."""

    name: ClassVar[str] = "ascending"

    def __post_init__(self) -> None:
        _check(self.widths, self.hold)
        if list(self.widths) != sorted(self.widths):
            raise UsageError(f"an ascending schedule never shrinks, got {self.widths}")

    def at(self, step: int, calls_left: int | None = None) -> int:
        return _within(self.widths[min(max(step, 0) // self.hold, len(self.widths) - 1)], step, calls_left)


@dataclass(frozen=True)
class Budgeted:
    """So wide that what is left lasts for a number of steps; without a limit, `width`.

        width(step) = calls left / (steps - step), at least 1 and at most `most`

    Raises:
        UsageError: a number out of range.
    """

    steps: int = 14
    width: int = 3
    most: int = 8

    name: ClassVar[str] = "budgeted"

    def __post_init__(self) -> None:
        _check((self.width, self.most))
        if self.steps < 1:
            raise UsageError(f"a budget is spread over 1 step or more, got {self.steps}")

    def at(self, step: int, calls_left: int | None = None) -> int:
        if calls_left is None:
            return _within(self.width, step, None)
        return _within(min(self.most, max(1, calls_left // max(1, self.steps - step))), step, calls_left)


def _check(widths: tuple[int, ...], hold: int = 1) -> None:
    if not widths or hold < 1 or any(not 1 <= width <= MAX_WIDTH for width in widths):
        raise UsageError(f"a step is 1 to {MAX_WIDTH} calls wide, and a width is kept a step or more: {widths}, {hold}")


def _within(width: int, step: int, calls_left: int | None) -> int:
    if step < 0 or (calls_left is not None and calls_left < 0):
        raise UsageError(f"steps and calls left are counted from 0, got {step} and {calls_left}")
    return width if calls_left is None else min(width, calls_left)
