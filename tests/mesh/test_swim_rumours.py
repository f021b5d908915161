"""News is told a bounded number of times, the least told first, and the newest of each peer."""

from __future__ import annotations

from collections import Counter
from random import Random

import pytest

from waggledance.core import Key, PeerId, swarm_id
from waggledance.mesh._swim_messages import MAX_NEWS, Refutation, refutation
from waggledance.mesh._swim_rumours import Rumours, repeats

SWARM = swarm_id("bees")
KEYS = [Key(bytes([n]) * 32) for n in range(1, 40)]
SOMEBODY = PeerId(bytes(32))


def news(of: int, incarnation: int = 1) -> Refutation:
    return refutation(KEYS[of], SWARM, incarnation)


@pytest.mark.parametrize("n", [1, 2, 8, 100])
def test_each_piece_is_told_as_often_as_its_swarm_needs_and_no_more(n: int) -> None:
    rumours = Rumours()
    for of in range(20):
        rumours.add(news(of))
    told: Counter[bytes] = Counter()
    while picked := rumours.pick(SOMEBODY, (), n):
        assert len(picked) <= MAX_NEWS
        told.update(piece.peer for piece in picked)
    assert set(told.values()) == {repeats(n)}
    assert len(told) == 20
    assert len(rumours) == 0


def test_what_was_told_least_goes_first() -> None:
    rumours = Rumours()
    for of in range(MAX_NEWS):
        rumours.add(news(of))
    rumours.pick(SOMEBODY, (), 8)
    late = Random(1).randrange(MAX_NEWS, 39)
    rumours.add(news(late))
    assert rumours.pick(SOMEBODY, (), 8)[0] == news(late)


def test_newer_news_of_a_peer_takes_the_place_of_the_older() -> None:
    rumours = Rumours()
    rumours.add(news(3, 1))
    rumours.add(news(3, 2))
    assert rumours.pick(SOMEBODY, (), 8) == (news(3, 2),)
    rumours.forget(KEYS[3].peer)
    assert rumours.pick(SOMEBODY, (), 8) == ()


def test_nobody_is_told_of_itself_and_what_must_be_told_goes_first() -> None:
    rumours = Rumours()
    rumours.add(news(2))
    assert rumours.pick(KEYS[2].peer, (), 8) == ()
    for of in range(MAX_NEWS + 3):
        rumours.add(news(of))
    picked = rumours.pick(KEYS[2].peer, [news(30), news(0)], 8)
    assert picked[:2] == (news(30), news(0))
    assert len(picked) == len({piece.peer for piece in picked}) == MAX_NEWS
    assert KEYS[2].peer not in {piece.peer for piece in picked}
    assert len(rumours.pick(KEYS[2].peer, [news(of) for of in range(MAX_NEWS + 5)], 8)) == MAX_NEWS
