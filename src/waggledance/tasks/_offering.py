"""What a peer does about others' repairs while it works on a plan: it says what it could give, when it is asked."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Protocol, cast, runtime_checkable

from waggledance.core import BudgetSpent, Message, MessageId, Seat
from waggledance.tasks._plan import Plan
from waggledance.tasks._planner import nest
from waggledance.tasks._repair_messages import (
    RepairCancel,
    RepairCommit,
    RepairOffer,
    RepairRequest,
    mark_of_request,
    taken_from,
)
from waggledance.tasks._task import Task


@dataclass(frozen=True)
class Supply:
    """What a peer could give to a repair."""

    stock: int
    """Units in all, ≥ 0: what commits took already is taken off."""
    price: int = 0
    needs: tuple[str, ...] = ()
    """The skills by which it would be done."""


@runtime_checkable
class Supplying(Protocol):
    """Somebody who offers to repair what failed: a planner, a reviser."""

    def supply(self, seat: Seat, task: Task, /) -> Supply | None:
        """Return what the peer at this seat could give to this task; None for nothing."""
        ...


class Offering:
    """Answers requests for help at one seat, beside the tasks that its peer is at.

    Args:
        seat: where.
        planner: says what there is to offer, if something in it is `Supplying`; otherwise the answer is nothing.
        plan: returns the plan as it stands.
    """

    def __init__(self, seat: Seat, planner: object | None, plan: Callable[[], Plan]) -> None:
        self._seat, self._plan = seat, plan
        self._supplying = next((p for p in nest(planner) if isinstance(p, Supplying)), None)
        self._answered: set[MessageId] = set()
        self._at: set[asyncio.Task[None]] = set()

    def take(self, fresh: Iterable[Message[Any]]) -> None:
        """Answer the requests among these messages that are for this peer."""
        fresh = list(fresh)
        self._answered |= {
            m.body.request for m in fresh if isinstance(m.body, RepairOffer) and m.author == self._seat.me
        }
        for message in fresh:
            for_me = isinstance(message.body, RepairRequest) and self._seat.me in message.body.asked
            if for_me and message.id not in self._answered:
                self._answered.add(message.id)
                self._begin(self._answer(cast("Message[RepairRequest]", message)))

    async def stop(self) -> None:
        """Stop answering, and wait until that is so."""
        for task in list(self._at):
            task.cancel()
        await asyncio.gather(*self._at, return_exceptions=True)

    def _begin(self, answering: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(answering)
        self._at.add(task)
        task.add_done_callback(self._at.discard)

    async def _answer(self, request: Message[RepairRequest]) -> None:
        entry = self._plan().entries.get(request.body.task)
        supply: Supply | None = None
        if self._supplying is not None and entry is not None:
            with suppress(Exception):  # a peer's own code: its error means that it offers nothing
                supply = self._supplying.supply(self._seat, entry.task)
        supply = supply or Supply(0)
        left = max(0, supply.stock - taken_from(messages_of(self._seat), self._seat.me))
        with suppress(BudgetSpent):  # who asked stops waiting
            await self._seat.publish(
                RepairOffer(
                    request=request.id,
                    round=mark_of_request(request.id),
                    amount=min(left, request.body.amount),
                    price=supply.price,
                    stock=supply.stock,
                    needs=supply.needs,
                )
            )


def messages_of(seat: Seat) -> list[Message[Any]]:
    """Return all requests, offers, commits and cancels that are at a seat."""
    requests = seat.said(RepairRequest)
    offers = [offer for mark in {mark_of_request(r.id) for r in requests} for offer in seat.said(RepairOffer, mark)]
    return [*requests, *offers, *seat.said(RepairCommit), *seat.said(RepairCancel)]
