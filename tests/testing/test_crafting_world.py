"""The damcs card's world: many find a diamond sooner than one; what sharing adds, and what the graph adds to a log."""

from __future__ import annotations

from functools import cache
from statistics import mean

import pytest

from waggledance.core import UsageError
from waggledance.testing import CraftingWorld
from waggledance.testing._crafting_world import SHARINGS, Quest, Sharing


@cache
def quests(sharing: Sharing, agents: int, private: bool = False, budget: int = 1_500) -> tuple[Quest, ...]:
    seeds = 24 if private and agents == 2 else 6
    worlds = [CraftingWorld(seed, agents, private=private, budget_tokens=budget) for seed in range(seeds)]
    return tuple([world.run(sharing) for world in worlds])


def steps(sharing: Sharing, agents: int, *, private: bool = False, budget: int = 1_500) -> float:
    return mean(quest.steps for quest in quests(sharing, agents, private, budget))


@pytest.mark.parametrize("private", [False, True])
def test_a_diamond_is_found_whatever_is_shared(private: bool) -> None:
    assert all(quest.found and quest.steps < 1_000 for way in SHARINGS for quest in quests(way, 3, private))


@pytest.mark.slow
def test_most_of_what_many_gain_is_looking_side_by_side_and_needs_no_memory() -> None:
    alone = steps("silent", 1)
    for agents, fewer in ((2, 0.3), (6, 0.65)):
        assert steps("silent", agents) <= (1 - fewer) * alone
    assert steps("graph", 2) <= 0.7 * alone


def test_where_each_sees_one_kind_only_messages_help_and_the_graph_adds_five_points_to_them() -> None:
    alone = mean(CraftingWorld(seed, 1, private=True).run("silent").steps for seed in range(24))
    silent, status, graph = (steps(way, 2, private=True) for way in ("silent", "status", "graph"))
    assert status < 0.8 * silent
    assert (status - graph) / alone >= 0.05


def test_with_room_for_everything_a_log_does_what_the_graph_does_and_with_little_room_it_does_not() -> None:
    assert [quest.steps for quest in quests("log", 2)] == [quest.steps for quest in quests("graph", 2)]
    assert steps("graph", 2, budget=150) <= 1.1 * steps("graph", 2)
    assert steps("log", 2, budget=150) >= 1.3 * steps("graph", 2, budget=150)


def test_nobody_says_anything_in_silence_and_the_same_seed_goes_the_same_way() -> None:
    assert all(quest.messages == 0 for quest in quests("silent", 2))
    assert CraftingWorld(3).run("graph") == CraftingWorld(3).run("graph")
    assert CraftingWorld(3).run("status") != CraftingWorld(4).run("status")


@pytest.mark.parametrize(("agents", "budget"), [(0, 1_500), (17, 1_500), (2, 0)])
def test_a_world_without_agents_or_memory_is_refused(agents: int, budget: int) -> None:
    with pytest.raises(UsageError, match="agents craft with"):
        CraftingWorld(1, agents, budget_tokens=budget)
