"""AgentsNet: formulas on hand-made networks, and peers without a model at the floor and the ceiling of the card."""

from __future__ import annotations

import asyncio
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from waggledance import Swarm
from waggledance.core import Note, UsageError
from waggledance.lab import AgentsNet, Letters
from waggledance.lab._agentsnet_graphs import FAMILIES, diameter, distances, network
from waggledance.lab._agentsnet_problems import PROBLEMS, Graph, Problem, edges, solve, valid, value
from waggledance.lab._agentsnet_rules import Gatherer
from waggledance.network import Exponential, Simulated

SQUARE: Graph = {"Ann": ("Bo", "Dan"), "Bo": ("Ann", "Cy"), "Cy": ("Bo", "Dan"), "Dan": ("Ann", "Cy")}


@pytest.mark.parametrize(
    ("problem", "answers", "good"),
    [
        ("colouring", ("group 1", "group 2", "group 1", "group 2"), 1.0),
        ("colouring", ("group 1", "group 1", "group 1", "group 2"), 0.5),
        ("colouring", ("group 1", "group 2", "group 1", "group 12"), 0.0),
        ("matching", ("bo", "ann", "dan", "cy"), 1.0),
        ("matching", ("bo", "ann", "none", "none"), 0.5),
        ("matching", ("bo", "cy", "bo", "none"), 0.75),
        ("matching", ("cy", "none", "bo", "cy"), 0.25),
        ("vertex-cover", ("yes", "no", "yes", "no"), 1.0),
        ("vertex-cover", ("yes", "yes", "yes", "no"), 2 / 3),
        ("vertex-cover", ("yes", "no", "no", "no"), 0.0),
        ("vertex-cover", ("no", "no", "no", "no"), 0.0),
        ("leader", ("no", "yes", "no", "no"), 1.0),
        ("leader", ("no", "yes", "no", "yes"), 0.0),
        ("leader", ("no", "yes", "no", None), 0.0),
        ("consensus", ("1", "1", "1", "1"), 1.0),
        ("consensus", ("1", "1", "1", "0"), 0.0),
        ("consensus", ("7", "7", "7", "7"), 0.0),
    ],
)
def test_a_hand_made_square_scores_what_the_formulas_say(
    problem: Problem, answers: tuple[str | None, ...], good: float
) -> None:
    assert value(problem, SQUARE, dict(zip(SQUARE, answers, strict=True))) == pytest.approx(good)


def test_the_upstream_formula_counts_every_coordinator_of_an_open_cover_as_needed() -> None:
    lone = {"Ann": "yes", "Bo": "no", "Cy": "no", "Dan": "no"}
    assert value("vertex-cover", SQUARE, lone, upstream=True) == 0.5


@settings(max_examples=40)
@given(st.sampled_from(FAMILIES), st.integers(4, 20), st.integers(0, 50))
def test_whoever_knows_the_whole_network_solves_all_five(family: str, n: int, seed: int) -> None:
    graph = network(family, n, seed)  # type: ignore[arg-type]
    assert len(distances(graph, min(graph))) == n
    assert all(a in graph[b] for a, near in graph.items() for b in near)
    for problem in PROBLEMS:
        answers = solve(problem, graph)
        assert value(problem, graph, answers) == 1
        assert all(answers[peer] in {key.lower() for key in valid(problem, graph, peer)} for peer in graph)


def test_networks_differ_by_seed_and_repeat_with_it() -> None:
    drawn = {tuple(edges(network("delaunay", 8, seed))) for seed in range(10)}
    assert len(drawn) == 10
    assert network("small-world", 16, 3) == network("small-world", 16, 3)
    with pytest.raises(UsageError, match="4 to 100 peers, got 3"):
        network("scale-free", 3, 0)


async def test_rules_reach_the_ceiling_of_the_card_and_chance_the_floor() -> None:
    bench = AgentsNet(sizes=(8,))
    solved: Counter[tuple[str, str]] = Counter()
    for name, seat in bench.references().items():
        for task in bench.tasks("all", 9, seed=1):
            solved[name, task.payload["problem"]] += bench.score(task, await bench.run(task, seat)).solved
    assert all(solved["gather all", problem] == 9 for problem in PROBLEMS)
    assert all(solved["by rank", problem] >= 8 for problem in PROBLEMS)
    assert sum(solved["chance", problem] for problem in ("colouring", "matching", "vertex-cover", "consensus")) <= 2


@pytest.mark.slow
async def test_ranks_solve_networks_of_16_as_often_as_the_card_says() -> None:
    bench = AgentsNet(sizes=(16,))
    solved: Counter[str] = Counter()
    for task in bench.tasks("all", 60, seed=5):
        solved[task.payload["problem"]] += bench.score(
            task, await bench.run(task, bench.references()["by rank"])
        ).solved
    assert solved["colouring"] >= 0.75 * 60
    assert all(solved[problem] >= 0.97 * 60 for problem in PROBLEMS if problem != "colouring")


async def test_letters_reach_neighbours_only_and_each_round_waits_for_all_of_them() -> None:
    bench = AgentsNet(problems=("leader",), sizes=(8,))
    (task,) = bench.tasks("small-world", 1, seed=3)
    run = await bench.run(task, Gatherer)
    graph = task.payload["graph"]
    letters = [m for m in run.messages if isinstance(m.body, Note)]
    assert len(letters) == task.payload["rounds"] * sum(len(near) for near in graph.values())
    assert diameter({peer: tuple(near) for peer, near in graph.items()}) * 2 + 1 == task.payload["rounds"]


def test_late_and_reordered_letters_change_nothing() -> None:
    bench = AgentsNet(problems=("matching",), sizes=(8,))
    (task,) = bench.tasks("delaunay", 1, seed=2)
    protocol = Letters({peer: tuple(near) for peer, near in task.payload["graph"].items()}, task.payload["rounds"])
    seat = bench.references()["by rank"]
    peers = [seat(peer, "matching", protocol.neighbours) for peer in protocol.neighbours]
    network = Simulated(seed=4, delay=Exponential(0.2), reorder=0.2)
    late = Swarm(peers, protocol=protocol, network=network, seed=task.seed).ask_sync(task.question)
    assert late.support == asyncio.run(bench.run(task, seat)).decision.support


def test_a_link_that_goes_one_way_is_refused() -> None:
    with pytest.raises(UsageError, match="not the other way round"):
        Letters({"Ann": ("Bo",), "Bo": ()}, 2)


def test_unknown_problems_and_splits_are_refused_with_those_there_are() -> None:
    with pytest.raises(UsageError, match="colouring, matching"):
        AgentsNet(problems=("sorting",))  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="delaunay"):
        AgentsNet().tasks("grid", 1, 0)
