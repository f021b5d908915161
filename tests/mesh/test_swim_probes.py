"""Everybody's turn comes once a round, in an order that changes."""

from __future__ import annotations

from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from waggledance.core import PeerId
from waggledance.mesh._swim_probes import Round

PEERS = [PeerId(bytes([n]) * 32) for n in range(40)]


@settings(max_examples=30)
@given(seed=st.integers(0, 1 << 32), n=st.integers(1, 40))
def test_nobody_waits_longer_than_two_rounds_but_one(seed: int, n: int) -> None:
    turns = Round(Random(seed))
    turns.know(PEERS[:n], PEERS[:n])
    order = [turns.next(lambda _: True) for _ in range(5 * n)]
    for peer in PEERS[:n]:
        at = [index for index, turn in enumerate(order) if turn == peer]
        assert len(at) == 5
        assert max(b - a for a, b in zip([-1, *at], at, strict=False)) <= 2 * n - 1


def test_rounds_differ() -> None:
    turns = Round(Random(3))
    turns.know(PEERS, PEERS)
    rounds = [tuple(turns.next(lambda _: True) for _ in PEERS) for _ in range(3)]
    assert len(set(rounds)) == 3


def test_unwanted_ones_are_passed_over_and_with_nobody_wanted_it_is_nobodys_turn() -> None:
    turns = Round(Random(4))
    assert turns.next(lambda _: True) is None
    turns.know(PEERS[:5], PEERS[:5])
    assert {turns.next(lambda peer: peer == PEERS[3]) for _ in range(7)} == {PEERS[3]}
    assert turns.next(lambda _: False) is None


def test_who_is_gone_has_no_turn_and_who_is_hurried_is_next() -> None:
    turns = Round(Random(5))
    turns.know(PEERS[:9], PEERS[:9])
    turns.know(PEERS[:4], [])
    turns.hurry(PEERS[2])
    turns.hurry(PEERS[2])
    assert turns.next(lambda _: True) == PEERS[2]
    assert turns.next(lambda _: True) != PEERS[2]
    assert {turns.next(lambda _: True) for _ in range(20)} == set(PEERS[:4])
