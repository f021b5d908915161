"""Data flow beats every arrangement on random plans; the published rule drops edges, and that costs what it says."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from functools import cache
from heapq import heappop, heappush
from random import Random
from statistics import mean

import pytest

from waggledance.core import UNIT, UnknownName, UsageError
from waggledance.tasks import Add, Link, Plan, PlanEdit, Shape, Task, arranged, choose_topology, layers
from waggledance.tasks._shape import shape_of

FIXED = ("parallel", "chain", "lead", "layers")
Edge = tuple[int, int]


def makespan(tasks: Sequence[int], links: Collection[Edge], seconds: Sequence[float], workers: int) -> float:
    """List scheduling: a free worker takes the longest task that is ready."""
    waits = {task: sum(b == task for _, b in links) for task in tasks}
    ready = [(-seconds[task], task) for task, n in waits.items() if not n]
    ready.sort()
    busy: list[tuple[float, int]] = []
    now = 0.0
    while ready or busy:
        while ready and len(busy) < workers:
            _, task = heappop(ready)
            heappush(busy, (now + seconds[task], task))
        now, task = heappop(busy)
        for a, b in links:
            if a == task:
                waits[b] -= 1
                if not waits[b]:
                    heappush(ready, (-seconds[b], b))
    return now


def a_dag(rng: Random, n: int, p: float) -> frozenset[Edge]:
    return frozenset((a, b) for b in range(n) for a in range(b) if rng.random() < p)


def shape(n: int, links: Collection[Edge]) -> Shape:
    rows = layers(range(n), links)
    coupling = len(links) / (n * (n - 1) / 2) if n > 1 else 0.0
    return Shape(tasks=n, links=len(links), depth=len(rows), width=max(map(len, rows)), coupling=coupling)


@cache
def utilities() -> dict[str, float]:
    """Quality less half the share of the sequential time less messages, over random plans; as on the card."""
    rng, got = Random(5), dict[str, list[float]]()
    for _ in range(1_000):
        n = rng.randint(2, 12)
        links = a_dag(rng, n, rng.choice((0.0, 0.15, 0.3, 0.5, 1.0)))
        seconds = [rng.lognormvariate(0, 0.8) for _ in range(n)]
        worth = rng.uniform(0.045, 0.15)  # of an edge that is dropped
        own: dict[str, float] = {}
        for how in (*FIXED, "dataflow"):
            waits = links if how == "dataflow" else arranged(range(n), links, how)  # type: ignore[arg-type]
            dropped = len(links) if how == "parallel" else 0
            messages = 0.004 * (len(waits) if how == "dataflow" else n if how in ("parallel", "chain") else 2 * n)
            lead = n * 0.1 * mean(seconds) if how == "lead" else 0.0  # every result passes through one
            share = (makespan(range(n), waits, seconds, 4) + lead) / sum(seconds)
            own[how] = max(0.0, 1 - worth * dropped) - 0.5 * share - messages
        s = shape(n, links)
        for rule in ("coded", "paper", "keep-edges"):
            chosen = choose_topology(s, rule)  # type: ignore[arg-type]
            own[rule] = own["chain" if chosen == "single" else chosen]
        for name, value in own.items():
            got.setdefault(name, []).append(value)
    return {name: mean(values) for name, values in got.items()}


def test_data_flow_is_at_least_as_good_as_every_arrangement_and_a_tenth_better_than_the_coded_rule() -> None:
    seen = utilities()
    assert all(seen["dataflow"] >= seen[how] for how in FIXED)
    assert seen["dataflow"] >= 1.1 * seen["coded"]


def test_never_dropping_an_edge_is_as_good_as_the_best_arrangement_and_the_published_rules_are_worse() -> None:
    seen = utilities()
    best, average = max(seen[how] for how in FIXED), mean(seen[how] for how in FIXED)
    assert seen["keep-edges"] >= 0.99 * best
    assert seen["coded"] < seen["paper"] < seen["keep-edges"]
    assert seen["keep-edges"] >= 1.1 * average


@pytest.mark.parametrize("sigma", [0.3, 0.8, 1.2])
def test_layers_take_a_fifth_longer_than_data_flow_and_never_less(sigma: float) -> None:
    rng, ratios = Random(1), list[float]()
    for _ in range(150):
        links = a_dag(rng, 24, 0.08)
        seconds = [rng.lognormvariate(0, sigma) for _ in range(24)]
        layered = makespan(range(24), arranged(range(24), links, "layers"), seconds, 8)
        critical = makespan(range(24), links, seconds, 8)
        ratios.append(layered / critical)
    assert mean(ratios) >= 1.2
    assert min(ratios) >= 1.0


@pytest.mark.parametrize(
    ("n", "links", "coded", "ours"),
    [
        (2, {(0, 1)}, "lead", "chain"),
        (3, {(0, 1), (1, 2)}, "lead", "chain"),
        (4, {(0, 1), (0, 2), (1, 3), (2, 3)}, "lead", "layers"),
        (6, {(0, i) for i in range(1, 6)}, "parallel", "layers"),
        (6, set[Edge](), "parallel", "parallel"),
        (1, set[Edge](), "single", "single"),
    ],
)
def test_where_the_published_rule_goes_wrong(n: int, links: set[Edge], coded: str, ours: str) -> None:
    assert choose_topology(shape(n, links), "coded") == coded
    assert choose_topology(shape(n, links)) == ours


def test_an_arrangement_waits_for_what_it_says() -> None:
    links = {(0, 2), (1, 2)}
    assert arranged(range(3), links, "parallel") == frozenset()
    assert arranged(range(3), links, "chain") == {(0, 1), (1, 2)}
    assert arranged(range(4), {(0, 2)}, "layers") == {(0, 2), (1, 2), (3, 2)}


def test_a_plans_own_shape_is_what_the_rule_goes_by() -> None:
    from waggledance.core import Channel, local_peer_id, swarm_id

    a, b = Task(goal="a"), Task(goal="b")
    channel = Channel(swarm_id("t"), "t")
    channel.publish(local_peer_id("p"), PlanEdit(ops=(Add(a), Add(b), Link(a.id, b.id, strength_ppm=UNIT // 2))), [], 0)
    plan = Plan.fold(channel.messages())
    assert plan.shape() == shape_of(plan.entries)
    assert choose_topology(plan.shape()) == "chain"


def test_no_tasks_no_rule_and_a_wrong_order_are_refused() -> None:
    with pytest.raises(UsageError, match="without tasks"):
        choose_topology(Shape(tasks=0, links=0, depth=0, width=0, coupling=0.0))
    with pytest.raises(UnknownName, match="rule for a topology"):
        choose_topology(Shape(tasks=2, links=0, depth=1, width=2, coupling=0.0), "best")  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="stands before a task"):
        arranged([1, 0], {(0, 1)}, "layers")
