"""How long a message is on its way: distributions of delays.

A delay is a function of one number 0 < u < 1 (the inverse of its distribution), rounded to whole microseconds so that
the last digit of a machine's logarithm orders nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import exp, isfinite, log1p
from statistics import NormalDist
from typing import Protocol

from waggledance.core import UsageError

_NORMAL = NormalDist()


class Delay(Protocol):
    """Draws the time a message is on its way, in seconds."""

    def drawn(self, u: float, /) -> float:
        """Return the delay below which a share u of all delays lies, 0 < u < 1."""
        ...


@dataclass(frozen=True)
class Constant:
    """Every message takes the same time."""

    seconds: float

    def __post_init__(self) -> None:
        _check("Constant", seconds=self.seconds)

    def drawn(self, u: float, /) -> float:
        return self.seconds


@dataclass(frozen=True)
class Uniform:
    """Any time between two bounds, alike."""

    low_s: float
    high_s: float

    def __post_init__(self) -> None:
        _check("Uniform", low_s=self.low_s, high_s=self.high_s)
        if self.high_s < self.low_s:
            raise UsageError(f"Uniform({self.low_s}, {self.high_s}): the higher bound is below the lower one")

    def drawn(self, u: float, /) -> float:
        return round(self.low_s + u * (self.high_s - self.low_s), 6)


@dataclass(frozen=True)
class Exponential:
    """Mostly short, sometimes long: -mean · ln(1 - u)."""

    mean_s: float

    def __post_init__(self) -> None:
        _check("Exponential", mean_s=self.mean_s)

    def drawn(self, u: float, /) -> float:
        return round(-self.mean_s * log1p(-u), 6)


@dataclass(frozen=True)
class LogNormal:
    """The long tail of the internet: median · e^(sigma · z), z normal."""

    median_s: float
    sigma: float = 0.5

    def __post_init__(self) -> None:
        _check("LogNormal", median_s=self.median_s, sigma=self.sigma)

    def drawn(self, u: float, /) -> float:
        return round(self.median_s * exp(self.sigma * _NORMAL.inv_cdf(u)), 6)


def _check(name: str, **values: float) -> None:
    for field, value in values.items():
        if not (isfinite(value) and value >= 0):
            raise UsageError(f"{name}: {field} is {value}; it must be a finite number ≥ 0")
