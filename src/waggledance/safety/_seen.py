"""A set of numbers, of which most come without a gap from 0: what the author of a message had seen.

Messages are numbered when somebody first builds on them. Who hears of most that is said soon misses little, so a set is
kept as a mark, below which nothing is missing, and one bit for each number above it: it takes room for what its author
had not heard of, not for what was ever said.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple


class Seen(NamedTuple):
    """A set of numbers, 0 or more; equal sets are equal."""

    mark: int = 0
    """Every number below is in the set, and this one is not."""
    bits: int = 0
    """Bit i for the number mark + i."""

    @property
    def size(self) -> int:
        """How many numbers are in the set."""
        return self.mark + self.bits.bit_count()

    def has(self, number: int) -> bool:
        """Say whether a number is in the set."""
        return number < self.mark or bool(self.bits >> number - self.mark & 1)

    def beyond(self, part: Seen) -> Iterator[int]:
        """Go through the numbers that are in this set and not in another, which is a part of it; smallest first."""
        gap = self.mark - part.mark
        left = (self.bits << gap | (1 << gap) - 1) & ~part.bits
        while left:
            lowest = left & -left
            yield part.mark + lowest.bit_length() - 1
            left ^= lowest


def union(sets: Iterable[Seen], numbers: Iterable[int]) -> Seen:
    """Return what is in any of some sets, and some numbers with it.

    >>> union([Seen(2), Seen(1, 4)], [5])
    Seen(mark=2, bits=10)
    """
    parts = set(sets)
    mark = max((part.mark for part in parts), default=0)
    bits = 0
    for part in parts:
        bits |= part.bits >> mark - part.mark
    for number in numbers:
        if number >= mark:
            bits |= 1 << number - mark
    more = (~bits & bits + 1).bit_length() - 1
    return Seen(mark + more, bits >> more)
