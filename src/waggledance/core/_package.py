"""Packages: sets of options, and the text that names one."""

from __future__ import annotations

from collections.abc import Iterable
from string import ascii_uppercase

NOTHING = "none"


def package_key(items: Iterable[int]) -> str:
    """Return the canonical name of a set of options, given by their numbers from 0.

    >>> package_key({2, 0}), package_key([])
    ('A+C', 'none')
    """
    return "+".join(ascii_uppercase[i] for i in sorted(set(items))) or NOTHING


def package_of(key: str, options: int) -> frozenset[int] | None:
    """Return the options that a canonical name stands for, by their numbers; None for any other text.

    >>> package_of("A+C", 3) == {0, 2}, package_of("none", 3) == set(), package_of("C+A", 3), package_of("D", 3)
    (True, True, None, None)
    """
    if key == NOTHING:
        return frozenset()
    letters = key.split("+")
    known = ascii_uppercase[:options]
    if any(len(letter) != 1 or letter not in known for letter in letters):
        return None
    package = frozenset(known.index(letter) for letter in letters)
    return package if package_key(package) == key else None
