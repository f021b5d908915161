"""When to stop waiting: `everyone`, `count(n)` and `after(seconds)`, joined with ``|`` and ``&``.

A condition is a threshold that moves with time: at each moment it says how many authors must have answered. Waiting is
over once that many have. ``|`` takes the smaller threshold of its two sides, ``&`` the larger.

>>> (everyone | after(30)).threshold(expected=5, waited_s=0)
5
>>> (everyone | after(30)).threshold(expected=5, waited_s=30)
0
>>> (count(3) & after(1)).threshold(expected=5, waited_s=0.5)
inf
"""

from __future__ import annotations

from dataclasses import dataclass
from math import inf, isnan

from waggledance.core._errors import UsageError


class Condition:
    """Says how many authors must have answered by now. Never decreases in `expected`, never increases in time."""

    __slots__ = ()

    def threshold(self, expected: int, waited_s: float) -> float:
        """Return how many authors are enough after `waited_s` seconds, of `expected`; `inf` for "keep waiting"."""
        raise NotImplementedError

    def moments(self) -> tuple[float, ...]:
        """Return the waiting times in seconds at which the threshold may drop, ascending."""
        raise NotImplementedError

    def __or__(self, other: Condition) -> Condition:
        return Either(self, other)

    def __and__(self, other: Condition) -> Condition:
        return Both(self, other)


@dataclass(frozen=True, slots=True)
class Everyone(Condition):
    """All who are expected have answered."""

    def threshold(self, expected: int, waited_s: float) -> float:
        return expected

    def moments(self) -> tuple[float, ...]:
        return ()

    def __str__(self) -> str:
        return "everyone"


everyone = Everyone()
"""All who are expected have answered."""


@dataclass(frozen=True, slots=True)
class count(Condition):  # noqa: N801 — reads as a word in `count(5) & after(1)`
    """At least `n` authors have answered, n ≥ 0; more than are expected can never be met."""

    n: int

    def __post_init__(self) -> None:
        if self.n < 0:
            raise UsageError(f"count({self.n}): a number of authors cannot be negative")

    def threshold(self, expected: int, waited_s: float) -> float:
        return self.n

    def moments(self) -> tuple[float, ...]:
        return ()

    def __str__(self) -> str:
        return f"count({self.n})"


@dataclass(frozen=True, slots=True)
class after(Condition):  # noqa: N801 — reads as a word in `everyone | after(30)`
    """`seconds` have gone by since the waiting began."""

    seconds: float

    def __post_init__(self) -> None:
        if isnan(self.seconds) or self.seconds < 0:
            raise UsageError(f"after({self.seconds}): a waiting time is a number of seconds ≥ 0")

    def threshold(self, expected: int, waited_s: float) -> float:
        return 0 if waited_s >= self.seconds else inf

    def moments(self) -> tuple[float, ...]:
        return (self.seconds,)

    def __str__(self) -> str:
        return f"after({self.seconds:g})"


@dataclass(frozen=True, slots=True)
class Either(Condition):
    """One of two conditions holds."""

    left: Condition
    right: Condition

    def threshold(self, expected: int, waited_s: float) -> float:
        return min(self.left.threshold(expected, waited_s), self.right.threshold(expected, waited_s))

    def moments(self) -> tuple[float, ...]:
        return tuple(sorted({*self.left.moments(), *self.right.moments()}))

    def __str__(self) -> str:
        return f"{self.left} | {self.right}"


@dataclass(frozen=True, slots=True)
class Both(Condition):
    """Two conditions hold at once."""

    left: Condition
    right: Condition

    def threshold(self, expected: int, waited_s: float) -> float:
        return max(self.left.threshold(expected, waited_s), self.right.threshold(expected, waited_s))

    def moments(self) -> tuple[float, ...]:
        return tuple(sorted({*self.left.moments(), *self.right.moments()}))

    def __str__(self) -> str:
        return f"({self.left}) & ({self.right})"
