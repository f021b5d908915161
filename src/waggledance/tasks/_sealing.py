"""What one peer does for the seals of a plan: backs the next one, and writes it when it is its turn.

Members stand in an order by lot, another one for each seal; each waits a lease for those before it. So a dead one costs
a lease, and two write a seal of one number only where they have not heard of each other for so long.
"""

from __future__ import annotations

from math import inf

from blake3 import blake3

from waggledance.core import PeerId, Seat
from waggledance.tasks._plan import Plan
from waggledance.tasks._seals import PlanSeal, SealBacking, checked_quorum

SEAL_EVERY = 64
"""Tasks that are over, between two seals."""


class Sealing:
    """One peer's part in sealing.

    Args:
        seat: where.
        wait_s: how long to wait for each member that stands before this one, > 0 s.
        quorum: how many members must back a seal; a majority when None.

    Raises:
        UsageError: a quorum below a majority, or of more members than there are.
    """

    def __init__(self, seat: Seat, wait_s: float, quorum: int | None) -> None:
        self._seat, self._wait_s = seat, wait_s
        self._quorum = checked_quorum(quorum, seat.roster)
        self._number, self._over, self._over_at_last = 0, 0, 0
        self._backed = -1
        """The last number of which this peer has backed a seal."""
        self._since = inf

    async def turn(self, plan: Plan, now: float, *, ended: bool) -> None:
        """Publish what is due now.

        Args:
            plan: as it stands.
            now: this peer's time.
            ended: whether tasks may have ended since the last turn.

        Raises:
            BudgetSpent: not another message may be written.
        """
        if ended:
            self._over = sum(entry.over for entry in plan.entries.values())
        if self._number != plan.sealed:
            self._number, self._over_at_last, self._since = plan.sealed, self._over, inf
        if self._backed >= self._number:
            return
        offered = [seal for seal in plan.open_seals() if seal.body.quorum == self._quorum]
        if offered:
            self._backed = self._number
            await self._seat.publish(SealBacking(seal=min(offered, key=lambda s: blake3(s.id).digest()).id))
        elif self._over >= self._over_at_last + SEAL_EVERY:
            self._since = min(self._since, now)
            if now >= self.due_at:
                self._backed = self._number
                await self._seat.publish(PlanSeal(number=self._number, after=plan.last_seal, quorum=self._quorum))

    @property
    def due_at(self) -> float:
        """When it is this peer's turn to write a seal; infinite when none is due."""
        if self._since == inf or self._backed >= self._number:
            return inf
        order = sealing_order(self._seat.channel, self._number, self._seat.roster)
        return self._since + self._wait_s * order.index(self._seat.me)


def sealing_order(channel: str, number: int, roster: tuple[PeerId, ...]) -> list[PeerId]:
    """Return whose turn it is to write a seal of a number, and whose then: by rendezvous hash, the same for all."""
    return sorted(roster, key=lambda peer: blake3(b"%b\0%d\0%b" % (channel.encode(), number, peer)).digest())
