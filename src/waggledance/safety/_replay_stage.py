"""The stage of a replay: who has said what so far, who waits for what, and when waiting is in vain.

Nothing here takes real time but live calls. While one is under way, everybody who could depend on it waits. When nobody
can go on, those who wait for what will not come are let go first; then virtual time passes, as far as the earliest
patience ends.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Iterable
from math import inf
from typing import Any, TypeVar

from waggledance.core import Condition, Message, MessageId, PeerId, encode
from waggledance.safety._recorded_history import Gists, History, Slot
from waggledance.safety._replay_parts import Told

AnyMessage = Message[Any]
T = TypeVar("T")

QUIET_PASSES = 24
"""After so many turns of the event loop in which nothing moved, nothing will: a wake-up takes one to three."""


class Waiting:
    """Somebody who waits: for messages at given places, or for so many authors and no longer than so long."""

    __slots__ = ("awaited", "body", "expected", "future", "of", "round", "since", "until", "who")

    def __init__(
        self,
        who: PeerId,
        body: type[Any],
        round: int,
        *,
        awaited: frozenset[Slot] | None,
        until: Condition,
        expected: int,
        of: frozenset[PeerId] | None,
        since: float,
    ) -> None:
        self.who, self.body, self.round, self.awaited = who, body, round, awaited
        self.until, self.expected, self.of, self.since = until, expected, of, since
        self.future: asyncio.Future[None] = asyncio.get_running_loop().create_future()


class Stage:
    """One replay under way.

    Args:
        history: what was recorded.
        gists: what messages say, in the record and here.
        told: called with every message that everybody can hear, causes first.
    """

    def __init__(self, history: History, gists: Gists, told: Told) -> None:
        self.history, self.gists, self._told = history, gists, told
        self.slot_of: dict[MessageId, Slot] = {}
        """Where each message of the replay stands."""
        self.beside: dict[MessageId, Slot] = {}
        """What was interjected, by what it comes right after: heard where that is heard."""
        self.present: set[Slot] = set()
        self.absent: set[Slot] = set()
        self.freed: set[PeerId] = set()
        """Who thinks with another model: what they say where they were silent is waited for."""
        self.messages: list[AnyMessage] = []
        self._copies: list[Any] = []
        self._authors: dict[tuple[type[Any], int], set[PeerId]] = {}
        self._waiting: list[Waiting] = []
        self._given: list[AnyMessage] = []
        self._under_way = 0
        self._moves = 0
        self._now = 0.0
        self._landed = asyncio.Event()
        self._tending: asyncio.Task[None] | None = None

    # -- a clock ------------------------------------------------------------------------------------------------

    def now(self) -> float:
        """Return virtual seconds since the beginning."""
        return self._now

    def wall_ms(self) -> int:
        """Return the moment of the opening: what was recorded keeps its own."""
        return self.history.opening.wall_ms

    # -- what is said -------------------------------------------------------------------------------------------

    def join(self, copy: Any) -> None:
        """Let somebody's copy of the channel have everything that is said from now on."""
        self._copies.append(copy)

    def give(self, messages: Iterable[AnyMessage]) -> None:
        """Let messages be said verbatim, each as soon as everything is there that it builds on."""
        self._given += messages
        self._say_given()

    def say(self, message: AnyMessage, slot: Slot, *, beside: Slot | None = None) -> None:
        """Let everybody hear a message."""
        self.slot_of[message.id] = slot
        if beside is not None:
            self.beside[message.id] = beside
        self.present.add(slot)
        self.messages.append(message)
        self.gists.of(message)
        self._authors.setdefault((message.body.__class__, message.body.round), set()).add(message.author)
        raw = encode(message)
        for copy in self._copies:
            copy.add(message, raw)
        self._told(message)
        self._moved()
        self._say_given()

    def withhold(self, slot: Slot) -> None:
        """Let everybody know that a place stays empty."""
        self.absent.add(slot)
        self._moved()

    def _say_given(self) -> None:
        ready = [m for m in self._given if all(id in self.slot_of for id in (*m.parents, *filter(None, [m.previous])))]
        for message in ready:
            if message in self._given:
                self._given.remove(message)
                self.say(message, self.history.slots[message.id])

    # -- waiting ------------------------------------------------------------------------------------------------

    async def live(self, asking: Awaitable[T]) -> T:
        """Await a live call; nobody's patience ends meanwhile."""
        self._under_way += 1
        try:
            return await asking
        finally:
            self._under_way -= 1
            self._moves += 1
            self._landed.set()

    async def wait(self, waiting: Waiting) -> None:
        """Return when what somebody waits for is there, or will not come."""
        if self._tending is None:
            self._tending = asyncio.get_running_loop().create_task(self._tend())
        self._moves += 1
        if self._enough(waiting):
            return
        self._waiting.append(waiting)
        try:
            await waiting.future
        finally:
            self._moves += 1
            if waiting in self._waiting:
                self._waiting.remove(waiting)

    async def close(self) -> None:
        """End it."""
        if self._tending is not None:
            self._tending.cancel()
            await asyncio.gather(self._tending, return_exceptions=True)

    def _enough(self, waiting: Waiting) -> bool:
        if waiting.awaited is not None:
            return all(slot in self.present or slot in self.absent for slot in waiting.awaited)
        here = self._authors.get((waiting.body, waiting.round), set[PeerId]())
        count = len(here if waiting.of is None else here & waiting.of)
        return count >= waiting.until.threshold(waiting.expected, _waited(waiting, self._now))

    def _moved(self) -> None:
        self._moves += 1
        for waiting in [w for w in self._waiting if self._enough(w)]:
            self._let_go(waiting)

    def _let_go(self, waiting: Waiting) -> None:
        if waiting in self._waiting:
            self._waiting.remove(waiting)
        if not waiting.future.done():
            waiting.future.set_result(None)

    async def _tend(self) -> None:
        """Whenever nobody can go on, let somebody go on."""
        while True:
            await self._quiet()
            in_vain = [w for w in self._waiting if w.awaited is not None]
            if in_vain:
                stuck = {w.who for w in self._waiting}
                first = [w for w in in_vain if not {slot[0] for slot in self._lacking(w)} & stuck]
                for waiting in first or in_vain:
                    self._let_go(waiting)
            elif self._waiting:
                moment = min(_next_moment(w, self._now) for w in self._waiting)
                if moment < inf:
                    self._now = moment
                    self._moved()
                else:
                    for waiting in list(self._waiting):
                        self._let_go(waiting)
            else:
                await asyncio.sleep(0.005)

    def _lacking(self, waiting: Waiting) -> set[Slot]:
        return set(waiting.awaited or ()) - self.present - self.absent

    async def _quiet(self) -> None:
        """Return when no call is under way and nothing has moved for a while."""
        seen, quiet = self._moves, 0
        while quiet < QUIET_PASSES:
            if self._under_way:
                self._landed.clear()
                await self._landed.wait()
            await asyncio.sleep(0)
            quiet = quiet + 1 if self._moves == seen and not self._under_way else 0
            seen = self._moves


def _next_moment(waiting: Waiting, now: float) -> float:
    """Return when a waiting may end of itself at the earliest; `inf` when it never does."""
    return min((waiting.since + m for m in waiting.until.moments if waiting.since + m > now), default=inf)


def _waited(waiting: Waiting, now: float) -> float:
    """Return how long somebody has waited: never a rounding short of a moment that has come."""
    return max((m for m in waiting.until.moments if waiting.since + m <= now), default=now - waiting.since)
