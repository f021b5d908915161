"""Lies: praise of oneself, a clique, two requesters that disagree, and what routers do about them."""

import asyncio
from dataclasses import dataclass
from random import Random
from typing import ClassVar

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from waggledance.core import UNIT, Decision, Message, RunFailed, Seat, local_peer_id
from waggledance.network import Constant
from waggledance.tasks import (
    Add,
    Claiming,
    Planned,
    Result,
    Task,
    TaskOutcome,
    TypeUCB,
    Work,
    counted,
    doubted_by,
)
from waggledance.tasks._doubted import Doubts
from waggledance.testing import simulate
from waggledance.testing._routing_world import Lie, RoutingWorld, said_outcome

ME, OTHER, LIAR, WORKER = (local_peer_id(name) for name in ("me", "other", "liar", "worker"))


def said(author: str, rewards: list[int], worker: str = "worker") -> list[Message[TaskOutcome]]:
    return [
        said_outcome(
            local_peer_id(author),
            TaskOutcome(
                task=Task(goal=f"{author} {i}").id, task_kind="code", worker=local_peer_id(worker), reward_ppm=r
            ),
            i + 1,
        )
        for i, r in enumerate(rewards)
    ]


def praise(members: int) -> Lie:
    """Return a lie: the worst peers praise each other, once a task; one alone praises itself."""

    def told(world: RoutingWorld, t: int) -> list[Message[TaskOutcome]]:
        worst = [world.ids[int(i)] for i in np.argsort(world.means.mean(axis=1)).tolist()[:members]]
        body = TaskOutcome(
            task=Task(goal=f"lie {t}").id, task_kind=world.kinds[t % len(world.kinds)],
            worker=worst[(t + 1) % members], reward_ppm=UNIT,
        )  # fmt: skip
        return [said_outcome(worst[t % members], body, t + 1)]

    return told


def late_regret(lies: Lie | None, *, doubt: bool = False) -> float:
    runs = [RoutingWorld(seed).run(TypeUCB(), 1_200, lies=lies, doubt=doubt) for seed in range(2)]
    return float(np.mean([run.regret[-400:].sum() for run in runs]))


def test_a_peer_that_praises_itself_gains_nothing() -> None:
    assert late_regret(praise(1)) == late_regret(None)


def test_a_clique_draws_work_while_believed_and_little_once_doubted() -> None:
    honest, believed, doubted = late_regret(None), late_regret(praise(3)), late_regret(praise(3), doubt=True)
    assert believed > honest + 20
    assert doubted < honest + (believed - honest) / 3


def test_who_says_otherwise_about_shared_workers_is_doubted_and_who_agrees_is_not() -> None:
    mine = said("me", [0] * 12)
    assert doubted_by(ME, mine + said("liar", [UNIT] * 12) + said("other", [0] * 9 + [UNIT] * 3)) == {LIAR}


def test_two_requesters_that_disagree_doubt_each_other_and_learn_each_for_itself() -> None:
    both = said("me", [0] * 12) + said("other", [UNIT] * 12)
    assert doubted_by(ME, both) == {OTHER}
    assert doubted_by(OTHER, both) == {ME}
    assert {m.author for m in counted(both, doubted=doubted_by(ME, both))} == {ME}


def test_nobody_is_doubted_on_little_or_about_workers_one_does_not_know() -> None:
    assert doubted_by(ME, said("me", [0] * 9) + said("liar", [UNIT] * 50)) == frozenset()
    assert doubted_by(ME, said("me", [0] * 50) + said("liar", [UNIT] * 50, worker="stranger")) == frozenset()
    assert doubted_by(ME, said("liar", [UNIT] * 50)) == frozenset()
    assert doubted_by(ME, []) == frozenset()


def test_a_doubt_does_not_depend_on_the_order_of_messages() -> None:
    both = said("me", [0, UNIT] * 10) + said("liar", [UNIT] * 20)
    assert doubted_by(ME, both) == doubted_by(ME, both[::-1] + both)


@settings(max_examples=30)
@given(seed=st.integers(0, 10**6))
def test_a_doubt_kept_up_to_date_is_the_one_from_scratch_in_any_order_and_portions(seed: int) -> None:
    rng = Random(seed)
    all_said = [
        said_outcome(
            rng.choice((ME, OTHER, LIAR)),
            TaskOutcome(
                task=Task(goal=f"{rng.randrange(30)}").id, task_kind=rng.choice(("code", "look")),
                worker=rng.choice((WORKER, OTHER)), reward_ppm=rng.choice((0, UNIT)),
            ),
            rng.randint(1, 9),
        )
        for _ in range(120)
    ]  # fmt: skip
    doubts = Doubts(ME)
    for start in range(0, 120, 7):
        before = doubts.authors
        assert doubts.take(all_said[start : start + 7] + all_said[:3]) == (doubts.authors != before)
        assert doubts.authors == doubted_by(ME, all_said[: start + 7])


LIARS = ("p0", "p1", "p2")


@dataclass(frozen=True)
class Remembering:
    """A plan whose peers first tell of earlier work: liars praise each other, the others had bad work from them."""

    planned: Planned
    name: ClassVar[str] = "remembering"
    skills: ClassVar[frozenset[str]] = frozenset({"propose"})

    async def __call__(self, seat: Seat) -> Decision:
        lies = seat.name in LIARS
        about = [peer for peer in seat.roster if seat.table.names[peer] in LIARS and peer != seat.me]
        for n, worker in enumerate(about * (60 if lies else 5)):
            task = Task(goal=f"earlier work {n} for {seat.name}").id
            await seat.publish(TaskOutcome(task=task, task_kind="think", worker=worker, reward_ppm=UNIT if lies else 0))
        return await self.planned(seat)


def tries_of_liars() -> int:
    tried = 0

    async def execute(work: Work) -> Result:
        nonlocal tried
        await asyncio.sleep(5)
        if work.seat.name in LIARS:
            tried += 1
            raise RunFailed("I never meant to")
        return Result("done")

    ops = tuple(Add(Task(goal=f"t{n}", tries=4)) for n in range(40))
    planned = Planned(ops=ops, execute=execute, router=TypeUCB(), claiming=Claiming(in_flight=1, stagger_s=20.0))
    simulate(Remembering(planned), "Do it", peers=5, seed=3, delay=Constant(0.05), limit_s=5_000)
    return tried


def test_a_plan_whose_liars_praise_each_other_leaves_them_less_once_they_are_doubted() -> None:
    doubted = tries_of_liars()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("waggledance.tasks._doubted.ENOUGH", 10**9)
        believed = tries_of_liars()
    assert doubted < 0.7 * believed
