"""A room: people and swarms talk in one channel of the log, and all of them see the same turns in the same order.

The room is at the door that people come to, and every turn builds on the one before it: so the order is in the log
itself, and whoever reads it later sees what those in the room saw. A name belongs to who took it first, by a ticket
that nobody else was given: whoever shows it comes back under that name, and hears what was said meanwhile.
"""

from __future__ import annotations

import hmac
import re
import secrets
from asyncio import get_running_loop
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from waggledance.core import (
    THREAD,
    BlobRef,
    Channel,
    Clock,
    Log,
    LoopClock,
    Member,
    Message,
    Opening,
    Part,
    PeerId,
    Question,
    Roster,
    RunFailed,
    Say,
    UsageError,
    encode,
    local_peer_id,
    members_of,
    swarm_id,
    well_formed,
)
from waggledance.gateways._chat_names import checked_name, looks_like
from waggledance.gateways._limits import Pace
from waggledance.protocols import calls

MAX_PEOPLE = 64
"""In a room at a time."""
MAX_NAMES = 1_000
"""That a room ever gives away; then it is full for new ones."""
TURNS_A_MINUTE = 30
"""Of one person: faster than anybody types."""
MAX_TURN_CHARS = 4_000

_ROOM = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,38}[a-z0-9])?")

Listener = Callable[[int, Message[Say]], None]


class NotInRoom(UsageError):
    """Somebody may not come in, or may not say that now; says why, for them to read."""


class TooFast(RunFailed):
    """Somebody says more than a room takes of one person."""

    def __init__(self, name: str, wait_s: float) -> None:
        super().__init__(name, wait_s)
        self.name, self.wait_s = name, wait_s

    def __str__(self) -> str:
        return (
            f"{self.name} says more than {TURNS_A_MINUTE} turns a minute; the next one is taken in {self.wait_s:.0f} s"
        )


@dataclass
class Person:
    """Somebody with a name in a room."""

    name: str
    id: PeerId
    ticket: str = field(repr=False)
    """What they show to come back under the name."""
    leave: Callable[[], None] | None = None
    """Ends the connection that they are in the room by; None while they are out."""


