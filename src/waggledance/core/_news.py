"""News of a channel: everything that comes, once, for whoever follows the whole of it and not one kind or round."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from math import inf
from types import TracebackType
from typing import Any, Self

from waggledance.core._channel import AnyMessage, Channel


class News:
    """What has come into a channel since it was last asked: first everything that is there already.

    Each listener hears all, however many there are; see `Seat.listen`.

    Args:
        channel: what to follow.
        heard: a list that what is returned is also added to.
        seconds_left: how long may be waited at most.
    """

    __slots__ = ("_channel", "_fresh", "_heard", "_seconds_left", "_woken", "stop")

    def __init__(self, channel: Channel, heard: list[AnyMessage], seconds_left: Callable[[], float]) -> None:
        self._channel, self._heard, self._seconds_left = channel, heard, seconds_left
        self._fresh: list[AnyMessage] = list(channel.messages())
        self._woken: asyncio.Future[None] | None = None
        self.stop = channel.subscribe(self._hear)
        """Call it to hear no more."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _hear(self, message: AnyMessage, raw: bytes) -> None:
        self._fresh.append(message)
        self.wake()

    def wake(self) -> None:
        """Let whoever waits return now, with what there is."""
        if self._woken is not None and not self._woken.done():
            self._woken.set_result(None)

    async def next(self, within_s: float = inf) -> tuple[AnyMessage, ...]:
        """Wait until something has come or the time is over; return it, causes before effects, ties by id.

        Messages of authors who equivocated are left out.

        Args:
            within_s: return after so many seconds at the latest, perhaps with nothing; never later than the budget
                allows.
        """
        within_s = min(within_s, self._seconds_left())
        if not self._fresh and within_s > 0:
            loop = asyncio.get_running_loop()
            self._woken = loop.create_future()
            timer = None if within_s == inf else loop.call_later(within_s, self.wake)
            try:
                await self._woken
            finally:
                self._woken = None
                if timer is not None:
                    timer.cancel()
        forked = self._channel.forked
        fresh: list[AnyMessage] = [m for m in self._fresh if m.author not in forked]
        self._fresh.clear()
        fresh.sort(key=_place)
        self._heard.extend(fresh)
        return tuple(fresh)


def _place(message: AnyMessage) -> tuple[int, Any]:
    return message.lamport, message.id
