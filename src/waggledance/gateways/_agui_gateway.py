"""The AG-UI door: a run of the swarm as events for a screen, at ``/agui`` and ``/agui/NAME``.

A POST of a ``RunAgentInput`` is answered with server-sent events. When the screen goes away, the run is cancelled.

Source: AG-UI protocol 1.0 (docs.ag-ui.com), HTTP with server-sent events.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import AbstractAsyncContextManager, aclosing, nullcontext
from functools import partial
from typing import TYPE_CHECKING
from urllib.parse import quote

import msgspec

from waggledance.core import WaggleError
from waggledance.gateways._agui_asked import BadRun, RunInput, order_of, read, wants_surface
from waggledance.gateways._agui_events import AgUi, Telling
from waggledance.gateways._event import Draining, TooBusy
from waggledance.gateways._guard import caller_of
from waggledance.gateways._host import DEFAULT, Host
from waggledance.gateways._refusal import refusal
from waggledance.gateways._running import Running
from waggledance.gateways._shown_pictures import unseeing

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.routing import BaseRoute


class AGUI:
    """The AG-UI door.

    Args:
        host: the swarms that are served.
    """

    name = "agui"

    def __init__(self, host: Host) -> None:
        self._host = host

    def routes(self) -> Sequence[BaseRoute]:
        """Return where runs are begun: the default swarm's place, and one for each swarm."""
        from starlette.routing import Route

        swarms = self._host.swarms
        first = DEFAULT if DEFAULT in swarms else next(iter(swarms))
        return [
            Route("/agui", partial(self._run, first), methods=["POST"]),
            *(Route(f"/agui/{quote(name, safe='')}", partial(self._run, name), methods=["POST"]) for name in swarms),
        ]

    def lifespan(self) -> AbstractAsyncContextManager[None]:
        """Hold nothing: runs live at the host."""
        return nullcontext()

    async def _run(self, swarm: str, request: Request) -> Response:
        from starlette.responses import StreamingResponse

        raw = await request.body()
        try:
            asked, hosted = read(raw), self._host.swarms[swarm]
            order = order_of(asked, swarm, hosted.expects, caller_of(request), raw)
            shows = any(turn.pictures for turn in order.question.conversation)
            notes = unseeing(hosted, swarm) if shows else ()
            running = self._host.start(order)
        except BadRun as why:
            return refusal(400, str(why), "invalid_run")
        except (Draining, TooBusy) as why:
            return refusal(503, str(why), "busy", retry_after_s=1)
        except WaggleError as why:
            return refusal(400, str(why), "invalid_run")
        headers = {"cache-control": "no-store", "x-accel-buffering": "no"}
        return StreamingResponse(_told(asked, running, notes), media_type="text/event-stream", headers=headers)


async def _told(asked: RunInput, running: Running, notes: tuple[str, ...]) -> AsyncGenerator[bytes]:
    """Yield a run as server-sent events; cancel it when nobody reads them any more."""
    telling = Telling(asked.thread_id, asked.run_id, notes, surface=wants_surface(asked))
    try:
        yield _sent(telling.begun())
        async with aclosing(running.events()) as happening:
            async for event in happening:
                for told in telling.tell(event):
                    yield _sent(told)
    finally:
        running.cancel()


def _sent(event: AgUi) -> bytes:
    return b"data: " + msgspec.json.encode(event) + b"\n\n"
