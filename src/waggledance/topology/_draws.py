"""Draws that are the same on every machine and under every version of Python."""

from __future__ import annotations

from collections.abc import Iterable
from random import Random
from typing import TypeVar

from blake3 import blake3

T = TypeVar("T")


class Draws:
    """Numbers drawn from a purpose and a seed.

    Uses only `Random.random`, the one method whose sequence Python promises to keep; peers with different versions
    must draw one plan.
    """

    __slots__ = ("chance",)

    def __init__(self, purpose: str, *numbers: int) -> None:
        text = f"waggle/topology/1\0{purpose}\0" + "\0".join(map(str, numbers))
        self.chance = Random(int.from_bytes(blake3(text.encode()).digest(16))).random
        """Draw a number from 0 up to but not including 1."""

    def below(self, n: int) -> int:
        """Draw a whole number from 0 to n - 1."""
        return int(self.chance() * n)

    def shuffled(self, items: Iterable[T]) -> list[T]:
        """Return the items in a drawn order (Fisher and Yates)."""
        order = list(items)
        for last in range(len(order) - 1, 0, -1):
            other = self.below(last + 1)
            order[last], order[other] = order[other], order[last]
        return order
