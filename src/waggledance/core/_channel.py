"""One peer's copy of a channel: a grow-only set of messages, indexed for those who wait.

In one process all seats share one copy. On a network every peer has its own, fed through a `Door`.

What is collected comes sorted by id, so that code cannot depend on arrival order by accident. A waiter is woken once,
when its condition holds, and not once a message; there is one timer a channel and not one a waiter, because timers and
wake-ups are what a hop costs.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from math import inf
from operator import attrgetter
from typing import Any, TypeVar, cast

from blake3 import blake3

from waggledance.core._condition import Condition
from waggledance.core._errors import UsageError
from waggledance.core._ids import MessageId, PeerId, SwarmId
from waggledance.core._message import MAX_CHANNEL_CHARS, MAX_PARENTS, Body, Message, compose

B = TypeVar("B", bound=Body)
AnyMessage = Message[Any]
Listener = Callable[[AnyMessage, bytes], None]

_ID = attrgetter("id")


class _Waiter:
    """Somebody who waits: for how many authors, of whom, since when, and the future that wakes them."""

    __slots__ = ("condition", "expected", "future", "needed", "of", "since", "who")

    def __init__(
        self,
        who: str,
        condition: Condition,
        expected: int,
        of: frozenset[PeerId] | None,
        needed: float,
        loop: asyncio.AbstractEventLoop,
    ) -> None:
        self.who, self.condition, self.expected, self.of, self.needed = who, condition, expected, of, needed
        self.since = loop.time()
        self.future: asyncio.Future[None] = asyncio.Future(loop=loop)


class _Slot:
    """The messages of one body type and round, and who waits for them."""

    __slots__ = ("authors", "expected", "in_order", "messages", "needed", "until", "waiters", "wake_at")

    def __init__(self) -> None:
        self.messages: list[AnyMessage] = []
        self.authors: set[PeerId] = set()
        self.in_order: tuple[AnyMessage, ...] | None = None
        self.waiters: list[_Waiter] = []
        self.wake_at = inf
        """The fewest authors that any waiter needs."""
        self.until: Condition | None = None
        self.expected = 0
        self.needed: float = 0
        """How many authors `until` asks for at once, of `expected`: most who wait here wait for the same."""

    def answered(self, of: frozenset[PeerId] | None) -> int:
        return len(self.authors) if of is None else len(self.authors & of)

    def sorted(self) -> tuple[AnyMessage, ...]:
        if self.in_order is None:
            self.in_order = tuple(sorted(self.messages, key=_ID))
        return self.in_order

    def wake(self) -> None:
        """Wake those whose condition holds."""
        everybody, wake_at = len(self.authors), inf
        waiting: list[_Waiter] = []
        for waiter in self.waiters:
            needed = waiter.needed
            if everybody >= needed and (waiter.of is None or self.answered(waiter.of) >= needed):
                if not waiter.future.done():
                    waiter.future.set_result(None)
            else:
                waiting.append(waiter)
                if needed < wake_at:
                    wake_at = needed
        self.waiters, self.wake_at = waiting, wake_at


class Channel:
    """A grow-only set of messages under one name.

    Args:
        swarm: the swarm's id, inside every message.
        name: the channel's name, 1 to 128 characters.
    """

    congested = False
    """Whether so much waits to go out that who publishes should wait for `room` first."""

    complete = False
    """Whether nothing more comes: a set that was sealed, to be decided over."""

    async def room(self) -> None:
        """Return when no more waits to go out than should; where nothing goes out, at once."""

    def __init__(self, swarm: SwarmId, name: str) -> None:
        if not 1 <= len(name) <= MAX_CHANNEL_CHARS:
            raise UsageError(
                f"a channel's name has 1 to {MAX_CHANNEL_CHARS} characters, not {len(name)}: {name[:40]!r}"
            )
        self.swarm, self.name = swarm, name
        self._messages: dict[MessageId, AnyMessage] = {}
        self._heads: dict[PeerId, AnyMessage] = {}
        self._slots: dict[tuple[type[Body], int], _Slot] = {}
        self._listeners: list[Listener] = []
        self._forked: set[PeerId] = set()
        self._gone: frozenset[PeerId] = frozenset()
        self._alarm: asyncio.TimerHandle | None = None
        self._alarm_at = inf
        self._digest = (-1, b"")
        """The digest of so many messages: a set that only grows and has the same size is the same set."""

    # -- reading ------------------------------------------------------------------------------------------------

    def __len__(self) -> int:
        return len(self._messages)

    def __contains__(self, id: MessageId) -> bool:
        return id in self._messages

    def get(self, id: MessageId) -> AnyMessage | None:
        """Return a message by its id, or None."""
        return self._messages.get(id)

    def head(self, author: PeerId) -> AnyMessage | None:
        """Return an author's newest message here, or None."""
        return self._heads.get(author)

    def heads(self) -> dict[PeerId, AnyMessage]:
        """Return every author's newest message."""
        return dict(self._heads)

    def messages(self) -> tuple[AnyMessage, ...]:
        """Return everything, causes before effects, ties by id: the same order on every peer with the same set."""
        return tuple(sorted(self._messages.values(), key=lambda m: (m.lamport, m.id)))

    def digest(self) -> bytes:
        """Return 32 bytes that are equal on two peers exactly when they hold the same set.

            digest = blake3("waggle/set/1\\0" ‖ author ‖ sequence as 8 bytes, big-endian ‖ id, for each, in that order)

        Source: the project's network specification, §2 (``have``).
        """
        size, digest = self._digest
        if size != len(self._messages):
            keys = sorted(m.author + m.sequence.to_bytes(8) + m.id for m in self._messages.values())
            digest = blake3(b"waggle/set/1\0" + b"".join(keys)).digest()
            self._digest = (len(keys), digest)
        return digest

    def said(self, body: type[B], round: int = 0) -> tuple[Message[B], ...]:
        """Return the messages of one body type and round that are here by now, sorted by id."""
        slot = self._slots.get((body, round))
        return () if slot is None else cast("tuple[Message[B], ...]", slot.sorted())

    def waiting(self) -> list[str]:
        """Return one line for everyone who waits here: who, for what, and how far it has come."""
        lines: list[str] = []
        for (body, round), slot in self._slots.items():
            for waiter in slot.waiters:
                if not waiter.future.done():
                    has = slot.answered(waiter.of)
                    lines.append(
                        f"{waiter.who or 'somebody'} waits for {body.kind or body.__name__} round {round} until "
                        f"{waiter.condition} ({has} of {waiter.expected} answered)"
                    )
        return sorted(lines)

    def subscribe(self, listener: Listener) -> Callable[[], None]:
        """Call `listener(message, canonical bytes)` for each message from now on; return how to stop that."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    # -- growing ------------------------------------------------------------------------------------------------

    def publish(self, author: PeerId, body: B, built_on: list[AnyMessage], wall_ms: int) -> Message[B]:
        """Write the author's next message, built on those given; return it.

        At most 64 parents are kept: of more, the latest by (lamport, id). Exact sets are named by `Cut`.
        """
        head = self._heads.get(author)
        if head is None:
            sequence, previous, lamport = 1, None, 0
        else:
            sequence, previous, lamport = head.sequence + 1, head.id, head.lamport
        if built_on:
            if len(built_on) > MAX_PARENTS:
                built_on = sorted(built_on, key=lambda m: (m.lamport, m.id))[-MAX_PARENTS:]
            ids: set[MessageId] = set()
            for message in built_on:
                if message.author != author:
                    ids.add(message.id)
                    if message.lamport > lamport:
                        lamport = message.lamport
            parents = tuple(sorted(ids))
        else:
            parents = ()
        message, raw = compose(author, body, sequence, previous, parents, lamport + 1, wall_ms, self.swarm, self.name)
        self.add(message, raw)
        return message

    def add(self, message: AnyMessage, raw: bytes) -> None:
        """Put a message into the set and wake those whose condition it completes.

        The caller vouches for it: it was just published here, or a `Door` or a `Log` has checked it.
        """
        id = message.id
        if id in self._messages:
            return
        author = message.author
        self._messages[id] = message
        head = self._heads.get(author)
        if head is None or head.sequence < message.sequence:
            self._heads[author] = message
        body = message.body
        key = (body.__class__, body.round)
        slot = self._slots.get(key)
        if slot is None:
            slot = self._slots[key] = _Slot()
        if author not in self._forked:
            slot.messages.append(message)
            slot.authors.add(author)
            slot.in_order = None
            if author in self._gone:
                self._look_again(slot)
            elif len(slot.authors) >= slot.wake_at:
                slot.wake()
        for listener in self._listeners:
            listener(message, raw)

    def disown(self, author: PeerId) -> None:
        """Stop counting an author who equivocated: its messages stay as evidence and are collected no more."""
        if author in self._forked:
            return
        self._forked.add(author)
        for slot in self._slots.values():
            if author in slot.authors:
                slot.authors.discard(author)
                slot.messages = [m for m in slot.messages if m.author != author]
                slot.in_order = None

    @property
    def forked(self) -> frozenset[PeerId]:
        """The authors who wrote two different messages with one number."""
        return frozenset(self._forked)

    # -- waiting ------------------------------------------------------------------------------------------------

    async def collect(
        self,
        body: type[B],
        round: int,
        *,
        until: Condition,
        expected: int,
        of: frozenset[PeerId] | None = None,
        who: str = "",
        heard: list[AnyMessage] | None = None,
    ) -> tuple[Message[B], ...]:
        """Wait until the condition holds, then return what was said, sorted by id.

        Args:
            body: the type of body to wait for.
            round: its round.
            until: when to stop waiting; `expected` is its "everyone".
            expected: how many authors are expected.
            of: count and return only these authors' messages; everybody's when None.
            who: the name of the waiter, for those who look for deadlocks.
            heard: a list that what is returned is also added to.
        """
        key = (body, round)
        slot = self._slots.get(key)
        if slot is None:
            slot = self._slots[key] = _Slot()
        left = self._expected(slot, expected, of) if self._gone else expected
        if slot.until is until and slot.expected == left:
            needed = slot.needed
        else:
            needed = slot.needed = until.threshold(left, 0.0)
            slot.until, slot.expected = until, left
        if (len(slot.authors) if of is None else slot.answered(of)) < needed:
            loop = asyncio.get_running_loop()
            waiter = _Waiter(who, until, expected, of, needed, loop)
            slot.waiters.append(waiter)
            if needed < slot.wake_at:
                slot.wake_at = needed
            if until.moments and waiter.since + until.moments[0] < self._alarm_at:
                self._arm(loop, waiter.since + until.moments[0])
            try:
                await waiter.future
            except asyncio.CancelledError:
                if waiter in slot.waiters:
                    slot.waiters.remove(waiter)
                raise
        said = slot.sorted()
        if of is not None:
            said = tuple(m for m in said if m.author in of)
        if heard is not None:
            heard.extend(said)
        return cast("tuple[Message[B], ...]", said)

    def leave_out(self, peers: frozenset[PeerId]) -> None:
        """Expect no answer of these peers from now on, in place of those before: they are gone.

        What they say counts when it comes, and a condition that asks for a number of answers asks for as many.

        Args:
            peers: of those who sit here.
        """
        if peers != self._gone:
            self._gone = peers
            for slot in self._slots.values():
                self._look_again(slot)

    def _expected(self, slot: _Slot, expected: int, of: frozenset[PeerId] | None) -> int:
        """Return of how many answers can be expected: all but those who are gone and have not answered."""
        silent = self._gone - slot.authors
        return expected - len(silent if of is None else silent & of)

    def _look_again(self, slot: _Slot) -> None:
        """Wake those whose condition holds for those who are left."""
        if slot.waiters:
            now = asyncio.get_running_loop().time()
            for waiter in slot.waiters:
                expected = self._expected(slot, waiter.expected, waiter.of)
                waiter.needed = waiter.condition.threshold(expected, now - waiter.since)
            slot.wake()

    def close(self) -> None:
        """Stop the channel's timer. Waiters are not woken; cancel their tasks."""
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm, self._alarm_at = None, inf

    def _arm(self, loop: asyncio.AbstractEventLoop, at: float) -> None:
        if at < self._alarm_at:
            if self._alarm is not None:
                self._alarm.cancel()
            self._alarm_at = at
            self._alarm = loop.call_at(at, self._ring, loop)

    def _ring(self, loop: asyncio.AbstractEventLoop) -> None:
        """Look at every waiter with a moment in the past, and set the alarm for the next one."""
        due, self._alarm, self._alarm_at = self._alarm_at, None, inf
        now = max(loop.time(), due)
        for slot in self._slots.values():
            if not slot.waiters:
                continue
            for waiter in slot.waiters:
                for moment in waiter.condition.moments:
                    if waiter.since + moment > now:
                        self._arm(loop, waiter.since + moment)
                        break
                    expected = self._expected(slot, waiter.expected, waiter.of)
                    waiter.needed = waiter.condition.threshold(expected, moment)
            slot.wake()
