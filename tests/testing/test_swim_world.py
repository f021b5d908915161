"""The world loses, delays, parts and stops as it says."""

from __future__ import annotations

import pytest

from waggledance.core import UsageError
from waggledance.testing import SwimWorld


@pytest.mark.parametrize(("n", "loss"), [(0, 0.0), (3, -0.1), (3, 1.1), (3, float("nan"))])
def test_a_world_of_nobody_or_a_loss_that_is_no_chance_is_refused(n: int, loss: float) -> None:
    with pytest.raises(UsageError):
        SwimWorld(n, seed=1, loss=loss)


def test_with_everything_lost_all_suspect_all_and_with_nothing_lost_nobody_does() -> None:
    for loss, status in ((1.0, "dead"), (0.0, "alive")):
        world = SwimWorld(4, seed=2, loss=loss)
        world.run(30)
        assert all(world.everyone_else(peer, status) for peer in world.peers)


def test_one_alone_sends_nothing() -> None:
    world = SwimWorld(1, seed=3)
    assert world.run(10) == 10
    assert sum(world.sent.values()) == 0


def test_each_side_of_a_partition_hears_itself_only() -> None:
    world = SwimWorld(4, seed=4)
    left, right = world.peers[:2], world.peers[2:]
    world.side = dict.fromkeys(left, 1)
    world.run(30)
    for side, other in ((left, right), (right, left)):
        states = world.swims[side[0]].states()
        assert states[side[1]].status == "alive"
        assert {states[peer].status for peer in other} == {"dead"}
