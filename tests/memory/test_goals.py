"""Experiences, goals and long-term goals."""

from __future__ import annotations

from random import Random

import pytest

from waggledance.core import UsageError
from waggledance.memory import Record, RecordId, RecordStore, goal, goal_view, prerequisites

THINGS = (
    "bread", "bridge", "violin", "rocket", "garden", "novel", "engine", "sweater", "canoe", "telescope",
    "cheese", "clock", "kite", "statue", "cabin", "lantern", "soap", "carpet", "sword", "harp",
)  # fmt: skip
STEPS = ("buy the material for", "design", "build the first part of", "finish", "sell")


def chains(store: RecordStore) -> list[tuple[Record, Record]]:
    """Put a chain of five goals for each of twenty things; return each goal with the one that it requires."""
    pairs: list[tuple[Record, Record]] = []
    for thing in THINGS:
        longterm = Record.of("longterm", f"live from making a {thing}", scope="team")
        store.put(longterm)
        before: Record | None = None
        for step in STEPS:
            requires = () if before is None else (before.id,)
            one = goal(f"{step} a {thing}", requires=requires, part_of=longterm.id)
            store.put(one)
            if before is not None:
                pairs.append((one, before))
            before = one
    return pairs


def test_the_goal_that_must_come_first_is_among_the_first_five_and_2000_experiences_do_not_crowd_the_view() -> None:
    rng = Random(0)
    with RecordStore() as store:
        pairs = chains(store)
        goals = [record for pair in pairs for record in pair]
        for number in range(2_000):
            served = rng.choice(goals)
            words = f"step {number} for {served.key}: " + "I looked, took it and put it away. " * 3
            store.put(Record.of("experience", f"experience {number}", words, links=[("serves", served.id)]))
        asked = ("how do I {}", "I want to {} soon", "we should {} today")
        right = 0
        for number in range(200):
            wanted, first = pairs[number % len(pairs)]
            found = prerequisites(store, asked[number % 3].format(wanted.key))
            right += first.id in {kept.id for kept in found}
        assert right >= 190
        view = goal_view(store, pairs[3][0].id)
        assert sum(len(k.record.text) + len(k.record.key) for k in view) <= 1_500 * 4
        assert [kept.record.key.rsplit(" a ")[0] for kept in view[:5]] == list(STEPS[4::-1])
        assert len(view) > 10


def test_consolidating_keeps_links_to_experiences_only_where_nobody_else_sees_them() -> None:
    lived = [Record.of("experience", f"experience {i}") for i in range(100)]
    own = goal("make bread", "it worked", experiences=lived, scope="private")
    told = goal("make bread", "it worked", experiences=lived)
    assert len(own.links) == 64
    assert told.links == ()


def test_what_is_required_is_followed_once_even_in_a_circle() -> None:
    with RecordStore() as store:
        missing = RecordId(b"m" * 32)
        one = goal("one", requires=[missing])
        two = goal("two", requires=[one.id])
        store.put(one)
        store.put(two)
        assert [kept.record.key for kept in goal_view(store, two.id)] == ["two", "one"]
        assert goal_view(store, two.id, 0) == ()


def test_senseless_goals_and_views_are_refused() -> None:
    with pytest.raises(UsageError, match="requires at most"):
        goal("g", requires=[RecordId(i.to_bytes(32)) for i in range(65)])
    with pytest.raises(UsageError, match="experience"):
        goal("g", experiences=[Record.of("finding", "no experience")])
    with RecordStore() as store:
        with pytest.raises(UsageError, match="no goal"):
            goal_view(store, RecordId(bytes(32)))
        with pytest.raises(UsageError, match="budget"):
            goal_view(store, RecordId(bytes(32)), -1)
        with pytest.raises(UsageError):
            prerequisites(store, "")
