"""Adversarial schedules: what is wrong is found and made small, and what is right stands."""

from __future__ import annotations

import pytest

from waggledance.consensus import Certifier
from waggledance.core import UsageError
from waggledance.testing import (
    CarriesTheHighestAck,
    ForgetsItsLock,
    OnePhaseAcrossEpochs,
    replay_schedule,
    search_schedules,
    shrink_schedule,
)
from waggledance.testing._certificate_cast import Cast
from waggledance.testing._certificate_schedules import Schedule
from waggledance.testing._certificate_world import World


@pytest.mark.parametrize("seed", [0, 10**6, 2 * 10**6])
@pytest.mark.parametrize("wrong", [OnePhaseAcrossEpochs, CarriesTheHighestAck, ForgetsItsLock])
def test_a_planted_fault_is_found_within_two_thousand_schedules(wrong: type[Certifier], seed: int) -> None:
    found = search_schedules(2000, seed=seed, make=wrong, first_only=True)
    assert len(found.contradictions) == 1
    assert found.schedules < 2000


@pytest.mark.parametrize(("members", "liars", "schedules"), [(1, 0, 50), (4, 1, 500), (7, 2, 150)])
def test_with_a_third_of_liars_nothing_contradicts_and_everything_ends(
    members: int, liars: int, schedules: int
) -> None:
    found = search_schedules(schedules, members=members, liars=liars)
    assert found.contradictions == ()
    assert found.endless == ()


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize(("members", "liars", "schedules"), [(4, 1, 30_000), (7, 2, 8_000), (10, 3, 2_000)])
def test_it_stands_in_as_many_schedules_as_the_specification_tried(members: int, liars: int, schedules: int) -> None:
    for seed in range(0, schedules, 1000):
        found = search_schedules(min(1000, schedules), members=members, liars=liars, seed=7_000_000 + seed)
        assert found.contradictions == ()
        assert found.endless == ()


@pytest.mark.parametrize(("members", "liars"), [(4, 1), (7, 2)])
def test_one_phase_in_a_single_epoch_never_contradicts(members: int, liars: int) -> None:
    assert search_schedules(150, members=members, liars=liars, one_phase=True).contradictions == ()


def test_more_liars_than_a_third_do_contradict() -> None:
    assert search_schedules(100, members=4, liars=2).contradictions


def test_a_search_is_the_same_again() -> None:
    assert search_schedules(40, make=OnePhaseAcrossEpochs) == search_schedules(40, make=OnePhaseAcrossEpochs)


def test_a_schedule_that_goes_wrong_goes_wrong_again_and_only_there() -> None:
    [bad] = search_schedules(2000, make=OnePhaseAcrossEpochs, first_only=True).contradictions
    assert len(replay_schedule(bad, OnePhaseAcrossEpochs).certified) > 1
    assert len(replay_schedule(bad, Certifier).certified) <= 1


def test_a_schedule_is_made_so_small_that_no_step_can_be_left_out() -> None:
    [bad] = search_schedules(2000, make=OnePhaseAcrossEpochs, first_only=True).contradictions
    small = shrink_schedule(bad, OnePhaseAcrossEpochs)
    assert len(small.steps) < len(bad.steps) / 2
    for at in range(len(small.steps)):
        fewer = Schedule(small.members, small.liars, small.seed, small.one_phase,
                         small.steps[:at] + small.steps[at + 1 :])  # fmt: skip
        assert len(replay_schedule(fewer, OnePhaseAcrossEpochs).certified) <= 1
    assert shrink_schedule(bad, OnePhaseAcrossEpochs) == small
    lines = str(small).splitlines()
    assert len(lines) == len(small.steps) + 1
    assert "lies" in lines[0]


class NeverAcks(Certifier):
    """Comes to preps, and to no end."""

    def _ack(self, said: object) -> None:
        """Say nothing."""


def test_members_that_do_not_end_are_seen_and_nothing_need_happen_for_it() -> None:
    found = search_schedules(1, make=NeverAcks)
    assert found.contradictions == ()
    assert [shrink_schedule(bad, NeverAcks).steps for bad in found.endless] == [()]


def test_nothing_wrong_cannot_be_made_smaller() -> None:
    with pytest.raises(UsageError, match="nothing goes wrong"):
        shrink_schedule(Schedule(4, 1, 0, False, ()))


@pytest.mark.parametrize(("members", "liars"), [(0, 0), (65, 1), (4, 4), (4, -1)])
def test_a_cast_that_cannot_be_is_refused(members: int, liars: int) -> None:
    with pytest.raises(UsageError, match="members"):
        Cast(members, liars, 0)


def test_who_lies_differs_from_seed_to_seed() -> None:
    liars = [Cast(4, 1, seed).liars[0] for seed in range(400)]
    assert all(60 < liars.count(i) < 140 for i in range(4))


def test_a_step_that_cannot_be_does_nothing() -> None:
    world = World(Cast(4, 1, 3), Certifier)
    before = dict(world.messages)
    world.do(("hear", world.cast.honest[0], (0, "claim", 9, bytes(32))))
    world.do(("claim", world.cast.liars[0], 0, ((0, "seal", 7, b""),)))
    world.do(("wait", world.cast.honest[0]))
    assert world.messages == before
