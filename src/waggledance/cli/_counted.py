"""How many of something, as people say it."""

from __future__ import annotations


def counted(n: int, noun: str) -> str:
    """Return a number with its noun, which takes an s unless there is one.

    >>> counted(1, "peer"), counted(1_204, "row")
    ('1 peer', '1,204 rows')
    """
    return f"{n:,} {noun}{'' if n == 1 else 's'}"
