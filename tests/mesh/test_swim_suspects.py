"""A suspicion ends when it should, after three calls, and can be lengthened."""

from __future__ import annotations

from math import inf

from waggledance.core import PeerId
from waggledance.mesh._swim_suspects import Suspects

ONE, TWO = PeerId(bytes(32)), PeerId(bytes([1]) * 32)


def ends(suspects: Suspects) -> list[tuple[float, PeerId, bool]]:
    seen: list[tuple[float, PeerId, bool]] = []
    while suspects.next_at < inf:
        now = suspects.next_at
        seen += [(now, peer, call) for peer, call in suspects.due(now)]
    return seen


def test_a_suspect_is_called_three_times_in_its_last_periods_and_then_given_up() -> None:
    suspects = Suspects(1.0)
    suspects.add(ONE, 12.0)
    assert list(suspects.due(8.9)) == []
    assert ends(suspects) == [(9.0, ONE, True), (10.0, ONE, True), (11.0, ONE, True), (12.0, ONE, False)]


def test_who_is_discarded_is_neither_called_nor_given_up() -> None:
    suspects = Suspects(1.0)
    suspects.add(ONE, 12.0)
    suspects.add(TWO, 13.0)
    list(suspects.due(9.0))
    suspects.discard(ONE)
    suspects.discard(ONE)
    assert {peer for _, peer, _ in ends(suspects)} == {TWO}


def test_what_is_put_off_ends_as_much_later_and_not_at_once() -> None:
    suspects = Suspects(1.0)
    suspects.add(ONE, 12.0)
    suspects.add(TWO, 20.0)
    suspects.put_off(5.0, 16.0)
    assert [(at, peer) for at, peer, call in ends(suspects) if not call] == [(19.0, ONE), (25.0, TWO)]