class Room:
    """A room.

    Args:
        name: small letters, digits and hyphens, at most 40.
        speakers: what the swarms in it are called; nobody else gets such a name.
        log: where what is said is kept; what it has of this room from before is there again. Nowhere when None.
        clock: tells the time of each turn.

    Raises:
        UsageError: the name, or a speaker's, cannot be used; two speakers look alike.
    """

    def __init__(
        self, name: str, speakers: Sequence[str], log: Log | None = None, *, clock: Clock | None = None
    ) -> None:
        if _ROOM.fullmatch(name) is None:
            raise UsageError(f"a room's name has 1 to 40 small letters, digits and hyphens, got {name!r:.80}")
        self.name, self.speakers = name, tuple(checked_name(speaker) for speaker in speakers)
        self._taken = {looks_like(speaker) for speaker in self.speakers}
        if len(self._taken) < len(self.speakers):
            raise UsageError(f"two of the speakers {', '.join(self.speakers)} look alike: give them other names")
        self._clock: Clock = clock or LoopClock()
        self._channel = Channel(swarm_id("chat"), f"chat-{name}")
        self._names: dict[PeerId, str] = {local_peer_id(speaker): speaker for speaker in self.speakers}
        self._people: dict[str, Person] = {}
        self._pace = Pace(TURNS_A_MINUTE)
        self._listeners: list[Listener] = []
        self._presence: list[Callable[[], None]] = []
        self._said: list[Message[Say]] = []
        self.media: dict[str, BlobRef] = {}
        """The blobs that turns here refer to, by their hashes in hexadecimal."""
        self._open(log)

    @property
    def channel(self) -> str:
        """The room's channel in the log."""
        return self._channel.name

    def said(self, after: int = 0) -> tuple[tuple[int, Message[Say]], ...]:
        """Return the turns after the n-th, each with its number; numbers count from 1 and never change."""
        start = max(0, after)
        return tuple(enumerate(self._said[start:], start=start + 1))

    def here(self) -> tuple[str, ...]:
        """Return the names of the people who are in the room, sorted."""
        return tuple(sorted(person.name for person in self._people.values() if person.leave is not None))

    def name_of(self, id: PeerId) -> str:
        """Return the name of somebody who has said something here."""
        return self._names.get(id) or id.hex()[:8]

    def listen(self, listener: Listener) -> Callable[[], None]:
        """Call `listener(number, message)` for each turn from now on; return how to stop that."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    def on_presence(self, listener: Callable[[], None]) -> Callable[[], None]:
        """Call `listener()` whenever somebody comes or goes; return how to stop that."""
        self._presence.append(listener)
        return lambda: self._presence.remove(listener)

    def enter(self, name: str, ticket: str, leave: Callable[[], None]) -> Person:
        """Let somebody in.

        Args:
            name: what they want to be called.
            ticket: what they were given when they took the name; empty for a new one.
            leave: ends the connection they come by; called when they come in again by another.

        Raises:
            NotInRoom: the name is another's, looks like another's, cannot be used, or the room is full.
        """
        try:
            name = checked_name(name)
        except UsageError as why:
            raise NotInRoom(str(why)) from None
        look = looks_like(name)
        if not look or look in self._taken:
            raise NotInRoom(f"{name!r} is the name of a swarm here, or looks like it; take another")
        person = self._people.get(look)
        if person is None:
            person = self._new_person(name, look)
        elif not hmac.compare_digest(person.ticket.encode(), ticket.encode()):
            raise NotInRoom(f"{name!r} is {person.name!r} to the eye, and that name is taken; take another")
        if person.leave is None and len(self.here()) >= MAX_PEOPLE:
            raise NotInRoom(f"{MAX_PEOPLE} people are in the room, which is all it takes; come back later")
        before, person.leave = person.leave, leave
        if before is not None:
            before()
        self._tell_presence()
        return person

    def leave(self, person: Person, by: Callable[[], None]) -> None:
        """Note that somebody's connection has ended; nothing changes where they came in again by another."""
        if person.leave == by:
            person.leave = None
            self._tell_presence()

    def say(self, person: Person, text: str, parts: Sequence[Part] = ()) -> Message[Say]:
        """Say something as a person in the room.

        Raises:
            TooFast: they have said too much of late.
            NotInRoom: nothing is said, or too much at once.
        """
        if len(text) > MAX_TURN_CHARS:
            raise NotInRoom(f"one turn has at most {MAX_TURN_CHARS:,} characters, got {len(text):,}; split it")
        wait_s = self._pace.wait_s(person.name, get_running_loop().time())
        if wait_s > 0:
            raise TooFast(person.name, wait_s)
        try:
            body = Say(text=well_formed(text), to=self._called(text), parts=tuple(parts))
            return self._publish(person.id, body)
        except NotInRoom:
            raise
        except UsageError as why:
            raise NotInRoom(str(why)) from None

    def answer(self, speaker: str, body: Say) -> Message[Say]:
        """Say something as one of the swarms."""
        return self._publish(local_peer_id(speaker), body)

    def _called(self, text: str) -> tuple[PeerId, ...]:
        """Return whom a text calls by name, sorted."""
        return tuple(sorted(id for id, name in self._names.items() if calls(text, name)))

    def _new_person(self, name: str, look: str) -> Person:
        if len(self._people) >= MAX_NAMES:
            raise NotInRoom(f"the room has given away {MAX_NAMES:,} names, which is all it has")
        id = local_peer_id(name)
        person = self._people[look] = Person(name, id, secrets.token_urlsafe(16))
        if id not in self._names:
            self._names[id] = name
            self._channel.publish(self._host, Roster(members=(Member(id, name),)), self._last(), self._clock.wall_ms())
        return person

    def _open(self, log: Log | None) -> None:
        """Read what the log has of the room, or open its channel; write from then on."""
        self._host = local_peer_id(f"room {self.name}")
        if log is not None and self.channel in log:
            log.flush_now()
            for message in log.read(self.channel):
                self._channel.add(message, encode(message))
                if isinstance(message.body, Say):
                    self._keep(message)
            self._names |= {member.id: member.name for member in members_of(self._channel.messages())}
        if log is not None:
            self._channel.subscribe(log.append)
        if not len(self._channel):
            members = tuple(sorted((Member(id, name) for id, name in self._names.items()), key=lambda m: m.id))
            question = Question(text=f"The room {self.name}", expects="free")
            opening = Opening(question=question, members=members, protocol=THREAD)
            self._channel.publish(self._host, opening, [], self._clock.wall_ms())

    def _publish(self, author: PeerId, body: Say) -> Message[Say]:
        message = self._channel.publish(author, body, self._last(), self._clock.wall_ms())
        self._keep(message)
        for listener in tuple(self._listeners):
            listener(len(self._said), message)
        return message

    def _keep(self, message: Message[Say]) -> None:
        self._said.append(message)
        self.media |= {part.blob.hash.hex(): part.blob for part in message.body.parts if part.blob is not None}

    def _last(self) -> list[Message[Any]]:
        """Return the newest message: all build on it, so that the order is in the log."""
        heads = self._channel.heads().values()
        return [max(heads, key=lambda m: (m.lamport, m.id))] if heads else []

    def _tell_presence(self) -> None:
        for listener in tuple(self._presence):
            listener()
