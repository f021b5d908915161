"""A peer that is full hands over what it has not begun, to one with nothing to do: for a gain, and never to and fro."""

from __future__ import annotations

import asyncio
from collections import Counter
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from waggledance.core import PeerId, UsageError
from waggledance.network import Constant, Crash
from waggledance.tasks import (
    Accept,
    Add,
    Claiming,
    HandOver,
    PlanEdit,
    Planned,
    PlanResult,
    Rebalancer,
    Result,
    Task,
    Work,
)
from waggledance.testing import Run, simulate


def run(
    seconds: dict[str, float], *, peers: int = 4, ahead: int = 3, slow: str = "", **more: Any
) -> tuple[Run, Counter[str]]:
    """Run tasks of known lengths; return what was seen and how often each was begun."""
    begun = Counter[str]()

    async def execute(work: Work) -> Result:
        begun[work.task.goal] += 1
        await asyncio.sleep(seconds[work.task.goal] * (10 if work.seat.name == slow else 1))
        return Result("so")

    rebalancer = more.pop("rebalancer", Rebalancer(aim_ppm=1_000_000))
    claiming = Claiming(in_flight=1, lease_s=30.0, stagger_s=0.2, ahead=ahead, rebalancer=rebalancer)
    planned = Planned(ops=tuple(Add(Task(goal=goal)) for goal in seconds), execute=execute, claiming=claiming)
    seen = simulate(planned, "Do it", peers=peers, delay=Constant(0.1), limit_s=9_000, **more)
    return seen, begun


def ops_of(seen: Run, kind: type[Any]) -> list[tuple[PeerId, Any]]:
    return [
        (m.author, op) for m in seen.log if isinstance(m.body, PlanEdit) for op in m.body.ops if isinstance(op, kind)
    ]


SKEWED = {f"t{n}": 40.0 if n % 8 == 0 else 2.0 for n in range(32)}


def test_what_waits_behind_a_long_task_is_done_by_who_has_nothing_to_do() -> None:
    kept, _ = run(SKEWED, seed=1, rebalancer=None)
    handed, begun = run(SKEWED, seed=1)
    assert set(begun.values()) == {1}
    assert ops_of(handed, HandOver)
    assert not ops_of(kept, HandOver)
    assert not ops_of(kept, Accept)
    assert handed.virtual_s < 0.9 * kept.virtual_s


@settings(max_examples=4)
@given(seed=st.integers(0, 10**6))
def test_no_task_comes_to_a_peer_twice_and_none_that_was_begun_moves(seed: int) -> None:
    rng = Random(seed)
    seconds = {f"t{n}": rng.lognormvariate(1.0, 1.5) for n in range(24)}
    seen, begun = run(seconds, peers=5, seed=seed)
    plan = PlanResult.of(seen.log).plan
    assert plan.complete
    assert max(begun.values()) == 1
    ways: dict[bytes, list[PeerId]] = {}
    for by, op in ops_of(seen, HandOver):
        ways.setdefault(op.task, [by]).append(op.to)
    assert all(len(set(way)) == len(way) for way in ways.values())


def test_a_slow_peer_keeps_only_what_it_is_at() -> None:
    seconds = {f"t{n}": 3.0 for n in range(24)}
    kept, _ = run(seconds, seed=2, slow="p1", rebalancer=None)
    handed, _ = run(seconds, seed=2, slow="p1")
    names = PlanResult.of(handed.log).names
    assert {names[by] for by, _ in ops_of(handed, HandOver)} >= {"p1"}
    assert handed.virtual_s < kept.virtual_s / 1.5


def test_a_receiver_that_dies_with_what_it_was_handed_costs_a_lease_and_nothing_is_lost() -> None:
    whole, _ = run(SKEWED, seed=1)
    when = min(
        m.wall_ms
        for m in whole.log
        if isinstance(m.body, PlanEdit) and any(isinstance(op, HandOver) for op in m.body.ops)
    )
    first = next(op for m in whole.log if isinstance(m.body, PlanEdit) for op in m.body.ops if isinstance(op, HandOver))
    began = min(m.wall_ms for m in whole.log)
    to = PlanResult.of(whole.log).names[first.to]
    seen, begun = run(SKEWED, seed=1, faults=[Crash(to, at_s=(when - began) / 1_000 + 0.05)])
    assert PlanResult.of(seen.log).plan.complete
    assert sum(begun.values()) <= len(SKEWED) + 2


def test_nobody_accepts_anything_where_nobody_holds_more_than_it_does() -> None:
    seen, _ = run(SKEWED, seed=1, ahead=0)
    assert not ops_of(seen, Accept)


def test_a_peer_claims_none_or_more_ahead() -> None:
    with pytest.raises(UsageError, match="claims 0 or more ahead"):
        Claiming(ahead=-1)
