"""The studio: a log, shown in a browser while it is written and afterwards. A door that only looks, but for replays."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable, Collection, Sequence
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import msgspec
from anyio.to_thread import run_sync

from waggledance.core import Log, LogInUse, UsageError, WaggleError, Words
from waggledance.safety import MissingRecord
from waggledance.studio._answers import answer, answer_once, refused, trouble
from waggledance.studio._archive import Archive
from waggledance.studio._channel import MESSAGES_A_PAGE, channel_of
from waggledance.studio._channels import channels_of
from waggledance.studio._guard import HEADERS, Guard
from waggledance.studio._kinds import know_all_kinds
from waggledance.studio._live import Live, TooManyViewers
from waggledance.studio._mesh import mesh
from waggledance.studio._options import options
from waggledance.studio._page import page
from waggledance.studio._pins import PinBoard
from waggledance.studio._reading import reading
from waggledance.studio._replays import AskedAnew, ReplayOrder, Replays
from waggledance.studio._search import hits_of
from waggledance.studio._shapes import Begun, Pin, Pins, ToRead
from waggledance.studio._whole import whole

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.routing import BaseRoute

BODY_BYTES_AT_MOST = 1 << 20

T = TypeVar("T")
Handler = Callable[["Request"], Awaitable["Response"]]


class Studio:
    """The routes of the studio over one log.

    Args:
        log: the log's file; it may not be there yet.
        host: what the server is bound to; where others can reach that, everything asks for the token.
        prefix: where it stands among other doors, such as ``"/studio"``.
        locked: whether looking asks for the token on this machine, too.
        peers: makes the peers that a replay may ask anew; none are when None.
        writer: the log, where this process has it open for writing.
        names: host names that the server goes by, besides its address.
    """

    name = "studio"

    def __init__(
        self,
        log: Path,
        *,
        host: str = "127.0.0.1",
        prefix: str = "",
        locked: bool = False,
        peers: Callable[[], AskedAnew] | None = None,
        writer: Log | None = None,
        names: Collection[str] = (),
    ) -> None:
        from waggledance import __version__

        know_all_kinds()
        self.archive = Archive(log)
        self.guard = Guard(host, locked=locked, names=names)
        self.pins = PinBoard(log)
        self.live = Live(self.archive, self.at_work)
        self.replays = Replays(log, peers, writer, self.live.hear)
        self._prefix, self._version = prefix, __version__

    def at_work(self) -> frozenset[str]:
        """Return the channels that this process is at work on."""
        return self.replays.running()

    def address(self, host: str, port: int) -> str:
        """Return where a browser finds the studio, with the token where it is asked for."""
        name = "127.0.0.1" if host in ("0.0.0.0", "") else "[::1]" if host == "::" else host  # noqa: S104  # it is compared with
        name = f"[{name}]" if ":" in name and not name.startswith("[") else name
        return f"http://{name}:{port}{self._prefix}/" + (f"?token={self.guard.token}" if self.guard.locked else "")

    def hear(self, channel: str, words: Words) -> None:
        """Pass on words that a peer of this process is saying. Call it in the server's loop."""
        self.live.hear(channel, words)

    def close(self) -> None:
        """Let every viewer go, and the log."""
        self.live.close()
        self.archive.close()

    @asynccontextmanager
    async def lifespan(self) -> AsyncGenerator[None]:
        """Hold the log while the server runs."""
        try:
            yield
        finally:
            await self.replays.close()
            self.close()

    def routes(self) -> Sequence[BaseRoute]:
        """Return what the studio answers at."""
        from starlette.routing import Route

        answered: list[tuple[str, str, Handler]] = [
            ("GET", "/api/channels", self._channels),
            ("GET", "/api/channels/{name}", self._channel),
            ("GET", "/api/channels/{name}/live", self._follow),
            ("POST", "/api/channels/{name}/replay", self._replay),
            ("POST", "/api/channels/{name}/reading", self._read),
            ("GET", "/api/messages/{channel}/{id}", self._message),
            ("GET", "/api/search", self._search),
            ("GET", "/api/mesh", self._mesh),
            ("GET", "/api/options", self._options),
            ("GET", "/api/pins", self._pins),
            ("POST", "/api/pins", self._pin),
            ("DELETE", "/api/pins", self._unpin),
            ("GET", "/", self._page),
            ("GET", "/{path:path}", self._page),
        ]
        return [
            Route(self._prefix + path, partial(self._answered, handler), methods=[method])
            for method, path, handler in answered
        ]

    async def _answered(self, handler: Handler, request: Request) -> Response:
        """Look at who asks, answer, and say in every answer what a browser must not do with it."""
        response = self.guard.refusal(request) if not self._is_key(request) else None
        if response is None:
            try:
                response = await handler(request)
            except WaggleError as why:
                response = trouble(why, "That cannot be shown.")
        for name, value in HEADERS.items():
            response.headers.setdefault(name, value)
        return response

    def _is_key(self, request: Request) -> bool:
        """Say whether the page is asked for with the token in its address, under a name of ours."""
        return (
            request.method == "GET"
            and request.url.path == f"{self._prefix}/"
            and self.guard.is_ours(request.headers.get("host", ""))
            and self.guard.is_token(request.query_params.get("token", ""))
        )

    # -- what is shown ------------------------------------------------------------------------------------------

    async def _page(self, request: Request) -> Response:
        from starlette.responses import RedirectResponse

        path = request.path_params.get("path", "")
        if not path and "token" in request.query_params:
            response: Response = RedirectResponse(f"{self._prefix}/", 303)  # the token leaves the address
            if self._is_key(request):
                self.guard.let_in(response)
            return response
        found = page(path)
        if found is None:
            return refused(404, "There is nothing here.", f"The studio has no page at {request.url.path!r:.200}.",
                           "Open the studio's first page.")  # fmt: skip
        if not path and not self.guard.locked:
            self.guard.let_in(found)
        return found

    async def _channels(self, request: Request) -> Response:
        return await self._shown(request, lambda: channels_of(self.archive, self.at_work()))

    async def _channel(self, request: Request) -> Response:
        first = _number(request, "from", 0, 1 << 40)
        most = _number(request, "limit", MESSAGES_A_PAGE, MESSAGES_A_PAGE)
        return await run_sync(self._page_of, request, request.path_params["name"], first, most)

    def _page_of(self, request: Request, name: str, first: int, most: int) -> Response:
        archive = self.archive
        archive.refresh()
        with archive.lock:
            drawn, window = archive.drawn(name, first + most), archive.window
            live = name in self.at_work() or archive.is_live(name)
            broken = window.broken or self.replays.failures.get(name, "")
            count, _ = archive.index.size(name)
            size = count, drawn.conversation.spoiled, drawn.conversation.whole
            show = partial(channel_of, drawn, count, version=self._version, live=live, newer=window.newer,
                           broken=broken, first=first, most=most)  # fmt: skip
            return answer_once(request, (window.files, name, *size, live, broken, first, most), show)

    async def _message(self, request: Request) -> Response:
        channel, id = request.path_params["channel"], request.path_params["id"]
        return await self._shown(request, lambda: whole(self.archive, channel, id))

    async def _search(self, request: Request) -> Response:
        wanted, channel = request.query_params.get("q", ""), request.query_params.get("channel") or None
        return await self._shown(request, lambda: hits_of(self.archive, wanted, channel))

    async def _mesh(self, request: Request) -> Response:
        return await run_sync(lambda: answer(request, mesh()))

    async def _options(self, request: Request) -> Response:
        return await run_sync(lambda: answer(request, options()))

    async def _follow(self, request: Request) -> Response:
        from starlette.responses import Response, StreamingResponse

        name = request.path_params["name"]
        after = _after(request)
        try:
            self.live.check_room()
        except TooManyViewers:
            return refused(503, "Nobody else can follow.", "As many pages follow live as can.", "Close one of them.")
        await self._shown(request, lambda: self.archive.check(name))
        headers = {"cache-control": "no-store", "x-accel-buffering": "no"}
        if request.method == "HEAD":  # who asks for no body waits for none
            return Response(headers=headers, media_type="text/event-stream")
        return StreamingResponse(self.live.follow(name, after), headers=headers, media_type="text/event-stream")

    async def _shown(self, request: Request, show: Callable[[], object]) -> Response:
        """Look at the log again, and answer with what is to be shown; in a thread, for both take time."""

        def shown() -> Response:
            self.archive.refresh()
            return answer(request, show())

        return await run_sync(shown)

    async def _replay(self, request: Request) -> Response:
        name = request.path_params["name"]
        order = await _body(request, ReplayOrder)
        try:
            begun = await self.replays.start(name, order)
        except LogInUse as why:
            return refused(409, "The replay could not begin.", str(why),
                           "Wait until that process has ended, then try again.")  # fmt: skip
        except MissingRecord as why:
            return refused(409, "The record does not hold all that is asked.", str(why),
                           "Allow live calls where they are needed.")  # fmt: skip
        return answer(request, Begun(begun), 202)

    async def _read(self, request: Request) -> Response:
        name, words = request.path_params["name"], await _body(request, ToRead)
        return await self._shown(request, lambda: reading(self.archive, name, words.text))

    # -- pins ---------------------------------------------------------------------------------------------------

    async def _pins(self, request: Request) -> Response:
        return await run_sync(lambda: answer(request, self.pins.pins()))

    async def _pin(self, request: Request) -> Response:
        pin = await _body(request, Pin)
        return await run_sync(lambda: answer(request, self.pins.set(pin)))

    async def _unpin(self, request: Request) -> Response:
        channel, id = request.query_params.get("channel", ""), request.query_params.get("id", "")
        removed: Callable[[], Pins] = partial(self.pins.remove, channel, id)
        return await run_sync(lambda: answer(request, removed()))


