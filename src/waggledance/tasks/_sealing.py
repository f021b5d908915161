"""What one peer does for the seals of a plan: votes on the next one, and writes it when it is its turn.

Members stand in an order by lot, another one for each seal; each waits a lease for those before it. So a dead one costs
a lease, and two write a seal of one number only where they have not heard of each other for so long. Then both may be
backed, and neither by a quorum: members that hear each other again go on to another epoch and back one of the two.

    back      one seal in each epoch: the one it is locked to, else the one that most have backed, ties by hash
    lock      what a quorum backs, by the latest epoch, or what this peer has backed firmly itself
    firm      what it is locked to, once an epoch, unless it has backed a seal in a later one
    go on     to the next epoch when this one can carry no seal, or has not in a lease or more; only with a quorum in it

So nothing is written while there is no quorum to hear it. What this peer has voted is read from the plan: it holds
after a restart. The rule is that of `consensus.Certifier`, with one seal for a decision.
"""

from __future__ import annotations

from math import inf

from blake3 import blake3

from waggledance.core import PeerId, Seat
from waggledance.tasks._plan import Plan
from waggledance.tasks._seal_votes import SealVotes
from waggledance.tasks._seals import PlanSeal, SealBacking, checked_quorum

SEAL_EVERY = 64
"""Tasks that are over, between two seals."""


class Sealing:
    """One peer's part in sealing.

    Args:
        seat: where.
        wait_s: how long to wait for each member that stands before this one, and for an epoch's votes, > 0 s.
        quorum: how many members must back a seal; a majority when None.

    Raises:
        UsageError: a quorum below a majority, or of more members than there are.
    """

    def __init__(self, seat: Seat, wait_s: float, quorum: int | None) -> None:
        self._seat, self._wait_s = seat, wait_s
        self._quorum = checked_quorum(quorum, seat.roster)
        self._number, self._over, self._over_at_last = 0, 0, 0
        self._backed = self._firm = -1
        """The last epoch in which this peer has backed a seal of this number, and firmly."""
        self._since = inf
        self._epoch, self._epoch_since = 0, inf
        """An epoch with a quorum in it, and since when."""

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
            self._backed = self._firm = -1
            self._epoch, self._epoch_since = 0, inf
        due = self._due(plan, now)
        if due is None:
            return
        if isinstance(due, SealBacking) and due.firm:
            self._firm = due.round
        else:
            self._backed = due.round
        await self._seat.publish(due)

    @property
    def due_at(self) -> float:
        """When this peer has something to do unless something comes before: write a seal, or go on to an epoch."""
        goes_on = self._epoch_since + self._wait_s * (self._epoch + 1)
        if self._since == inf or self._backed >= 0:
            return goes_on
        order = sealing_order(self._seat.channel, self._number, self._seat.roster)
        return min(goes_on, self._since + self._wait_s * order.index(self._seat.me))

    def _due(self, plan: Plan, now: float) -> PlanSeal | SealBacking | None:
        """Return the vote or the seal that is due now."""
        votes, me = plan.seal_votes, self._seat.me
        own, backed = votes.last(me, firm=True), votes.last(me, firm=False)
        self._firm = max(self._firm, -1 if own is None else own[0])
        self._backed = max(self._backed, -1 if backed is None else backed[0])
        lock = max((ballot for ballot in (votes.lock(), own) if ballot is not None), default=None)
        firm = lock is not None and lock[0] > self._firm and lock[0] >= self._backed
        epoch = self._epoch_now(votes, now)
        if not firm and epoch <= max(self._backed, self._firm):
            return None
        offered = {seal.id for seal in plan.open_seals() if seal.body.quorum == self._quorum}
        if lock is not None:
            vote = SealBacking(seal=lock[1], round=lock[0] if firm else epoch, firm=firm)
            return vote if lock[1] in offered else None
        if offered:
            most = min(offered, key=lambda id: (-votes.support(id), blake3(id).digest()))
            return SealBacking(seal=most, round=epoch)
        if self._over >= self._over_at_last + SEAL_EVERY:
            self._since = min(self._since, now)
            if now >= self.due_at:
                return PlanSeal(number=self._number, after=plan.last_seal, quorum=self._quorum, round=epoch)
        return None

    def _epoch_now(self, votes: SealVotes, now: float) -> int:
        """Return the epoch to vote in: the next where this one comes to nothing and a quorum is there to hear it."""
        own, others = max(self._backed, self._firm), votes.reached(len(self._seat.roster) - self._quorum + 1)
        epoch = max(0, own, others)
        if own < epoch or votes.reached(self._quorum) < epoch:
            self._epoch_since = inf
            return epoch
        if (self._epoch, self._epoch_since < inf) != (epoch, True):
            self._epoch, self._epoch_since = epoch, now
        late = now >= self._epoch_since + self._wait_s * (epoch + 1)
        if not late and not votes.is_spent(epoch):
            return epoch
        self._epoch_since = inf
        return epoch + 1


def sealing_order(channel: str, number: int, roster: tuple[PeerId, ...]) -> list[PeerId]:
    """Return whose turn it is to write a seal of a number, and whose then: by rendezvous hash, the same for all."""
    return sorted(roster, key=lambda peer: blake3(b"%b\0%d\0%b" % (channel.encode(), number, peer)).digest())
