"""Seat numbers: a roster in order of peer id, so that no plan depends on the order in which peers were named."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping, Sequence

from waggledance.core import PeerId, UsageError

KEPT = 64
"""How many rosters are remembered, the latest ones."""

_remembered: OrderedDict[int, tuple[tuple[PeerId, ...], Seats]] = OrderedDict()


class Seats:
    """The peers of a roster, each with its number from 0."""

    __slots__ = ("_numbers", "peers")

    def __init__(self, roster: Sequence[PeerId]) -> None:
        self.peers = tuple(sorted(set(roster)))
        self._numbers: Mapping[PeerId, int] = {peer: number for number, peer in enumerate(self.peers)}

    def number(self, peer: PeerId) -> int:
        """Return a peer's seat number.

        Raises:
            UsageError: the peer does not sit here.
        """
        number = self._numbers.get(peer)
        if number is None:
            raise UsageError(f"peer {peer.hex()[:12]} does not sit among these {len(self.peers)} peers: "
                             "ask for one who is on the roster")  # fmt: skip
        return number


def seats_of(roster: Sequence[PeerId]) -> Seats:
    """Return the seats of a roster; of a tuple that was seen lately without looking through it again.

    Remembered by identity: the tuple is kept, so its identity stays its own, and it cannot change.
    """
    if not isinstance(roster, tuple):
        return Seats(roster)
    known = _remembered.get(id(roster))
    if known is not None and known[0] is roster:
        return known[1]
    seats = Seats(roster)
    _remembered[id(roster)] = (roster, seats)
    while len(_remembered) > KEPT:
        _remembered.popitem(last=False)
    return seats
