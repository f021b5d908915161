"""A client of a room: comes in by a name, says things, hears what is said, and comes back where it was."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import msgspec

from waggledance.core import Part, RunFailed, UsageError
from waggledance.gateways._chat_frames import (
    MAX_FRAME_BYTES,
    Attached,
    Enter,
    FromRoom,
    Refused,
    Said,
    Utter,
    Welcome,
    decode_from_room,
    encode_frame,
)

if TYPE_CHECKING:
    from websockets.asyncio.client import ClientConnection

OPEN_WITHIN_S = 10.0
CLOSE_WITHIN_S = 1.0


_NONE_THERE = "; there is no such room, or the server was not opened for people: waggle serve --door chat"
_REFUSED = {401: "; it asks for a key: set WAGGLE_CHAT_KEY", 403: _NONE_THERE, 404: _NONE_THERE}
"""What a server's refusal most likely means, and what to do, by HTTP status."""


class NoRoom(RunFailed):
    """There is no room where somebody wants to go, or it does not let them in."""

    def __init__(self, where: str, why: str) -> None:
        super().__init__(where, why)
        self.where, self.why = where, why

    def __str__(self) -> str:
        return f"no way into the room at {self.where}: {self.why}"


class ChatClient:
    """Somebody in a room, from outside; `chat_client` makes one.

    Attributes:
        welcome: what the room said first; its ticket lets the name come back.
        seen: the number of the last turn heard.
    """

    def __init__(self, socket: ClientConnection, welcome: Welcome, after: int) -> None:
        self.welcome, self.seen = welcome, after
        self._socket = socket

    async def say(self, text: str, parts: Sequence[Part] = ()) -> None:
        """Say something; whether the room takes it is told among what is heard.

        Raises:
            NoRoom: the connection has ended.
        """
        from websockets.exceptions import ConnectionClosed

        frame = Utter(text, tuple(Attached.of(part) for part in parts))
        try:
            await self._socket.send(encode_frame(frame).decode())
        except ConnectionClosed:
            raise NoRoom(self.welcome.room, "the connection has ended; come back in") from None

    async def heard(self) -> AsyncIterator[FromRoom]:
        """Yield what the room tells, until the connection ends, whoever ends it.

        Raises:
            NoRoom: the room says what cannot be read.
        """
        from websockets.exceptions import ConnectionClosed

        with suppress(ConnectionClosed):
            while True:
                frame = _read(await self._socket.recv(), self.welcome.room)
                if isinstance(frame, Said):
                    self.seen = frame.n
                yield frame


@asynccontextmanager
async def chat_client(
    url: str, name: str, *, ticket: str = "", after: int = 0, key: str = ""
) -> AsyncGenerator[ChatClient]:
    """Come into a room, and leave it at the end of the block.

    Args:
        url: the room's address, such as ``"ws://127.0.0.1:8000/chat/lobby"``.
        name: what to be called.
        ticket: what the welcome of the first time gave; empty for a new name.
        after: the number of the last turn seen.
        key: the API key, where the server asks for one.

    Raises:
        UsageError: the address is none.
        NoRoom: nobody answers there, there is no such room, or it does not let this name in.
    """
    from websockets.asyncio.client import connect
    from websockets.exceptions import InvalidMessage, InvalidStatus, WebSocketException

    place = urlsplit(url)
    if place.scheme not in ("ws", "wss") or not place.hostname:
        raise UsageError(f"a room's address begins with ws:// or wss://, got {url!r}")
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    try:
        socket = await connect(
            url,
            additional_headers=headers,
            open_timeout=OPEN_WITHIN_S,
            close_timeout=CLOSE_WITHIN_S,
            max_size=8 * MAX_FRAME_BYTES,
            proxy=None,
        )
    except InvalidStatus as why:
        status = why.response.status_code
        raise NoRoom(url, f"the server refused with status {status}{_REFUSED.get(status, '')}") from None
    except (OSError, TimeoutError, InvalidMessage, WebSocketException) as why:
        raise NoRoom(url, str(why) or type(why).__name__) from None
    async with socket:
        await socket.send(encode_frame(Enter(name, ticket, after)).decode())
        yield ChatClient(socket, await _welcomed(socket, url), after)


async def _welcomed(socket: ClientConnection, url: str) -> Welcome:
    from websockets.exceptions import ConnectionClosed

    try:
        frame = _read(await socket.recv(), url)
    except ConnectionClosed as why:
        raise NoRoom(url, why.rcvd.reason if why.rcvd is not None and why.rcvd.reason else "it was closed") from None
    if isinstance(frame, Refused):
        raise NoRoom(url, frame.why)
    if not isinstance(frame, Welcome):
        raise NoRoom(url, "it does not speak as our rooms do")
    return frame


def _read(raw: str | bytes, url: str) -> FromRoom:
    try:
        return decode_from_room(raw)
    except (msgspec.DecodeError, UnicodeError) as why:
        raise NoRoom(url, f"it says what cannot be read: {why}") from None
