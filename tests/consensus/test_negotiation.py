from itertools import combinations
from random import Random
from statistics import mean
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from waggledance.consensus import Measures, Package, leximin, nash, negotiate, scaled, utilitarian
from waggledance.core import UNIT, UsageError
from waggledance.testing import W6, Scenario

NUMBERS = st.integers(0, 10_000)


def measured(s: Scenario, package: Package) -> Measures:
    return Measures.of({group: sum(values[i] for i in package) for group, values in s.utilities.items()})


@settings(max_examples=15)
@given(NUMBERS, st.sampled_from([0.0, 0.3, 1.0]), st.booleans(), st.booleans())
def test_the_worst_off_never_falls_and_the_budget_holds(n: int, conflict: float, pairs: bool, scale: bool) -> None:
    s = W6(conflict, seed=3).scenario(n)
    bargain = negotiate(s.costs, s.budget, s.utilities, s.base, pairs=pairs, scale=scale)
    assert all(sum(s.costs[i] for i in package) <= s.budget for package in bargain.moves)
    if not scale:
        assert bargain.after.worst >= bargain.before.worst
    had = [scaled(s.costs, s.budget, v, bargain.package) for v in s.utilities.values()]
    base = [scaled(s.costs, s.budget, v, s.base) for v in s.utilities.values()]
    assert not scale or min(had) >= min(base)


@settings(max_examples=15)
@given(NUMBERS)
def test_with_a_floor_for_every_group_nobody_loses(n: int) -> None:
    s = W6(1.0, seed=4).scenario(n)
    assert negotiate(s.costs, s.budget, s.utilities, s.base, floor="every").losers == {}


@settings(max_examples=10)
@given(NUMBERS, st.randoms(use_true_random=False))
def test_the_order_of_groups_and_the_numbers_of_items_change_nothing(n: int, rng: Random) -> None:
    s = W6(0.6, seed=5).scenario(n)
    bargain = negotiate(s.costs, s.budget, s.utilities, s.base)
    groups = rng.sample(sorted(s.utilities), k=len(s.utilities))
    assert negotiate(s.costs, s.budget, {g: s.utilities[g] for g in groups}, s.base) == bargain
    order = rng.sample(range(12), k=12)  # new place i holds old item order[i]
    moved = {g: [v[i] for i in order] for g, v in s.utilities.items()}
    again = negotiate([s.costs[i] for i in order], s.budget, moved, [order.index(i) for i in s.base])
    assert {order[i] for i in again.package} == bargain.package


@settings(max_examples=10)
@given(NUMBERS, st.integers(0, 4))
def test_a_group_that_doubles_what_it_states_pushes_no_other_below_its_floor(n: int, liar: int) -> None:
    s = W6(1.0, seed=6).scenario(n)
    stated = {g: [2 * v for v in values] if g == f"group-{liar}" else values for g, values in s.utilities.items()}
    bargain = negotiate(s.costs, s.budget, stated, s.base, scale=False)
    others = [g for g in s.utilities if g != f"group-{liar}"]
    had = {g: sum(s.utilities[g][i] for i in bargain.package) for g in others}
    floor = min(sum(v[i] for i in s.base) for v in stated.values())
    assert min(had.values()) >= floor
    every = negotiate(s.costs, s.budget, stated, s.base, scale=False, floor="every")
    assert all(sum(s.utilities[g][i] for i in every.package) >= sum(s.utilities[g][i] for i in s.base) for g in others)


def test_doubling_gains_nothing_once_utilities_are_scaled() -> None:
    s = W6(1.0, seed=6).scenario(1)
    doubled = {**s.utilities, "group-2": tuple(2 * v for v in s.utilities["group-2"])}
    assert (
        negotiate(s.costs, s.budget, doubled, s.base).package
        == negotiate(s.costs, s.budget, s.utilities, s.base).package
    )


@pytest.mark.parametrize("conflict", [0.3, 0.6, 1.0])
def test_a_bargain_adds_what_the_card_says(conflict: float) -> None:
    scenarios = [W6(conflict, seed=1).scenario(n) for n in range(150)]
    base = [measured(s, s.base) for s in scenarios]
    for pairs in (False, True):
        after = [negotiate(s.costs, s.budget, s.utilities, s.base, pairs=pairs, scale=False).after for s in scenarios]
        assert mean(m.total for m in after) >= 1.10 * mean(m.total for m in base)
        assert mean(m.worst for m in after) >= 1.20 * mean(m.worst for m in base)
        assert mean(m.gini for m in after) < mean(m.gini for m in base)


