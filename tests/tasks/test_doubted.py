"""Lies: praise of oneself, a clique, two requesters that disagree, and what routers do about them."""

import numpy as np

from waggledance.core import UNIT, Message, local_peer_id
from waggledance.tasks import Task, TaskOutcome, TypeUCB, counted, doubted_by
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
