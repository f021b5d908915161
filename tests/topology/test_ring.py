"""Rings: who sits next to whom."""

import pytest

from waggledance.core import UsageError, local_peer_id
from waggledance.topology import Ring


@pytest.mark.parametrize(
    ("n", "reach", "degree"), [(1, 1, 0), (2, 1, 1), (3, 1, 2), (9, 1, 2), (9, 2, 4), (5, 9, 4), (6, 3, 5)]
)
def test_everybody_hears_the_nearest_on_both_sides_as_far_as_there_are_any(n: int, reach: int, degree: int) -> None:
    assert [len(near) for near in Ring(reach).hears(n, 0, 0)] == [degree] * n


def test_neighbours_are_those_next_in_order_of_id() -> None:
    peers = tuple(local_peer_id(f"p{i}") for i in range(7))
    order = sorted(peers)
    assert Ring().speakers(order[3], 0, peers, (), 0) == {order[2], order[4]}


def test_a_ring_without_neighbours_is_refused() -> None:
    with pytest.raises(UsageError, match="neighbours=0"):
        Ring(0)


def test_who_does_not_sit_here_is_told_so() -> None:
    with pytest.raises(UsageError, match="does not sit among these 3 peers"):
        Ring().speakers(local_peer_id("stranger"), 0, tuple(local_peer_id(f"p{i}") for i in range(3)), (), 0)
