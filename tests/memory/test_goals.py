"""Experiences, goals and long-term goals."""

from __future__ import annotations

from random import Random

import pytest

from waggledance.core import Channel, UsageError, local_peer_id, swarm_id
from waggledance.memory import (
    Record,
    Recorded,
    RecordId,
    RecordStore,
    consolidate,
    goal,
    goal_view,
    prerequisites,
    shared,
)

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


def lived(store: RecordStore, one: Record, words: str) -> Record:
    record = Record.of("experience", f"while I did {one.key}", words, links=[("serves", one.id)])
    store.put(record)
    return record


def shown(store: RecordStore, one: Record) -> list[str]:
    return [kept.record.text for kept in goal_view(store, one.id)][1:]


def test_an_outcome_stands_for_what_was_lived_and_for_the_outcome_before_and_the_links_stay() -> None:
    with RecordStore() as store:
        bread = goal("make bread")
        store.put(bread)
        experiences = [lived(store, bread, f"step {i}") for i in range(10)]
        assert sorted(shown(store, bread)) == sorted(f"step {i}" for i in range(10))
        first = consolidate(store, bread.id, "the dough is made")
        assert shown(store, bread) == ["the dough is made"]
        assert {id for _, id in first.links} == {bread.id, *(record.id for record in experiences)}
        later = lived(store, bread, "the oven is hot")
        assert shown(store, bread) == ["the dough is made", "the oven is hot"]
        second = consolidate(store, bread.id, "it is in the oven")
        assert shown(store, bread) == ["it is in the oven"]
        assert {id for _, id in second.links} == {bread.id, first.id, later.id}


def test_more_experiences_than_an_outcome_has_links_are_left_for_the_next() -> None:
    with RecordStore() as store:
        bread = goal("make bread")
        store.put(bread)
        for i in range(100):
            lived(store, bread, f"step {i}")
        consolidate(store, bread.id, "much")
        assert len(shown(store, bread)) == 1 + 100 - 63
        consolidate(store, bread.id, "all")
        assert shown(store, bread) == ["all"]


def test_what_others_are_told_names_no_experience_and_their_words_hide_only_their_own() -> None:
    channel = Channel(swarm_id("bees"), "q1")
    anna, eve = local_peer_id("anna"), local_peer_id("eve")
    bread = goal("make bread")
    with RecordStore() as hers, RecordStore() as mine:
        for store in (hers, mine):
            store.put(bread)
        lived(hers, bread, "step 1")
        told = shared(consolidate(hers, bread.id, "half done"), "team", known=[bread.id])
        assert told.links == (("serves", bread.id),)
        hers.put(told)
        done = shared(consolidate(hers, bread.id, "done"), "team", known=[bread.id, told.id])
        assert set(done.links) == {("serves", bread.id), ("made-of", told.id)}
        mine.take([channel.publish(anna, Recorded(record=told), [], 0)])
        assert shown(mine, bread) == ["half done"]
        lie = Record.of("outcome", "make bread", "nothing", links=[("serves", bread.id), ("made-of", told.id)],
                        scope="team")  # fmt: skip
        mine.take([channel.publish(eve, Recorded(record=lie), [], 0)])
        assert sorted(shown(mine, bread)) == ["half done", "nothing"]
        mine.take([channel.publish(anna, Recorded(record=done), [], 0)])
        assert sorted(shown(mine, bread)) == ["done", "nothing"]


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
    with RecordStore() as store:
        with pytest.raises(UsageError, match="no goal"):
            goal_view(store, RecordId(bytes(32)))
        with pytest.raises(UsageError, match="no goal"):
            consolidate(store, RecordId(bytes(32)), "done")
        with pytest.raises(UsageError, match="budget"):
            goal_view(store, RecordId(bytes(32)), -1)
        with pytest.raises(UsageError):
            prerequisites(store, "")