async def _body(request: Request, kind: type[T]) -> T:
    """Return a request's JSON.

    Raises:
        UsageError: it is no JSON, of another shape, or too large.
    """
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        raise UsageError("the request has to be JSON, with content-type: application/json")
    read = b""
    async for piece in request.stream():
        read += piece
        if len(read) > BODY_BYTES_AT_MOST:
            raise UsageError(f"the request has more than {BODY_BYTES_AT_MOST:,} bytes, which is the limit")
    try:
        return msgspec.json.decode(read, type=kind)
    except (msgspec.DecodeError, UnicodeError, RecursionError) as why:
        raise UsageError(f"the request cannot be read: {why}") from why


def _number(request: Request, name: str, default: int, most: int) -> int:
    text = request.query_params.get(name, "")
    if not text:
        return default
    if not (text.isascii() and text.isdecimal() and len(text) <= 16 and int(text) <= most):
        raise UsageError(f"{name} is a number from 0 to {most:,}, got {text!r:.40}")
    return int(text)


def _after(request: Request) -> int:
    """Return the place of the last message that a viewer has: as it says in the address, or when it comes back."""
    text = request.headers.get("last-event-id") or request.query_params.get("after") or "-1"
    if not (text.removeprefix("-").isdecimal() and text.isascii() and len(text) <= 16 and int(text) >= -1):
        raise UsageError(f"after is the place of the last message that is known, or -1, got {text!r:.40}")
    return int(text)
