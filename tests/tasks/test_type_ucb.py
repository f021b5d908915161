"""`TypeUCB` in the world of the card `symphony`, few seeds; `benchmarks/routing.py` has thirty."""

import numpy as np
import pytest

from waggledance.core import UNIT, UsageError
from waggledance.tasks import StaticSkills, TypeUCB
from waggledance.tasks._faded import ONE, power
from waggledance.testing._routing_world import RoutingWorld

SEEDS = range(4)


def degrade(world: RoutingWorld) -> None:
    world.means[world.experts[0], 0] = 0.2


def announced_death(world: RoutingWorld) -> None:
    world.up[world.experts[0]] = False


def test_regret_is_a_third_of_the_cards_bound_and_falls_while_static_never_learns() -> None:
    learnt = [RoutingWorld(seed).run(TypeUCB(), 2_000) for seed in SEEDS]
    static = [RoutingWorld(seed).run(StaticSkills(), 2_000) for seed in SEEDS]
    assert np.mean([run.total() for run in learnt]) < 30 < 80 < np.mean([run.total() for run in static])
    first, last = (np.mean([run.regret[part].sum() for run in learnt]) for part in (slice(500), slice(-500, None)))
    assert last <= 0.6 * first


@pytest.mark.slow
def test_an_expert_that_degrades_silently_is_left_within_250_tasks_because_outcomes_fade() -> None:
    runs = [RoutingWorld(seed).run(TypeUCB(), 2_500, events={1_500: degrade}) for seed in range(9)]
    taken = [1_000 if (n := run.recovered(0, 1_500)) is None else n for run in runs]
    assert np.median(taken) <= 250
    never = [RoutingWorld(seed).run(TypeUCB(keep_ppm=UNIT), 2_500, events={1_500: degrade}) for seed in range(9)]
    stays = [1_000 if (n := run.recovered(0, 1_500)) is None else n for run in never]
    assert np.median(stays) > 400


def test_an_announced_death_costs_no_task() -> None:
    world = RoutingWorld(0)
    run = world.run(TypeUCB(), 800, events={400: announced_death})
    assert not (run.chosen[400:] == world.experts[0]).any()
    assert (run.chosen[:400] == world.experts[0]).any()


@pytest.mark.slow
def test_gossiped_outcomes_halve_the_regret_of_own_ones_even_late_and_with_losses() -> None:
    own, told, late = (
        np.mean([RoutingWorld(s).run(TypeUCB(), 1_600, requesters=8, gossip=g, lost=lost).total() for s in SEEDS])
        for g, lost in ((None, 0.0), (1, 0.0), (10, 0.3))
    )
    assert told <= own / 2
    assert late <= own / 2


def test_cards_that_overstate_are_seen_through() -> None:
    def lied_to(router: TypeUCB | StaticSkills) -> float:
        total = 0.0
        for seed in SEEDS:
            world = RoutingWorld(seed)
            world.claims[[i for i in range(8) if i not in world.experts]] = 1.0
            total += float(world.run(router, 1_500).regret[-500:].sum()) / len(SEEDS)
        return total

    assert lied_to(TypeUCB()) < 12 < 100 < lied_to(StaticSkills())


@pytest.mark.parametrize(
    ("keep", "n"), [(980_000, 0), (980_000, 1), (980_000, 77), (UNIT, 10**9), (1, 3), (500_000, 31)]
)
def test_fading_is_a_power_to_six_digits(keep: int, n: int) -> None:
    assert power(keep, n) / ONE == pytest.approx((keep / UNIT) ** n, abs=1e-6)


@pytest.mark.parametrize("wrong", [{"keep_ppm": 0}, {"keep_ppm": UNIT + 1}, {"prior_weight": 0}, {"explore_ppm": -1}])
def test_numbers_out_of_range_are_refused(wrong: dict[str, int]) -> None:
    with pytest.raises(UsageError, match=r"parts per million|prior_weight >= 1"):
        TypeUCB(**wrong)
