"""A room at a terminal: lines typed go out, turns come in, each on lines of its own."""

from __future__ import annotations

import asyncio
import sys
import threading
from datetime import datetime

import typer

from waggledance.cli._printing import say
from waggledance.cli._safe_text import one_line, safe
from waggledance.gateways._chat_client import ChatClient
from waggledance.gateways._chat_frames import Busy, FromRoom, Here, Refused, Said, Welcome

QUIET_S = 5.0
"""After this without a word nobody is about to answer: a speaker waits 3 s at most before it begins to think."""
ANSWER_WITHIN_S = 300.0
"""How long who only left lines waits for a swarm that thinks."""


class Talk:
    """What somebody in a room types and sees.

    Args:
        client: in the room.
    """

    def __init__(self, client: ChatClient) -> None:
        self._client = client
        self._here = set(client.welcome.here)
        self._lines: asyncio.Queue[str | None] = asyncio.Queue()
        self._typed = 0
        """Turns typed at a terminal, which shows them already, and not heard yet."""
        self._unheard: list[str] = []
        """What was sent and has not come back as a turn."""
        self._last = ""
        """The id of one's own newest turn, until somebody has answered it."""
        self._thinking: set[str] = set()
        self._changed = asyncio.Event()

    async def read(self) -> None:
        """Send each line that is typed, until there are no more."""
        loop = asyncio.get_running_loop()
        # a thread of its own that nobody waits for: a read of a terminal cannot be called off
        threading.Thread(target=self._type, args=(loop,), daemon=True).start()
        while (line := await self._lines.get()) is not None:
            if line.strip():
                self._typed += sys.stdin.isatty()
                self._unheard.append(line.strip())
                await self._client.say(line)

    async def hear_out(self) -> None:
        """Wait, after the last line of a pipe, for the answer that is due to it; not for one that nobody begins."""
        try:
            async with asyncio.timeout(ANSWER_WITHIN_S):
                while self._unheard or self._last:
                    self._changed.clear()
                    if not await self._changes(None if self._thinking else QUIET_S):
                        return
        except TimeoutError:
            say(f"no answer within {ANSWER_WITHIN_S:g} s")

    async def _changes(self, within_s: float | None) -> bool:
        """Wait until something happens in the room; return whether it did in time."""
        try:
            async with asyncio.timeout(within_s):
                await self._changed.wait()
        except TimeoutError:
            return False
        return True

    async def hear(self) -> None:
        """Show what the room tells, until it ends the connection."""
        welcome = self._client.welcome
        with_whom = ", ".join(name for name in (*welcome.here, *welcome.speakers) if name != welcome.name)
        say(f"you are {welcome.name}, in {welcome.room} with {with_whom or 'nobody yet'}; Ctrl-D leaves")
        async for frame in self._client.heard():
            self._note(frame)
            self._show(frame)

    def _note(self, frame: FromRoom) -> None:
        """Keep in mind what is due."""
        match frame:
            case Said(id=id, name=name, text=text) if name == self._client.welcome.name:
                if text.strip() in self._unheard:
                    self._unheard.remove(text.strip())
                    self._last = id
            case Said(to=to) if self._last in to:
                self._last = ""
            case Busy(name, thinking):
                (self._thinking.add if thinking else self._thinking.discard)(name)
            case Refused() if self._unheard:
                del self._unheard[0]
            case _:
                pass
        self._changed.set()

    def _show(self, frame: FromRoom) -> None:
        match frame:
            case Said() if self._typed and frame.name == self._client.welcome.name:
                self._typed -= 1
            case Said():
                typer.echo(_turn(frame))
            case Busy(name, True):
                say(f"{one_line(name)} is thinking …")
            case Refused(why):
                self._typed = max(0, self._typed - 1)
                say(f"not said: {one_line(why, 300)}")
            case Here(names):
                self._show_changes(set(names))
            case Welcome() | Busy():
                pass

    def _show_changes(self, names: set[str]) -> None:
        for name in sorted(names - self._here):
            say(f"{one_line(name)} has come")
        for name in sorted(self._here - names):
            say(f"{one_line(name)} has gone")
        self._here = names

    def _type(self, loop: asyncio.AbstractEventLoop) -> None:
        """Hand typed lines to the loop; runs in a thread of its own."""
        for line in iter(sys.stdin.readline, ""):
            loop.call_soon_threadsafe(self._lines.put_nowait, line.rstrip("\n"))
        loop.call_soon_threadsafe(self._lines.put_nowait, None)


def _turn(said: Said) -> str:
    """Return a turn as lines: the time, who, what, and the words of each part; nothing that a terminal obeys."""
    clock = f"{datetime.fromtimestamp(said.wall_ms / 1_000).astimezone():%H:%M}"
    lines = [line for line in safe(said.text).split("\n") if line.strip()]
    lines += [f"[{one_line(p.type)}] {one_line(p.alt or p.text or p.name, 300)}" for p in said.parts]
    return f"{clock} {one_line(said.name)}: " + "\n      ".join(lines)
