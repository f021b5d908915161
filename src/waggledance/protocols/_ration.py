"""Ration: what a budget of messages lets the seats say.

All seats of a run share one budget of messages. A protocol that just spoke until the money was gone would leave those
who still could speak waiting for those who cannot. So every seat works out beforehand, alike, how many turns there are
for everybody; with less than one turn for everybody the first peers on the roster speak, and the others listen.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import msgspec

from waggledance.core import BudgetSpent, Decision, PeerId, Seat


@dataclass(frozen=True)
class Ration:
    """Who may speak, and how often."""

    turns: int
    """How many messages each speaker may publish, ≥ 1."""
    peers: int
    """How many speak."""
    speakers: frozenset[PeerId] | None = None
    """Who speaks; None means everybody."""
    note: str = ""
    """What was left out for want of messages."""

    def admits(self, peer: PeerId) -> bool:
        """Say whether a peer may speak."""
        return self.speakers is None or peer in self.speakers

    def tell(self, decision: Decision) -> Decision:
        """Return the decision with the note among its notes."""
        return msgspec.structs.replace(decision, notes=(*decision.notes, self.note)) if self.note else decision


def ration_for(seat: Seat, wanted: int) -> Ration:
    """Return what everybody may say, the same at every seat.

    Args:
        seat: the seat, for its roster and budget.
        wanted: how many messages a peer would like to publish, ≥ 1.

    Raises:
        BudgetSpent: not one message is allowed.
    """
    limit = seat.meter.budget.messages
    peers = len(seat.roster)
    if limit is None or limit >= wanted * peers:
        return _whole(wanted, peers)
    if not limit:
        raise BudgetSpent("messages", limit)
    turns = limit // peers
    if turns:
        note = f"the budget of {limit} messages allows each of {peers} peers {turns} of {wanted}; decided after those"
        return Ration(turns, peers, None, note)
    note = f"the budget of {limit} messages lets {limit} of {peers} peers speak; decided on what they said"
    return Ration(1, limit, frozenset(seat.roster[:limit]), note)


@cache
def _whole(wanted: int, peers: int) -> Ration:
    return Ration(wanted, peers)
