"""Following a channel while it is written, as server-sent events.

Every viewer has its own place in the channel and reads on from there when the log has grown, at its own pace: nothing
is queued for one who is slow, and one who comes back goes on where it was. Only words that are being said are kept for
a viewer, the newest few; who is slow misses some, and finds them in the message that comes of them.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import suppress

import msgspec
from anyio.to_thread import run_sync

from waggledance.core import UnknownName, Words
from waggledance.studio._archive import Archive
from waggledance.studio._message import shown
from waggledance.studio._shapes import DecisionShown, Msg, PlanShown, WordsShown

LOOK_EVERY_S = 0.1
"""How often the file is looked at while somebody watches: an idle look costs some 20 µs."""
STILL_HERE_EVERY_S = 15.0
"""A comment is sent when nothing else was for so long, so that a viewer who left is noticed."""
MESSAGES_AT_ONCE = 500
WORDS_KEPT = 200
VIEWERS_AT_MOST = 200


class TooManyViewers(Exception):
    """As many watch as can."""


class _Step(msgspec.Struct):
    """What a viewer is to be sent next."""

    messages: list[Msg]
    more: bool
    decision: DecisionShown | None
    plan: PlanShown | None
    over: bool
    """Whether nothing more will come, as far as can be told."""


class _Viewer:
    """One who watches: how far it has come, and which words it has not been sent yet."""

    def __init__(self, channel: str, after: int, file: int) -> None:
        self.channel, self.next, self.file = channel, after + 1, file
        self.words: deque[WordsShown] = deque(maxlen=WORDS_KEPT)
        self.decided = False
        self.planned_at = -1


class Live:
    """Who watches what, and what wakes them. Belongs to the loop that it is first used in.

    Args:
        archive: the log.
        at_work: says which channels this process is at work on.
    """

    def __init__(self, archive: Archive, at_work: Callable[[], frozenset[str]]) -> None:
        self._archive, self._at_work = archive, at_work
        self._viewers: set[_Viewer] = set()
        self._woken = asyncio.Event()
        self._closing = False
        self._looker: asyncio.Task[None] | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    def hear(self, channel: str, words: Words) -> None:
        """Pass on words that are being said, to those who watch the channel; from any thread."""
        if self._loop is not None:
            with suppress(RuntimeError):  # the loop has ended, and with it all who watch
                self._loop.call_soon_threadsafe(self._hear, channel, words)

    def _hear(self, channel: str, words: Words) -> None:
        for viewer in self._viewers:
            if viewer.channel == channel:
                viewer.words.append(WordsShown(words.name, words.number, words.text))
        self._wake()

    def close(self) -> None:
        """Let every viewer go."""
        self._closing = True
        self._wake()
        if self._looker is not None:
            self._looker.cancel()

    def check_room(self) -> None:
        """Raise TooManyViewers when as many watch as can."""
        if len(self._viewers) >= VIEWERS_AT_MOST:
            raise TooManyViewers

    async def follow(self, channel: str, after: int) -> AsyncIterator[bytes]:
        """Yield a channel's events from now on, until nothing more will come or the server stops.

        Args:
            channel: its name.
            after: the place of the last message that is known; -1 for none.
        """
        viewer = _Viewer(channel, after, self._archive.window.files)
        self._viewers.add(viewer)
        self._loop = asyncio.get_running_loop()
        if self._looker is None or self._looker.done():
            self._looker = self._loop.create_task(self._look())
        try:
            yield b"retry: 1000\n\n"
            while not self._closing:
                woken = self._woken
                step = await run_sync(self._step, viewer)
                for event in _events(step, viewer):
                    yield event
                if step.over:
                    return
                if not step.more and not await _in_time(woken):
                    yield b": still here\n\n"
        finally:
            self._viewers.discard(viewer)

    def _step(self, viewer: _Viewer) -> _Step:
        archive = self._archive
        with archive.lock:
            if viewer.file != archive.window.files:  # another log: what was sent is not in it
                return _Step([], more=False, decision=None, plan=None, over=True)
            try:
                drawn = archive.drawn(viewer.channel, viewer.next + MESSAGES_AT_ONCE)
            except UnknownName:
                return _Step([], more=False, decision=None, plan=None, over=True)
            conversation = drawn.conversation
            came = conversation.came[viewer.next : viewer.next + MESSAGES_AT_ONCE]
            messages = [shown(message, conversation) for message in came]
            viewer.next += len(came)
            more = viewer.next < len(conversation.came) or not conversation.whole
            live = viewer.channel in self._at_work() or archive.is_live(viewer.channel)
            decision = None if more or viewer.decided else drawn.decision()
            viewer.decided = viewer.decided or decision is not None
            plan = None
            if not more and viewer.planned_at != len(conversation.came):
                plan, viewer.planned_at = drawn.plan(), len(conversation.came)
            return _Step(messages, more, decision, plan, over=not more and not live)

    async def _look(self) -> None:
        """Look at the file while somebody watches, and wake all when it has changed."""
        was: tuple[object, ...] = ()
        while self._viewers:
            await run_sync(self._archive.refresh)
            now = (self._archive.mark, self._at_work())
            if now != was:
                was = now
                self._wake()
            await asyncio.sleep(LOOK_EVERY_S)

    def _wake(self) -> None:
        self._woken.set()
        self._woken = asyncio.Event()


async def _in_time(woken: asyncio.Event) -> bool:
    """Wait until something is new; return whether it came in time."""
    try:
        async with asyncio.timeout(STILL_HERE_EVERY_S):
            await woken.wait()
    except TimeoutError:
        return False
    return True


def _events(step: _Step, viewer: _Viewer) -> list[bytes]:
    events: list[bytes] = []
    while viewer.words:  # before the message that comes of them
        events.append(_event("words", viewer.words.popleft()))
    events += [_event("message", message, message.n) for message in step.messages]
    if step.plan is not None:
        events.append(_event("plan", step.plan))
    if step.decision is not None:
        events.append(_event("decision", step.decision))
    if step.over:
        events.append(_event("end", {}))
    return events


def _event(name: str, content: object, id: int | None = None) -> bytes:
    """Return one server-sent event; JSON has no line breaks of its own."""
    mark = b"" if id is None else b"id: %d\n" % id
    return b"%sevent: %s\ndata: %s\n\n" % (mark, name.encode(), msgspec.json.encode(content))
