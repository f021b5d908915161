"""Make what goes wrong small: leave out what is not needed for it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

T = TypeVar("T")


def fewest(items: Sequence[T], goes_wrong: Callable[[list[T]], bool]) -> list[T]:
    """Return a part of the items, in their order, that still goes wrong, and of which none can be left out.

    Args:
        items: that go wrong together.
        goes_wrong: says whether some of them, in their order, still do.

    Source: Zeller, Hildebrandt 2002, "Simplifying and isolating failure-inducing input", doi:10.1109/32.988498 (ddmin,
    by complements).

    >>> fewest(range(100), lambda some: {7, 70} <= set(some))
    [7, 70]
    """
    kept = list(items)
    size = max(1, len(kept) // 2)
    while kept:
        fewer = next((cut for cut in _without(kept, size) if goes_wrong(cut)), None)
        if fewer is not None:
            kept = fewer
        elif size == 1:
            break
        else:
            size //= 2
        size = max(1, min(size, len(kept)))
    return kept


def _without(items: list[T], size: int) -> list[list[T]]:
    """Return the items without each run of so many, the last run first: late ones are most often beside the point."""
    ends = range(len(items), 0, -size)
    return [items[: max(0, end - size)] + items[end:] for end in ends]
