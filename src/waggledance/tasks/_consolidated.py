"""A model asked in a friendly order: equal calls once, calls that begin alike one after another and at the same worker.

What is asked within one turn of the event loop is gathered, placed on a worker by its beginning, and waits there until
one of the worker's `at_once` places comes free; `Pending` says which call takes it. Answers are those that the model
gives: a request is passed on as it came, only never twice at a time.
"""

import asyncio
from collections import Counter
from dataclasses import dataclass, field
from functools import partial

import msgspec

from waggledance.core import UsageError
from waggledance.models import Completion, Model, Request, TimedOut
from waggledance.tasks._consolidate import OVERTAKE, Call, Pending, call_of
from waggledance.tasks._place import place

AT_ONCE = 8
"""Calls under way at one worker: what the embedded model decodes together."""
_SLACK_PPM = 250_000  # a copy may have a quarter more than the average, so that a call finds those that began alike


@dataclass(eq=False)
class _Sharing:
    """One call, and everybody who waits for its answer."""

    call: Call
    request: Request
    waiting: list["asyncio.Future[Completion]"] = field(default_factory=list["asyncio.Future[Completion]"])
    worker: str = ""
    sending: "asyncio.Task[None] | None" = None


class Consolidated:
    """A model that passes calls on in a friendly order.

    Used from one event loop at a time. Who asks what is asked already waits for that answer, and shares its fate,
    failure included; its completion says that nothing was computed or paid for it.

    Args:
        models: who is asked: one, or several that answer alike (copies of one model), each with a cache of its own.
        at_once: how many calls may be under way at each, at least 1.
        overtake: how often a call may be overtaken, see `consolidate`.

    Raises:
        UsageError: no model, or a number out of its range.
    """

    def __init__(self, *models: Model, at_once: int = AT_ONCE, overtake: int = OVERTAKE) -> None:
        if not models or at_once < 1:
            raise UsageError(f"consolidating needs a model and at_once of at least 1, got {len(models)} and {at_once}")
        self.name = models[0].name
        self.merged = 0
        """Calls that were answered by another's answer."""
        self._models = {str(number): model for number, model in enumerate(models)}
        self._pending = {worker: Pending(overtake) for worker in self._models}
        self._under_way = Counter[str]()
        self._at_once, self._arrived = at_once, 0
        self._new: list[_Sharing] = []
        self._by_key: dict[str, _Sharing] = {}

    def __repr__(self) -> str:
        return f"Consolidated({self.name!r}, workers={len(self._models)}, at_once={self._at_once})"

    async def complete(self, request: Request) -> Completion:
        """Answer one request; its time-out counts the wait for its turn.

        Raises:
            ModelError: as the model raises it; `TimedOut` also where its turn did not come in time.
        """
        sharing = self._joined(request)
        mine: asyncio.Future[Completion] = asyncio.get_running_loop().create_future()
        sharing.waiting.append(mine)
        try:
            async with asyncio.timeout(request.timeout_s):
                return await mine
        except TimeoutError:
            what = f"no answer within {request.timeout_s:g} s, waiting for its turn in the batch included"
            raise TimedOut(self.name, what, "Allow more time with timeout_s, or fewer rows in flight.") from None
        finally:
            sharing.waiting.remove(mine)
            mine.cancel()
            if not sharing.waiting:
                self._leave(sharing)

    async def aclose(self) -> None:
        """Close the models behind."""
        for model in self._models.values():
            await model.aclose()

    def _joined(self, request: Request) -> _Sharing:
        """The call that answers this request: one that waits or is under way, or a new one."""
        self._arrived += 1
        call = call_of(request, self._arrived)
        known = self._by_key.get(call.key)
        if known is not None:
            self.merged += 1
            return known
        if not self._new:
            asyncio.get_running_loop().call_soon(self._gather)
        sharing = self._by_key[call.key] = _Sharing(call, request)
        self._new.append(sharing)
        return sharing

    def _gather(self) -> None:
        """Place what was asked in this turn of the loop, and send what there is room for."""
        new = [sharing for sharing in self._new if sharing.waiting]
        self._new.clear()
        workers = tuple(self._models)
        load = {worker: len(self._pending[worker]) + self._under_way[worker] for worker in workers}
        placed = place([sharing.call for sharing in new], workers, load=load, slack_ppm=_SLACK_PPM)
        for sharing in new:
            sharing.worker = placed[sharing.call.arrived]
            self._pending[sharing.worker].add(sharing.call)
        for worker in workers:
            self._fill(worker)

    def _fill(self, worker: str) -> None:
        """Send what there is room for; with nothing of its own to do, a worker takes from who has most."""
        while self._under_way[worker] < self._at_once:
            mine = self._pending[worker]
            most = max(self._pending.values(), key=len)
            if not most:
                return
            sharing = self._by_key[(mine.take() if mine else most.take_oldest()).key]
            sharing.worker = worker
            self._under_way[worker] += 1
            sharing.sending = asyncio.get_running_loop().create_task(self._send(sharing))
            sharing.sending.add_done_callback(partial(self._sent, sharing))

    async def _send(self, sharing: _Sharing) -> None:
        """Ask the model, and give its answer, or its failure, to all who wait."""
        try:
            answer = await self._models[sharing.worker].complete(sharing.request)
        except Exception as error:  # noqa: BLE001 — it belongs to those who wait
            for waiter in _open(sharing):
                waiter.set_exception(error)
        else:
            for number, waiter in enumerate(_open(sharing)):
                waiter.set_result(answer if number == 0 else _shared_answer(answer))

    def _sent(self, sharing: _Sharing, _: "asyncio.Task[None]") -> None:
        """Give the place of a call that is over, or was cancelled, to the next one."""
        self._forget(sharing)
        self._under_way[sharing.worker] -= 1
        self._fill(sharing.worker)

    def _leave(self, sharing: _Sharing) -> None:
        """Give up a call that nobody waits for any more."""
        if sharing.sending is not None:
            sharing.sending.cancel()
        elif sharing.worker:
            self._pending[sharing.worker].remove(sharing.call)
        self._forget(sharing)

    def _forget(self, sharing: _Sharing) -> None:
        """Let nobody join any more; another call of the same key may have taken its place."""
        if self._by_key.get(sharing.call.key) is sharing:
            del self._by_key[sharing.call.key]


def consolidated(model: Model, in_flight: int) -> Consolidated:
    """Return `model` for a batch of `in_flight` rows.

    Only a model that says it holds one conversation (`slots`) is sent one call after another. All others get all of the
    batch's calls and decide by themselves: a server by its load, our own engine by who knows most of a call, which no
    order from outside could better. There only equal calls gain, and those asked in one turn of the event loop. What is
    consolidated already is returned as it is.
    """
    if isinstance(model, Consolidated):
        return model
    return Consolidated(model, at_once=1 if getattr(model, "slots", None) == 1 else in_flight)


def _open(sharing: _Sharing) -> list["asyncio.Future[Completion]"]:
    return [waiter for waiter in sharing.waiting if not waiter.done()]


def _shared_answer(answer: Completion) -> Completion:
    """An answer as those get it who joined: nothing was computed or paid for them."""
    usd_micro = None if answer.usd_micro is None else 0
    return msgspec.structs.replace(answer, evaluated_prompt_tokens=0, usd_micro=usd_micro)
