"""An order that a swarm is at work on, or has done: its events from the beginning, its decision, its end."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from typing import Any, Literal, TypeAlias, cast

from waggledance.core import Decision, Exchange, Message, WaggleError, Words
from waggledance.gateways._event import Broken, Cancelled, Decided, Event, Failed, Started
from waggledance.gateways._hosted import Hosted
from waggledance.gateways._order import Order
from waggledance.protocols import AskProtocol

logger = logging.getLogger(__name__)

_Watched: TypeAlias = Message[Any] | Words | Exchange | Decision
State = Literal["working", "done", "failed", "cancelled"]


class Running:
    """An order and what has become of it. A `Host` makes these; the work begins at once.

    Attributes:
        order: what is asked; its id is set.
        channel: where its messages stand in the log; empty until the swarm has opened it.
        state: ``working``, then ``done``, ``failed`` or ``cancelled`` for good.
        elsewhere: whether another server began it, and it is only read here.
    """

    def __init__(self, order: Order, hosted: Hosted, protocol: AskProtocol | None, taken_up: str | None = None) -> None:
        self.order = order
        self.elsewhere = taken_up == ""
        self.channel = ""
        self.state: State = "working"
        self._heard: list[Event] = []
        self._waiting: set[asyncio.Future[None]] = set()
        self._cancelling = False
        self._task = asyncio.get_running_loop().create_task(self._work(hosted, protocol, taken_up))
        self._task.add_done_callback(lambda _: self._end("cancelled", Failed(Cancelled(self.id))))

    @property
    def id(self) -> str:
        """By what the order is found again."""
        return self.order.id

    @property
    def task(self) -> asyncio.Task[None]:
        """What does the work; it ends without an error, whatever became of the order."""
        return self._task

    @property
    def last(self) -> Event | None:
        """What happened last."""
        return self._heard[-1] if self._heard else None

    def messages(self) -> tuple[Message[Any], ...]:
        """Return what was said so far."""
        return tuple(event for event in self._heard if isinstance(event, Message))

    async def events(self, after: int = 0) -> AsyncGenerator[Event]:
        """Yield everything that happens, from the beginning, and end with `Decided` or `Failed`.

        Any number of listeners may hear; leaving early stops nothing. Hear within ``contextlib.aclosing``.

        Args:
            after: how many events to leave out, for a listener who has heard those already.
        """
        while True:
            while after < len(self._heard):
                event = self._heard[after]
                after += 1
                yield event
                if isinstance(event, (Decided, Failed)):
                    return
            if self.state != "working":
                return
            waiting = asyncio.get_running_loop().create_future()
            self._waiting.add(waiting)
            try:
                await waiting
            finally:
                self._waiting.discard(waiting)

    async def opened(self) -> None:
        """Wait until the swarm has opened a channel for it.

        Raises:
            WaggleError: why it has not.
        """
        async with aclosing(self.events()) as events:
            async for event in events:
                if isinstance(event, Failed):
                    raise event.error.with_traceback(None)
                return

    async def decision(self) -> Decision:
        """Wait for the decision.

        Raises:
            WaggleError: why there is none; `Cancelled` where the order was cancelled.
        """
        await asyncio.wait((self._task,))
        last = self._heard[-1]
        if isinstance(last, Decided):
            return last.decision
        raise cast("Failed", last).error.with_traceback(None)

    def cancel(self) -> None:
        """Stop the work; the run writes down what was decided so far, and ends. Does nothing once it has ended."""
        self._cancelling = True
        self._task.cancel()

    async def _work(self, hosted: Hosted, protocol: AskProtocol | None, taken_up: str | None) -> None:
        try:
            if taken_up is not None and hosted.take_up is not None:
                await self._watch(hosted.take_up(self.order, taken_up))
            else:
                await self._watch(self._begun(hosted, protocol))
        except asyncio.CancelledError:
            self._end("cancelled", Failed(Cancelled(self.id)))
            if not self._cancelling:
                raise  # not by `cancel`: the loop is going down
        except WaggleError as why:
            self._end("failed", Failed(why))
        except Exception as why:
            logger.exception("order %s ended in a bug", self.id)
            self._end("failed", Failed(Broken(self.id, type(why).__name__)))

    def _begun(self, hosted: Hosted, protocol: AskProtocol | None) -> AsyncIterator[_Watched]:
        order = self.order
        return hosted.tuned(order).watch(
            order.question,
            protocol=protocol,
            budget=hosted.allowed(order),
            seed=order.seed,
            closely=order.closely,
        )

    async def _watch(self, watched: AsyncIterator[_Watched]) -> None:
        async with aclosing(cast("AsyncGenerator[_Watched]", watched)) as happening:
            async for event in happening:
                if isinstance(event, Decision):
                    self._end("done", Decided(event))
                    return
                if not self.channel and isinstance(event, Message):  # the opening, before anybody can say anything
                    self.channel = event.channel
                    self._tell(Started(self.id, event.channel))
                self._tell(event)

    def _end(self, state: State, event: Decided | Failed) -> None:
        if self.state == "working":  # how it ended first is how it ended
            self.state = state
            self._tell(event)

    def _tell(self, event: Event) -> None:
        self._heard.append(event)
        for waiting in self._waiting:
            if not waiting.done():
                waiting.set_result(None)
