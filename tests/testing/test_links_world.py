"""The sciagents card's recovery test: hidden links are found again by ways through what is left, and by a team."""

from __future__ import annotations

from functools import cache
from math import inf, nan
from random import Random
from statistics import mean
from typing import Any

import pytest

from waggledance.core import UNIT, UsageError
from waggledance.testing import LinksWorld, propose_links
from waggledance.testing._links_world import TOP, Pair, Scores, in_common


@cache
def worlds(lawful: bool = True) -> tuple[LinksWorld, ...]:
    return tuple([LinksWorld(seed, lawful=lawful) for seed in range(4)])


@cache
def small() -> LinksWorld:
    return LinksWorld(1, concepts=20, bridges=40, hidden=20)


def recovery_by_hand(world: LinksWorld, scores: Scores) -> tuple[float, float]:
    """Return found and auc by comparing every two pairs, and by many drawn orders of equals."""
    score = {pair: scores.get(pair, -(10**9)) for pair in world.open}
    others = [score[pair] for pair in world.open if pair not in world.hidden]
    wins = [(score[pair] > o) + (score[pair] == o) / 2 for pair in world.hidden for o in others]
    rng, n = Random(0), len(world.hidden)
    orders = [sorted(world.open, key=lambda pair: (-score[pair], rng.random())) for _ in range(1_000)]
    return mean(len(world.hidden.intersection(order[:n])) for order in orders), mean(wins)


def test_recovery_is_what_counting_by_hand_gives_with_ties_and_with_pairs_that_nobody_scored() -> None:
    rng, world = Random(3), small()
    tied: Scores = {pair: rng.randrange(4) + 2 * (pair in world.hidden) for pair in rng.sample(world.open, 200)}
    for scores in (tied, world.by_neighbours(), world.by_paths(5)):
        seen, (found, auc) = world.recovery(scores), recovery_by_hand(world, scores)
        assert seen.found == pytest.approx(found, abs=0.25)
        assert seen.auc == pytest.approx(auc, abs=1e-9)


def test_knowing_what_is_hidden_is_all_and_knowing_nothing_is_chance() -> None:
    world = small()
    truth = world.recovery(dict.fromkeys(world.hidden, 1))
    assert (truth.found, truth.auc, truth.scored) == (20, 1, 20)
    assert truth.top == pytest.approx(round(0.05 * len(world.open)) / 20)
    none = world.recovery({})
    assert (none.auc, none.scored) == (0.5, 0)
    assert none.found == pytest.approx(20 * 20 / len(world.open))
    linked = {(a, b): UNIT for a, _, b in world.graph.edges if a[0] == "a" and b[0] == "b"}
    assert len(linked) == 20
    assert world.recovery(linked) == none


def test_waypoints_put_hidden_links_among_the_best_and_find_more_than_neighbours_in_common_do() -> None:
    """The card: in the top 5 % more often than random pairs."""
    ways = [world.recovery(world.by_paths(1_000)) for world in worlds()]
    neighbours = [world.recovery(world.by_neighbours()) for world in worlds()]
    assert mean(seen.top for seen in ways) >= 4 * TOP
    assert mean(seen.found for seen in ways) >= 1.5 * mean(seen.found for seen in neighbours)


def test_waypoints_lead_to_pairs_that_shortest_ways_do_not_reach() -> None:
    for world in worlds():
        assert len(world.by_paths(300)) >= 1.5 * len(world.by_paths(300, "shortest"))


@pytest.mark.slow
def test_four_thousand_ways_reach_the_cards_auc_by_a_hair_and_neighbours_alone_do_not() -> None:
    many = [LinksWorld(seed) for seed in range(8)]
    assert mean(world.recovery(world.by_paths(4_000)).auc for world in many) >= 0.75
    assert mean(world.recovery(world.by_neighbours()).auc for world in many) < 0.65


def test_as_many_pairs_by_lot_are_not_as_good_as_those_on_ways() -> None:
    ways = [(world, world.recovery(world.by_paths(500))) for world in worlds()]
    lots = [world.recovery(world.by_lot(seen.scored)) for world, seen in ways]
    assert [lot.scored for lot in lots] == [seen.scored for _, seen in ways]
    assert mean(seen.auc for _, seen in ways) > mean(lot.auc for lot in lots) + 0.05


def test_where_anything_goes_with_anything_nothing_is_found() -> None:
    for how in range(3):
        ranked = [
            (w, (w.by_meaning, w.by_neighbours, lambda w=w: w.by_paths(300))[how]()) for w in worlds(lawful=False)
        ]
        seen = [world.recovery(scores) for world, scores in ranked]
        assert mean(one.auc for one in seen) == pytest.approx(0.5, abs=0.05)
        assert mean(one.found for one in seen) < 1


def test_a_team_proposes_open_pairs_alike_in_every_run_and_the_critic_sees_other_than_the_scientist() -> None:
    world = small()
    said = propose_links(world, 6)
    assert said == propose_links(world, 6, finders=3)
    assert said.unanswered == 0
    assert said.by_scientist.keys() == said.by_critic.keys()
    assert 3 <= len(said.by_critic) <= 6
    assert said.by_scientist != said.by_critic
    assert said.by_critic != propose_links(world, 6, finders=1).by_critic


def test_what_a_team_is_told_has_nothing_of_what_is_hidden() -> None:
    world = small()
    edges: set[Pair] = {(a, b) for a, _, b in world.graph.edges}
    assert not edges & world.hidden
    assert world.hidden < set(world.open)
    assert len(world.open) == 400 - 20


@pytest.mark.parametrize("links", [2, 0])
def test_with_all_links_hidden_there_is_no_way_and_with_none_left_no_graph_so_nothing_is_proposed(links: int) -> None:
    world = LinksWorld(2, concepts=6, links=links, bridges=8, hidden=8)
    assert len(world.graph) == (12 if links else 0)
    assert world.by_paths(20) == {}
    said = propose_links(world, 2)
    assert (said.by_critic, said.unanswered) == ({}, 2)
    assert world.recovery(said.by_critic).auc == 0.5
    assert set(world.by_neighbours().values()) == {0}
    assert in_common(world.graph, "a0", "nobody") == 0


@pytest.mark.parametrize(
    "wrong",
    [
        {"concepts": 1}, {"links": -1}, {"hidden": 0}, {"hidden": 101}, {"concepts": 10, "bridges": 100, "hidden": 9},
        {"noise": nan}, {"noise": inf}, {"noise": -0.1},
    ],
)  # fmt: skip
def test_a_world_with_nothing_to_find_or_no_measure_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match="got"):
        LinksWorld(0, **wrong)
