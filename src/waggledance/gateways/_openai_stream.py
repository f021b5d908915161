"""Answers that come piece by piece: server-sent events to a client that may be slow, or gone."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Coroutine
from contextlib import aclosing
from typing import Any, TypeVar

import msgspec
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

SLOW_S = 60.0
"""Who takes no byte for so long is taken to be gone."""
QUIET_S = 15.0
"""After so long without an event a comment goes out, so that nothing on the way takes the connection for dead."""
_COMMENT = b": the peers are thinking\n\n"

T = TypeVar("T")


def event(data: object, name: str = "") -> bytes:
    """Return one server-sent event with JSON in it.

    >>> event({"a": 1})
    b'data: {"a":1}\\n\\n'
    """
    named = f"event: {name}\n".encode() if name else b""
    return named + b"data: " + msgspec.json.encode(data) + b"\n\n"


class Streamed(Response):
    """A response that sends each event at once, and stops what is at work for it when the client leaves.

    Args:
        events: what to send, encoded.
        stop: called when nobody listens any more.
        headers: more headers.
    """

    media_type = "text/event-stream"

    def __init__(
        self, events: AsyncGenerator[bytes], stop: Callable[[], None], headers: dict[str, str] | None = None
    ) -> None:
        super().__init__(headers={"cache-control": "no-cache", "x-accel-buffering": "no", **(headers or {})})
        del self.headers["content-length"]
        self._events, self._stop = events, stop

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the events."""
        leaving = asyncio.create_task(_until_gone(receive, self._stop))
        telling = _Telling(send)
        thinking = asyncio.create_task(telling.break_silence())
        try:
            async with aclosing(self._events) as events:
                await telling.tell({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
                async for sent in events:
                    await telling.tell({"type": "http.response.body", "body": sent, "more_body": True})
                thinking.cancel()
                await telling.tell({"type": "http.response.body", "body": b""})
        except TimeoutError:
            return  # the server closes the connection
        finally:
            leaving.cancel()
            thinking.cancel()
            self._stop()


class _Telling:
    """Sends what is told, and a comment whenever nothing was for a while."""

    def __init__(self, send: Send) -> None:
        self._send, self._clock = send, asyncio.get_running_loop().time
        self._told_s = self._clock()

    async def tell(self, message: dict[str, Any]) -> None:
        """Send a message; TimeoutError when the client does not take it."""
        async with asyncio.timeout(SLOW_S):
            await self._send(message)
        self._told_s = self._clock()

    async def break_silence(self) -> None:
        """Send comments until cancelled."""
        while True:
            quiet_s = self._clock() - self._told_s
            if quiet_s < QUIET_S:
                await asyncio.sleep(QUIET_S - quiet_s)
            else:
                self._told_s = self._clock()
                await self._send({"type": "http.response.body", "body": _COMMENT, "more_body": True})


async def while_there(receive: Receive, work: Coroutine[Any, Any, T], stop: Callable[[], None]) -> T:
    """Return what `work` returns; call `stop` when the client leaves before that, and at the end."""
    leaving = asyncio.create_task(_until_gone(receive, stop))
    try:
        return await work
    finally:
        leaving.cancel()
        stop()


async def _until_gone(receive: Receive, stop: Callable[[], None]) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
    stop()
