"""A mark and bits are a set of numbers, and take room for the gaps alone."""

from __future__ import annotations

from collections.abc import Iterable

from hypothesis import given, settings
from hypothesis import strategies as st

from waggledance.safety._seen import Seen, union

NUMBERS = st.frozensets(st.integers(0, 40), max_size=30) | st.integers(0, 40).map(lambda most: frozenset(range(most)))


def seen(numbers: Iterable[int]) -> Seen:
    return union([], numbers)


@settings(max_examples=200)
@given(sets=st.lists(NUMBERS, max_size=5), more=NUMBERS)
def test_a_union_is_that_of_sets(sets: list[frozenset[int]], more: frozenset[int]) -> None:
    plain = more.union(*sets)
    found = union(map(seen, sets), more)
    assert found == seen(plain), "equal sets are equal, however they came about"
    assert [number for number in range(60) if found.has(number)] == sorted(plain)
    assert found.size == len(plain)


@settings(max_examples=200)
@given(part=NUMBERS, more=NUMBERS)
def test_what_lies_beyond_a_part_is_the_difference(part: frozenset[int], more: frozenset[int]) -> None:
    assert list(seen(part | more).beyond(seen(part))) == sorted(more - part)


def test_numbers_without_a_gap_take_no_bits() -> None:
    assert seen(range(10_000)) == Seen(10_000, 0)
    assert seen([*range(10_000), 10_003]) == Seen(10_000, 0b1000)
    assert seen([]) == Seen(0, 0)