def test_a_gain_of_all_together_is_refused_where_the_worst_off_pays() -> None:
    values = {"a": [10], "b": [-1]}
    assert negotiate([1], 1, values, scale=False).package == set()
    assert negotiate([1], 1, {**values, "b": [1]}, scale=False).package == {0}


def test_joining_two_offers_gets_past_where_single_ones_are_stuck() -> None:
    costs, values = [1, 1, 1], {"a": [-3, 4, 0], "b": [4, -3, 0]}
    assert negotiate(costs, 2, values, pairs=False, scale=False).package == set()
    assert negotiate(costs, 2, values, scale=False).package == {0, 1}


def test_a_private_utility_is_asked_about_offered_packages_only() -> None:
    asked: list[Package] = []

    def mine(package: Package) -> int:
        asked.append(package)
        return 5 * (1 in package)

    bargain = negotiate([1] * 6, 1, {"a": [3, 0, 0, 0, 0, 0], "b": mine}, offers=1)
    assert bargain.package <= {0, 1}
    assert all(len(package) <= 1 for package in asked)


def test_what_a_group_objects_to_is_not_taken() -> None:
    values = {"a": [5, 3], "b": [5, 3]}
    assert negotiate([1, 1], 1, values).package == {0}
    assert negotiate([1, 1], 1, values, objections={"b": [Package({0})]}).package == {1}


def test_ties_favour_no_item() -> None:
    taken = [min(negotiate([1] * 4, 1, {"a": [7] * 4}, mark=str(n)).package) for n in range(80)]
    assert all(taken.count(item) >= 8 for item in range(4))


@settings(max_examples=10)
@given(NUMBERS)
def test_the_exact_packages_are_the_best_of_all(n: int) -> None:
    s = W6(0.6, seed=7, items=7, budget=6).scenario(n)
    every = [Package(p) for size in range(8) for p in combinations(range(7), size)]
    had = {p: [sum(v[i] for i in p) for v in s.utilities.values()] for p in every if sum(s.costs[i] for i in p) <= 6}
    assert sum(had[utilitarian(s.costs, 6, s.utilities)]) == max(map(sum, had.values()))
    assert sorted(had[leximin(s.costs, 6, s.utilities)]) == max(map(sorted, had.values()))
    gains = [[h - b for h, b in zip(row, had[s.base], strict=True)] for row in had.values()]
    best = [h - b for h, b in zip(had[nash(s.costs, 6, s.utilities, sorted(s.base))], had[s.base], strict=True)]
    assert min(best) >= 0
    if min(best) > 0:
        assert product(best) == pytest.approx(max(product(g) for g in gains if min(g) > 0))


def product(gains: list[int]) -> float:
    found = 1.0
    for gain in gains:
        found *= gain / UNIT
    return found


def test_one_item_of_any_value_may_be_all_there_is() -> None:
    assert leximin([1], 0, {"a": [5]}) == utilitarian([1], 0, {"a": [5]}) == nash([1], 0, {"a": [5]}) == set()
    assert negotiate([0], 0, {"a": [5]}).package == {0}


@pytest.mark.parametrize(
    ("costs", "budget", "utilities", "start", "why"),
    [
        ([], 1, {"a": []}, (), "needs items and groups"),
        ([1], 1, {}, (), "needs items and groups"),
        ([1, 1], 1, {"a": [1]}, (), "values 1 items, there are 2"),
        ([1.5], 1, {"a": [1]}, (), "integers"),
        ([1], 1, {"a": [float("nan")]}, (), "integers"),
        ([-1], 1, {"a": [1]}, (), "0 or more"),
        ([1], 1, {"a": [1]}, (3,), "outside of 0 to 0"),
        ([2], 1, {"a": [1]}, (0,), "more than the budget"),
    ],
)
def test_what_cannot_be_bargained_is_refused(costs: Any, budget: int, utilities: Any, start: Any, why: str) -> None:
    with pytest.raises(UsageError, match=why):
        negotiate(costs, budget, utilities, start)


def test_exact_packages_are_refused_for_more_items_than_can_be_looked_at() -> None:
    with pytest.raises(UsageError, match="use `negotiate`"):
        leximin([1] * 17, 3, {"a": [1] * 17})
