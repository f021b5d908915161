"""A tree that all fold alike; UCT finds the right steps sooner than others; four peers search as well as one."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from random import Random
from statistics import mean
from typing import Any, ClassVar

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from waggledance.core import (
    UNIT,
    Channel,
    Decision,
    Message,
    Proposal,
    RunFailed,
    Seat,
    UnknownName,
    UsageError,
    local_peer_id,
    swarm_id,
)
from waggledance.models import Request, Scripted
from waggledance.network import Constant, Crash
from waggledance.peers import Agent
from waggledance.tasks import (
    Add,
    Finding,
    Found,
    Looking,
    Planned,
    SearchTree,
    StepSearch,
    Task,
    search_tree,
)
from waggledance.tasks._search_tree import Rule
from waggledance.tasks._tree_search import next_path
from waggledance.testing import simulate

STEPS = (("a", "b", "c"),) * 5
ANNA, BEN = local_peer_id("anna"), local_peer_id("ben")


def said(body: Any, by: Any, n: int) -> Message[Any]:
    channel = Channel(swarm_id("t"), f"t{n}")
    return channel.publish(by, body, [], n)


def sums(tree: SearchTree) -> dict[Any, tuple[int, int, int]]:
    return {path: (node.visits, node.total_ppm, node.looking) for path, node in tree.nodes.items()}


@given(st.randoms(use_true_random=False), st.integers(1, 12))
@settings(max_examples=30)
def test_the_same_messages_make_the_same_tree_in_whatever_order(rng: Random, n: int) -> None:
    messages: list[Message[Any]] = []
    for i in range(n):
        path = tuple(rng.choice("ab") for _ in range(rng.randint(1, 3)))
        look = said(Looking(path=path), ANNA, i)
        messages.append(look)
        words = (ANNA, ANNA, BEN)[: rng.randint(0, 3)]  # twice, or by another: only one counts
        messages += [said(Found(look=look.id, path=path, value_ppm=rng.randrange(UNIT)), by, i) for by in words]
    tree = SearchTree(messages)
    assert sums(SearchTree(rng.sample(messages, len(messages)) + messages)) == sums(tree)
    assert tree.nodes[()].visits + tree.nodes[()].looking == n


def test_what_another_peer_says_of_a_look_or_of_another_path_does_not_count() -> None:
    look = said(Looking(path=("a",)), ANNA, 1)
    lies = [said(Found(look=look.id, path=("a",), value_ppm=UNIT), BEN, 2),
            said(Found(look=look.id, path=("b",), value_ppm=UNIT), ANNA, 3)]  # fmt: skip
    tree = SearchTree([*lies, look])
    assert sums(tree) == {(): (0, 0, 1), ("a",): (0, 0, 1)}
    assert not tree.over


def test_a_node_that_somebody_looks_at_counts_as_tried_in_vain() -> None:
    done = [said(Looking(path=(s,)), ANNA, i) for i, s in enumerate("ab")]
    worth = [said(Found(look=m.id, path=m.body.path, value_ppm=v), ANNA, 9) for m, v in zip(done, (9, 8), strict=True)]
    tree = SearchTree([*done, *worth])
    assert tree.select((), "ab") == "a"
    tree.take([said(Looking(path=("a",)), BEN, 5)])
    assert tree.select((), "ab") == "b"


# -- the card's table -----------------------------------------------------------------------------------------------


def chosen(rule: Rule, c: float, calls: int, seed: int) -> float:
    """Search one tree of 3 roles by 5 steps; return the success of the path chosen."""
    rng = Random(seed)
    right = tuple(rng.choice("abc") for _ in STEPS)

    def success(path: tuple[str, ...]) -> float:
        return (sum(a == b for a, b in zip(path, right, strict=True)) / len(right)) ** 3

    tree, n = SearchTree(), 0
    known: set[tuple[str, ...]] = set()
    while len(known) < calls and n < calls:
        path = next_path(tree, STEPS, rule, c, b"%d %d" % (seed, n))
        known |= {path[:k] for k in range(1, 6)}
        value = min(1.0, max(0.0, success(path) + rng.gauss(0, 0.2)))
        look = said(Looking(path=path), ANNA, n)
        tree.take([look, said(Found(look=look.id, path=path, value_ppm=round(UNIT * value)), ANNA, n)])
        n += 1
    return success(tree.best(STEPS))


def table(rule: Rule, c: float, calls: int, trees: int) -> float:
    return mean(chosen(rule, c, calls, seed) for seed in range(trees))


def test_uct_finds_the_path_with_enough_calls_and_the_published_arithmetic_is_half_as_good() -> None:
    few = table("uct", 0.5, 150, trees=40)
    assert few >= 4 * 0.09  # a random path's success
    assert table("uct", 0.5, 300, trees=10) >= 0.8
    assert table("halo", 1.4, 150, trees=40) <= 0.75 * few
    assert table("greedy", 0.0, 150, trees=40) <= 0.75 * few  # of whole paths' worth; of steps' it would be the best


# -- by peers -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Searched:
    """A protocol for the tests: search, and answer with the best path."""

    right: tuple[str, ...]
    looks: int = 120

    name: ClassVar[str] = "searched"
    skills: ClassVar[frozenset[str]] = frozenset()

    async def __call__(self, seat: Seat) -> Decision:
        async def worth(path: tuple[str, ...]) -> int:
            await asyncio.sleep(1.0)
            share = sum(a == b for a, b in zip(path, self.right, strict=True)) / len(path)
            return round(UNIT * min(1.0, max(0.0, share**3 + seat.rng.gauss(0, 0.2))))

        tree = await search_tree(seat, STEPS, worth, looks=self.looks)
        key = "".join(tree.best(STEPS))
        await seat.publish(Proposal.of(key))
        return Decision(status="decided", key=key, text=key, support={key: UNIT}, confidence=1.0, rule="searched")


def test_four_peers_find_as_good_a_path_as_one_in_a_third_of_the_time_and_agree_on_it() -> None:
    found: dict[int, list[float]] = {1: [], 4: []}
    took = {1: 0.0, 4: 0.0}
    for seed in range(6):
        rng = Random(seed)
        right = tuple(rng.choice("abc") for _ in STEPS)
        for peers in (1, 4):
            seen = simulate(Searched(right), "?", peers=peers, seed=seed, delay=Constant(0.02), limit_s=10_000)
            assert len({d.key for d in seen.honest}) == 1
            key = seen.decision.key or ""
            found[peers].append((sum(a == b for a, b in zip(key, right, strict=True)) / 5) ** 3)
            took[peers] += seen.virtual_s
    assert mean(found[4]) >= 0.9 * mean(found[1])
    assert took[4] <= 0.35 * took[1]


def test_a_peer_that_dies_at_a_look_holds_the_others_up_for_their_patience_only() -> None:
    seen = simulate(Searched(("a",) * 5, looks=20), "?", peers=3, faults=[Crash("p1", at_s=2.5)], delay=Constant(0.02))
    assert seen.decision.status == "decided"
    assert seen.virtual_s < 20 + 61


# -- as an executor -------------------------------------------------------------------------------------------------

ROLES = (("Guess.", "Compute."), ("Doubt.", "Check."))


def answer(request: Request) -> str:
    return "right" if "Check." in request.turns[-1].text and "computed" in request.turns[-1].text else (
        "computed" if "Compute." in request.turns[-1].text else "guessed")  # fmt: skip


async def judge(task: Task, result: str) -> Finding:
    right = result.startswith("right")
    return Finding(right, "" if right else "wrong", UNIT if right else 200_000)


def played(search: StepSearch, say: Any = answer) -> Any:
    model = Scripted(say)
    run = simulate(
        Planned(ops=(Add(Task(goal="6 x 7?", tries=1)),), execute=search), "Do it", peers=[Agent("p", model)]
    )
    return run, model


def test_an_executor_finds_the_steps_whose_end_the_judge_likes_and_asks_no_step_twice() -> None:
    run, model = played(StepSearch(ROLES, judge, calls=12))
    assert run.decision.key == "right"
    assert len(model.requests) <= 6  # all nodes of the tree: two, and two below each


def test_within_few_calls_the_best_so_far_is_taken() -> None:
    run, model = played(StepSearch(ROLES, judge, calls=2))
    assert run.decision.key in ("right", "guessed", "computed")
    assert len(model.requests) == 2


def test_a_judge_that_can_never_say_is_a_failed_try() -> None:
    async def broken(task: Task, result: str) -> Finding:
        raise RunFailed("the judge is out")

    with pytest.raises(RunFailed, match="the judge is out"):
        played(StepSearch(ROLES, broken, calls=4))


@pytest.mark.parametrize("steps", [(), ((),), (("a", "a"),), (("",),), (("a" * 201,),), (("a",),) * 65])
def test_a_search_without_steps_is_refused(steps: Any) -> None:
    with pytest.raises(UsageError):
        StepSearch(steps, judge)


def test_bad_numbers_and_rules_are_refused() -> None:
    with pytest.raises(UsageError):
        StepSearch(ROLES, judge, calls=1)
    for c in (-1.0, float("nan"), float("inf")):
        with pytest.raises(UsageError):
            SearchTree().select((), ["a"], c=c)
    with pytest.raises(UsageError):
        SearchTree().select((), [])
    with pytest.raises(UnknownName):
        SearchTree().select((), ["a"], rule="best")  # type: ignore[arg-type]
    with pytest.raises(UsageError):
        Looking(path=("",))
