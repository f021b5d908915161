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

from functools import lru_cache
from math import inf, isnan

from waggledance.core._errors import UsageError


class Condition:
    """Says how many authors must have answered by now. Never decreases in `expected`, never increases in time."""

    __slots__ = ("moments",)

    moments: tuple[float, ...]
    """The waiting times in seconds at which the threshold may drop, ascending."""

    def threshold(self, expected: int, waited_s: float) -> float:
        """Return how many authors are enough after `waited_s` seconds, of `expected`; `inf` for "keep waiting"."""
        raise NotImplementedError

    def __or__(self, other: Condition) -> Condition:
        return Either(self, other)

    def __and__(self, other: Condition) -> Condition:
        return Both(self, other)


class Everyone(Condition):
    """All who are expected have answered."""

    __slots__ = ()

    def __init__(self) -> None:
        self.moments = ()

    def threshold(self, expected: int, waited_s: float) -> float:
        return expected

    def __str__(self) -> str:
        return "everyone"


everyone = Everyone()
"""All who are expected have answered."""


@lru_cache(maxsize=64)
def everyone_within(patience_s: float) -> Condition:
    """Return ``everyone | after(patience_s)``, what most protocols wait for: the same object every time."""
    return everyone | after(patience_s)


class count(Condition):  # noqa: N801 — reads as a word in `count(5) & after(1)`
    """At least `n` authors have answered, n ≥ 0; more than there are can never be met."""

    __slots__ = ("n",)

    def __init__(self, n: int) -> None:
        if n < 0:
            raise UsageError(f"count({n}): a number of authors cannot be negative")
        self.n, self.moments = n, ()

    def threshold(self, expected: int, waited_s: float) -> float:
        return self.n

    def __str__(self) -> str:
        return f"count({self.n})"


class after(Condition):  # noqa: N801 — reads as a word in `everyone | after(30)`
    """`seconds` have gone by since the waiting began; seconds ≥ 0."""

    __slots__ = ("seconds",)

    def __init__(self, seconds: float) -> None:
        if isnan(seconds) or seconds < 0:
            raise UsageError(f"after({seconds}): a waiting time is a number of seconds ≥ 0")
        self.seconds, self.moments = seconds, (seconds,)

    def threshold(self, expected: int, waited_s: float) -> float:
        return 0 if waited_s >= self.seconds else inf

    def __str__(self) -> str:
        return f"after({self.seconds:g})"


class Either(Condition):
    """One of two conditions holds."""

    __slots__ = ("left", "right")

    def __init__(self, left: Condition, right: Condition) -> None:
        self.left, self.right = left, right
        self.moments = _merged(left.moments, right.moments)

    def threshold(self, expected: int, waited_s: float) -> float:
        return min(self.left.threshold(expected, waited_s), self.right.threshold(expected, waited_s))

    def __str__(self) -> str:
        return f"{self.left} | {self.right}"


class Both(Condition):
    """Two conditions hold at once."""

    __slots__ = ("left", "right")

    def __init__(self, left: Condition, right: Condition) -> None:
        self.left, self.right = left, right
        self.moments = _merged(left.moments, right.moments)

    def threshold(self, expected: int, waited_s: float) -> float:
        return max(self.left.threshold(expected, waited_s), self.right.threshold(expected, waited_s))

    def __str__(self) -> str:
        return f"({self.left}) & ({self.right})"


def _merged(a: tuple[float, ...], b: tuple[float, ...]) -> tuple[float, ...]:
    return tuple(sorted({*a, *b})) if a and b else a or b
