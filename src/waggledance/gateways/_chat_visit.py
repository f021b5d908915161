"""One client's time in a room, over its WebSocket: what it sends is checked, what others say goes out in order."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING

import msgspec

from waggledance.core import Message, Say, UsageError, WaggleError
from waggledance.gateways._chat_frames import (
    MAX_FRAME_BYTES,
    Enter,
    FromClient,
    FromRoom,
    Here,
    Refused,
    Welcome,
    decode_from_client,
    encode_frame,
    said_frame,
)
from waggledance.gateways._chat_room import Person, Room

if TYPE_CHECKING:
    from starlette.websockets import WebSocket

NEWCOMER_TURNS = 200
"""How many of the last turns somebody new is told."""
MAX_WAITING = 64
"""Frames beside turns that may wait for a client; one that leaves more unread is cut off."""
ENTER_WITHIN_S = 10.0
BAD_FRAMES = 8
"""After so many that cannot be read a client is cut off."""

_POLICY, _TOO_BIG, _TRY_LATER = 1008, 1009, 1013  # RFC 6455, section 7.4.1


class Ended(Exception):  # nothing failed
    """The client has gone, or was cut off with a code."""

    def __init__(self, code: int | None = None) -> None:
        super().__init__(code)
        self.code = code


class Visit:
    """One client in one room.

    Args:
        socket: accepted.
        room: where it wants to be.
    """

    def __init__(self, socket: WebSocket, room: Room) -> None:
        self.room = room
        self.person: Person | None = None
        self._socket = socket
        self._beside: list[FromRoom] = []
        """What is to be sent beside turns."""
        self._seen = 0
        """The number of the last turn that was sent: turns wait in the room, however slow the client is."""
        self._stirred = asyncio.Event()
        self._ends_with: int | None = None
        self._bad = 0

    async def run(self) -> None:
        """Take what the client sends until it goes, or is cut off."""
        writing = asyncio.create_task(self._write())
        reading = asyncio.create_task(self._read())
        try:
            await asyncio.wait((writing, reading), return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (writing, reading):
                task.cancel()
            await asyncio.gather(writing, reading, return_exceptions=True)
            if self.person is not None:
                self.room.leave(self.person, self._leave)

    def send(self, frame: FromRoom) -> None:
        """Tell the client something beside turns; one that does not read is cut off."""
        if len(self._beside) >= MAX_WAITING:
            self.cut_off(_TRY_LATER)
        else:
            self._beside.append(frame)
            self._stirred.set()

    def cut_off(self, code: int) -> None:
        """End the visit with a code of RFC 6455, once what waits has gone out."""
        self._ends_with = self._ends_with or code
        self._stirred.set()

    def _leave(self) -> None:
        self.send(Refused("you came in by another connection"))
        self.cut_off(_POLICY)

    async def _write(self) -> None:
        from starlette.websockets import WebSocketDisconnect

        with suppress(WebSocketDisconnect, RuntimeError):  # it may go while it is written to
            while True:
                await self._stirred.wait()
                self._stirred.clear()
                while self._beside:
                    await self._put(self._beside.pop(0))
                if self._ends_with is not None:
                    await self._socket.close(self._ends_with)
                    return
                for number, message in self.room.said(self._seen) if self.person is not None else ():
                    await self._put(self._turn(number, message))
                    self._seen = number

    async def _put(self, frame: FromRoom) -> None:
        await self._socket.send_text(encode_frame(frame).decode())

    async def _read(self) -> None:
        stops: list[Callable[[], None]] = []
        try:
            await self._enter()
            stops += [self.room.listen(lambda _n, _m: self._stirred.set()), self.room.on_presence(self._tell_presence)]
            self._stirred.set()
            while True:
                self._take(await self._frame())
        except Ended as end:
            if end.code is None:
                return
            self.cut_off(end.code)
            await asyncio.Event().wait()  # until the last words have gone out: then `run` ends this
        finally:
            for stop in stops:
                stop()

    async def _enter(self) -> None:
        """Wait for a name that can be let in."""
        while self.person is None:
            try:
                async with asyncio.timeout(ENTER_WITHIN_S):
                    frame = await self._frame()
            except TimeoutError:
                raise Ended(_POLICY) from None
            if not isinstance(frame, Enter):
                self._refuse("come in first, with a name")
                continue
            try:
                person = self.room.enter(frame.name, frame.ticket, self._leave)
            except UsageError as why:
                self._refuse(str(why))
                continue
            self.send(Welcome(self.room.name, person.name, person.ticket, self.room.speakers, self.room.here()))
            last = self.room.said()[-1][0] if self.room.said() else 0
            self._seen = max(0, frame.after) if frame.ticket else max(0, frame.after, last - NEWCOMER_TURNS)
            self.person = person

    def _take(self, frame: FromClient) -> None:
        assert self.person is not None
        if isinstance(frame, Enter):
            self._refuse("you are in already")
            return
        try:
            self.room.say(self.person, frame.text, [part.part() for part in frame.parts])
        except WaggleError as why:
            self.send(Refused(str(why)))

    async def _frame(self) -> FromClient:
        """Return the client's next frame that can be read.

        Raises:
            Ended: it has gone, sends too much at once, or too much that cannot be read.
        """
        while True:
            received = await self._socket.receive()
            if received["type"] == "websocket.disconnect":
                raise Ended
            raw: str | bytes = received.get("text") or received.get("bytes") or b""
            if len(raw) > MAX_FRAME_BYTES:
                raise Ended(_TOO_BIG)
            try:
                return decode_from_client(raw)
            except (msgspec.DecodeError, UnicodeError, RecursionError) as why:
                self._refuse(f"this cannot be read: {why}")

    def _refuse(self, why: str) -> None:
        """Say no; a client that goes on like that is cut off."""
        self._bad += 1
        self.send(Refused(why))
        if self._bad >= BAD_FRAMES:
            raise Ended(_POLICY)

    def _tell_presence(self) -> None:
        self.send(Here(self.room.here()))

    def _turn(self, number: int, message: Message[Say]) -> FromRoom:
        to = tuple(self.room.name_of(id) for id in message.body.to)
        return said_frame(number, message, self.room.name_of(message.author), to)
