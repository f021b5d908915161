"""Stars: who is in the middle."""

from typing import Any, cast

import pytest

from waggledance.core import UsageError, local_peer_id
from waggledance.topology import Star

PEERS = tuple(local_peer_id(f"p{i}") for i in range(7))


def test_a_drawn_centre_stays_and_depends_on_the_seed() -> None:
    assert len({Star().centre_of(round, PEERS, 5) for round in range(9)}) == 1
    assert {Star().centre_of(0, PEERS, seed) for seed in range(200)} == set(PEERS)


def test_a_rotating_centre_is_everybody_once_in_n_rounds() -> None:
    assert {Star("rotating").centre_of(round, PEERS, 5) for round in range(7)} == set(PEERS)


def test_a_given_peer_hears_all_and_all_hear_it_alone() -> None:
    star = Star(PEERS[2])
    assert star.speakers(PEERS[2], 0, PEERS, (), 0) == set(PEERS) - {PEERS[2]}
    assert all(star.speakers(peer, 3, PEERS, (), 0) == {PEERS[2]} for peer in PEERS if peer != PEERS[2])


def test_a_centre_who_does_not_sit_here_is_refused() -> None:
    with pytest.raises(UsageError, match="does not sit among these 7 peers"):
        Star(local_peer_id("stranger")).plan(0, PEERS, (), 0)


def test_a_centre_that_is_neither_a_way_to_choose_nor_a_peer_is_refused() -> None:
    with pytest.raises(UsageError, match="'middle'"):
        Star(cast("Any", "middle"))
