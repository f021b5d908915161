"""The door that people come to a room by: a WebSocket for what is said, plain HTTP for the blobs that belong to it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from waggledance.core import RunFailed
from waggledance.gateways._chat_frames import Busy
from waggledance.gateways._chat_room import Room
from waggledance.gateways._chat_speaker import Speaker
from waggledance.gateways._chat_visit import Visit
from waggledance.gateways._refusal import refusal
from waggledance.mesh._media import held

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.routing import BaseRoute
    from starlette.websockets import WebSocket

    from waggledance.mesh import Blobs

_AWAY, _POLICY = 1001, 1008  # RFC 6455, section 7.4.1


class ChatGateway:
    """Rooms behind one door.

    Args:
        rooms: by name.
        speakers: the swarms that speak in them.
        blobs: where media are kept; without it only what fits into a turn can be sent.
    """

    name = "chat"

    def __init__(self, rooms: Mapping[str, Room], speakers: Sequence[Speaker], blobs: Blobs | None = None) -> None:
        self.rooms, self.speakers, self.blobs = dict(rooms), tuple(speakers), blobs
        self._visits: set[Visit] = set()
        for speaker in speakers:
            speaker.busy = self._busy(speaker.room)

    def routes(self) -> Sequence[BaseRoute]:
        """Return the rooms' WebSockets, their list, and their blobs."""
        from starlette.routing import Route, WebSocketRoute

        return [
            Route("/chat", self._listed),
            WebSocketRoute("/chat/{room}", self._visited),
            Route("/chat/{room}/blobs", self._put, methods=["POST"]),
            Route("/chat/{room}/blobs/{hash}", self._got),
        ]

    @asynccontextmanager
    async def lifespan(self) -> AsyncGenerator[None]:
        """Let the swarms listen while the server runs."""
        tasks = [asyncio.create_task(speaker.run(), name=f"speaker {speaker.name}") for speaker in self.speakers]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            for visit in tuple(self._visits):
                visit.cut_off(_AWAY)

    async def _listed(self, _: Request) -> Response:
        from starlette.responses import JSONResponse

        rooms = [
            {"name": room.name, "speakers": room.speakers, "here": room.here(), "turns": len(room.said())}
            for room in self.rooms.values()
        ]
        return JSONResponse({"rooms": rooms})

    async def _visited(self, socket: WebSocket) -> None:
        room = self.rooms.get(socket.path_params["room"])
        if room is None:
            await socket.close(_POLICY, "there is no such room")
            return
        await socket.accept()
        visit = Visit(socket, room)
        self._visits.add(visit)
        try:
            await visit.run()
        finally:
            self._visits.discard(visit)

    def _busy(self, room: Room) -> Callable[[str, bool], None]:
        def tell(name: str, thinking: bool) -> None:
            for visit in self._visits:
                if visit.room is room and visit.person is not None:
                    visit.send(Busy(name, thinking))

        return tell

    async def _put(self, request: Request) -> Response:
        from starlette.responses import JSONResponse

        if self.blobs is None or request.path_params["room"] not in self.rooms:
            return refusal(404, "no blobs are kept here", "not_found")
        content = await request.body()
        try:
            blob = self.blobs.put(content)
        except RunFailed as why:
            return refusal(507, str(why), "blobs_full")
        return JSONResponse({"hash": blob.hex(), "size_bytes": len(content)}, 201)

    async def _got(self, request: Request) -> Response:
        from starlette.responses import Response

        room, wanted = self.rooms.get(request.path_params["room"]), request.path_params["hash"]
        ref = None if room is None else room.media.get(wanted)
        content = None if ref is None or self.blobs is None else held(ref, self.blobs)
        if content is None:
            return refusal(404, "there is no such blob in this room", "not_found")
        headers = {
            "content-disposition": "attachment",
            "x-content-type-options": "nosniff",
            "content-security-policy": "sandbox; default-src 'none'",
        }
        return Response(content, media_type="application/octet-stream", headers=headers)
