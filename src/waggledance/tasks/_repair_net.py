"""One repair's messages: who is asked, what is offered, what is taken, as the gate wants it done."""

from __future__ import annotations

from typing import cast

from waggledance.core import Message, MessageId, Seat, after, everyone
from waggledance.tasks._offering import messages_of
from waggledance.tasks._repair_gate import Ask, Commit, Offered
from waggledance.tasks._repair_messages import (
    MAX_ASKED,
    RepairCommit,
    RepairOffer,
    RepairRequest,
    awarded,
    mark_of_request,
    taken_from,
)
from waggledance.tasks._task import TaskId


class RepairNet:
    """The contract net of one repair, at the seat of whoever repairs.

    Args:
        seat: where.
        task: what is repaired.
        amount: how many units it misses.
        wait_s: how long answers of one circle are waited for.
    """

    def __init__(self, seat: Seat, task: TaskId, amount: int, wait_s: float) -> None:
        self._seat, self._task, self._amount, self._wait_s = seat, task, amount, wait_s
        self._until: dict[MessageId, float] = {}
        self.requests: list[MessageId] = []
        self.committed: Message[RepairCommit] | None = None

    async def ask(self, step: Ask) -> list[Offered]:
        """Ask peers; return what they offer within the time, or nothing."""
        found: list[Offered] = []
        for start in range(0, len(step.peers), MAX_ASKED):
            peers = step.peers[start : start + MAX_ASKED]
            asked = await self._seat.publish(
                RepairRequest(task=self._task, amount=self._amount, hops=step.hops, asked=peers, why=step.why[:1_000],
                              messages_left=step.messages_left)
            )  # fmt: skip
            self.requests.append(asked.id)
            until = everyone | after(self._wait_s)
            mark = mark_of_request(asked.id)
            for said in await self._seat.collect(RepairOffer, mark, until=until, of=frozenset(peers)):
                offer = said.body
                if offer.request == asked.id and said.id not in self._until:
                    self._until[said.id] = self._seat.clock.now() + offer.valid_ms / 1_000
                    found.append(Offered(said.author, min(offer.amount, self._amount), offer.price, said.id))
        return found

    async def commit(self, step: Commit, settle_s: float) -> list[Offered]:
        """Take offers; return those that cannot be had: they have expired, or another commit was first."""
        now = self._seat.clock.now()
        lost = [offer for offer in step.picked if self._until[MessageId(offer.key)] < now]
        if lost:
            return lost
        by_request: dict[MessageId, list[Offered]] = {}
        for offer in step.picked:
            by_request.setdefault(self._offer(offer).body.request, []).append(offer)
        keys = tuple([offer.key for offer in step.picked])
        said = await self._seat.publish(RepairCommit(request=next(iter(by_request)), offers=keys))
        await self._seat.sleep(settle_s)  # until others who took the same are heard
        if said.id in awarded(messages_of(self._seat)):
            self.committed = said
            return []
        taken = {peer: taken_from(messages_of(self._seat), peer) for peer in {o.peer for o in step.picked}}
        gone = [o for o in step.picked if taken[o.peer] + o.amount > self._offer(o).body.stock]
        return gone or list(step.picked)

    def needs(self, offer: Offered) -> tuple[str, ...]:
        """Return the skills by which an offer would be met."""
        return tuple(sorted(set(self._offer(offer).body.needs)))

    def _offer(self, offer: Offered) -> Message[RepairOffer]:
        found = self._seat.find(MessageId(offer.key))
        assert found is not None, "it was collected here"
        return cast("Message[RepairOffer]", found)
