"""`Rebalancer`: what it moves, and what that gains in the world that the card on load balancing asks for."""

import pytest

from waggledance.core import UsageError, local_peer_id
from waggledance.tasks import Rebalancer, Room, TaskId
from waggledance.testing._services_world import ServicesWorld

A, B, C = (local_peer_id(name) for name in "abc")
BIG, SMALL = TaskId(b"b" * 32), TaskId(b"s" * 32)


def test_overload_falls_to_a_quarter_with_few_moves_and_none_goes_back() -> None:
    alone = ServicesWorld(0).run(None, 200)
    moved = ServicesWorld(0).run(Rebalancer(), 200)
    assert moved.overload <= alone.overload / 4
    assert moved.moves <= 2 * 2_000 * 200 / 1_000
    assert moved.returns == 0


def test_without_a_least_gain_moves_explode() -> None:
    held, free = (
        ServicesWorld(0, peers=60, services=600).run(rebalancer, 100).moves
        for rebalancer in (Rebalancer(), Rebalancer(min_gain_ppm=0, aim_ppm=0))
    )
    assert free > 8 * held


@pytest.mark.slow
def test_four_candidates_gain_nine_tenths_of_what_everybody_would() -> None:
    none, four, everybody = (
        ServicesWorld(1, peers=80, services=800).run(rebalancer, 200).overload
        for rebalancer in (None, Rebalancer(), Rebalancer(candidates=1_000))
    )
    assert none - four >= 0.9 * (none - everybody)


def test_a_peer_within_its_aim_offers_nothing_and_one_above_it_what_gains_most() -> None:
    services = {BIG: (500, 0), SMALL: (100, 0)}
    room = Room(B, (1_000, 1_000), (100, 100))
    assert Rebalancer().move(Room(A, (1_000, 1_000), (880, 0)), services, [room], draw=b"1") is None
    move = Rebalancer().move(Room(A, (1_000, 1_000), (1_200, 0)), services, [room], draw=b"1")
    assert move is not None
    assert (move.service, move.to) == (BIG, B)


def test_nothing_moves_to_a_peer_that_is_as_full_nor_for_less_than_it_costs() -> None:
    full, services = Room(A, (1_000,), (1_100,)), {BIG: (500,)}
    assert Rebalancer().move(full, services, [Room(B, (1_000,), (1_100,))], draw=b"1") is None
    assert Rebalancer().move(full, services, [Room(B, (1_000,), (100,))], draw=b"1", cost_ppm=2_000_000) is None
    assert Rebalancer().move(full, services, [], draw=b"1") is None
    assert Rebalancer().move(full, {}, [Room(B, (1_000,), (100,))], draw=b"1") is None
    crowded = [Room(local_peer_id(str(i)), (1_000,), (1_500,)) for i in range(9)]
    assert Rebalancer().move(full, services, crowded, draw=b"1") is None


def test_a_move_does_not_depend_on_the_order_of_peers_or_services() -> None:
    full, rooms = Room(A, (1_000,), (1_400,)), [Room(B, (1_000,), (100,)), Room(C, (1_000,), (100,))]
    services = {BIG: (400,), SMALL: (400,)}
    move = Rebalancer().move(full, services, rooms, draw=b"x")
    assert move == Rebalancer().move(full, dict(reversed(services.items())), rooms[::-1], draw=b"x")
    assert len({Rebalancer().move(full, services, rooms, draw=b"%d" % i) for i in range(40)}) == 4  # equals, drawn


def test_rooms_that_make_no_sense_are_refused() -> None:
    with pytest.raises(UsageError, match="same resources"):
        Room(A, (1, 2), (1,))
    with pytest.raises(UsageError, match="1 or more"):
        Room(A, (0,), (0,))
    with pytest.raises(UsageError, match="weighs only"):
        Rebalancer().move(Room(A, (10,), (11,)), {BIG: (1, 2)}, [], draw=b"")
    for wrong in ({"candidates": 0}, {"min_gain_ppm": -1}, {"aim_ppm": -1}):
        with pytest.raises(UsageError, match="a rebalancer needs"):
            Rebalancer(**wrong)
