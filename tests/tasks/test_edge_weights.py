"""`EdgeWeights`: how often edges are cut, specialists, a crash, and whose edges they are."""

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from waggledance.core import UNIT, Message, PeerId, UsageError, local_peer_id
from waggledance.tasks import Card, EdgeWeights, Router, Standing, Task, TaskOutcome
from waggledance.tasks._edge_weights import _run
from waggledance.testing._routing_world import said_outcome
from waggledance.testing._specialists_world import SpecialistsWorld

GOOD, BAD = local_peer_id("good"), local_peer_id("bad")
CARDS = [Card(peer=GOOD, skills={"code": 600_000}), Card(peer=BAD, skills={"code": 900_000})]


def failures(n: int, by: str = "asker") -> list[Message[TaskOutcome]]:
    return [
        said_outcome(
            local_peer_id(by),
            TaskOutcome(task=Task(goal=f"{by} {i}").id, task_kind="code", worker=BAD, reward_ppm=0),
            i + 1,
        )
        for i in range(n)
    ]


@pytest.mark.parametrize(
    ("success", "low", "high"), [(0.1, 1, 1), (0.3, 1, 1), (0.5, 0.95, 1), (0.7, 0.01, 0.06), (0.9, 0, 0)]
)
def test_edges_are_cut_as_often_as_the_papers_running_mean_says(success: float, low: float, high: float) -> None:
    rng, cut = np.random.default_rng(0), 0
    for _ in range(500):
        weight = UNIT
        for good in (rng.random(400) < success).tolist():
            weight = _run(weight, UNIT * good, 900_000)
            if weight <= 300_000:
                cut += 1
                break
    assert low <= cut / 500 <= high


def test_a_dead_peer_is_on_probation_after_twelve_failures_and_is_probed_ever_more_rarely() -> None:
    router = EdgeWeights(beta_ppm=999_999)  # so that its capability alone would keep it first
    asked = [Task(goal=f"job {i}", kind="code") for i in range(2_000)]

    def first(n: int) -> int:
        standing = Standing(router, failures(n))
        return sum(standing.rank(task, CARDS)[0].peer == BAD for task in asked)

    assert first(11) == 2_000
    assert 60 <= first(12) <= 130
    assert 5 <= first(30) <= 30


def test_specialists_beat_chance_by_far_and_a_crash_is_got_over_in_200_tasks() -> None:
    def successes(router: Router | None) -> NDArray[np.bool_]:
        return np.array([SpecialistsWorld(seed).run(router).success for seed in range(6)])

    routed, chance = successes(EdgeWeights()), successes(None)
    assert routed[:, -200:].mean() >= chance[:, -200:].mean() + 0.2
    assert routed[:, 1_200:1_400].mean() >= 0.94 * routed[:, 800:1_000].mean()


def test_two_requesters_that_disagree_keep_edges_of_their_own() -> None:
    mine, other = local_peer_id("asker"), local_peer_id("other")
    said = failures(12)
    slow, tasks = 999_999, [Task(goal=f"job {i}", kind="code") for i in range(40)]

    def chooses(of: PeerId) -> int:
        standing = Standing(EdgeWeights(of=of, beta_ppm=slow), said)
        return sum(standing.rank(task, CARDS)[0].peer == BAD for task in tasks)

    assert chooses(mine) < 8
    assert chooses(other) == 40


@pytest.mark.parametrize(
    "make",
    [
        lambda: EdgeWeights(alpha_ppm=UNIT),
        lambda: EdgeWeights(beta_ppm=-1),
        lambda: EdgeWeights(cut_ppm=UNIT + 1),
        lambda: EdgeWeights(probe_ppm=-1),
    ],
)
def test_numbers_out_of_range_are_refused(make: Callable[[], EdgeWeights]) -> None:
    with pytest.raises(UsageError, match="edge-weights needs shares"):
        make()
