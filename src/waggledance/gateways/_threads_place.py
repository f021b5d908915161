"""Where threads are: the channels that one agent holds, and how it opens one. In one process here, on a mesh next door.

An agent sees threads from its own place: its replica of the channels it is a member of. In one process all places share
one copy of every channel, kept in a log where there is one, so that talk goes on after a restart.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Protocol

from blake3 import blake3

from waggledance.core import (
    THREAD,
    Channel,
    Clock,
    Log,
    LoopClock,
    Member,
    Opening,
    PeerId,
    UsageError,
    local_peer_id,
    members_of,
    swarm_id,
)

SWARM = swarm_id("threads")


class ThreadPlace(Protocol):
    """One agent's replica of the threads that it is a member of."""

    @property
    def me(self) -> PeerId:
        """Who speaks from here."""
        ...

    @property
    def clock(self) -> Clock: ...

    def people(self) -> Mapping[PeerId, Member]:
        """Return everybody who could be a member of a thread, this agent included."""
        ...

    def channels(self) -> Mapping[str, Channel]:
        """Return the copies of the channels of all threads that this agent is a member of, by name."""
        ...

    def open(self, opening: Opening) -> Channel:
        """Open a channel for a thread; return its copy with the opening in it."""
        ...

    def on_thread(self, listener: Callable[[], None]) -> Callable[[], None]:
        """Call `listener()` when a thread has come; return how to stop that."""
        ...


class LocalThreads:
    """The threads of agents that are served by one process.

    Args:
        names: who there is; at least one, none twice.
        log: where threads are kept and found again; nowhere when None.
        clock: time; the event loop's when None.

    Raises:
        UsageError: there is nobody, or two have one name.
    """

    def __init__(self, names: Sequence[str], *, log: Log | None = None, clock: Clock | None = None) -> None:
        if not names or len(set(names)) < len(names):
            raise UsageError(f"threads are among agents with a name each, none twice; got {', '.join(names) or 'none'}")
        self.clock: Clock = clock or LoopClock()
        self.members = {local_peer_id(name): Member(local_peer_id(name), name) for name in names}
        self.copies: dict[str, Channel] = {}
        self.seated: dict[str, frozenset[PeerId]] = {}
        """The members of each thread."""
        self._log = log
        self._listeners: list[Callable[[], None]] = []
        for summary in () if log is None else log.channels():
            if summary.protocol == THREAD and log is not None:
                copy = log.load(summary.channel)
                self._keep(copy, frozenset(member.id for member in members_of(copy.messages())))

    def at(self, name: str) -> LocalPlace:
        """Return the place of one agent.

        Raises:
            UsageError: nobody has this name.
        """
        me = local_peer_id(name)
        if me not in self.members:
            raise UsageError(f"nobody here is called {name!r}; there is {', '.join(self._names())}")
        return LocalPlace(self, me)

    def open(self, author: PeerId, opening: Opening) -> Channel:
        """Open a channel under a name that is free."""
        number = len(self.copies) + 1
        while True:
            mark = blake3(b"%d\0%b\0%s" % (number, author, opening.question.text.encode())).hexdigest(length=3)
            name = f"thread-{number}-{mark}"
            if name not in self.copies and (self._log is None or name not in self._log):
                break
            number += 1
        channel = self._keep(Channel(SWARM, name), frozenset(member.id for member in opening.members))
        channel.publish(author, opening, [], self.clock.wall_ms())
        for listener in list(self._listeners):
            listener()
        return channel

    def on_thread(self, listener: Callable[[], None]) -> Callable[[], None]:
        """Call `listener()` when a thread has been opened; return how to stop that."""
        self._listeners.append(listener)
        return partial(self._listeners.remove, listener)

    def _keep(self, channel: Channel, members: frozenset[PeerId]) -> Channel:
        self.copies[channel.name], self.seated[channel.name] = channel, members
        if self._log is not None:
            channel.subscribe(self._log.append)
        return channel

    def _names(self) -> list[str]:
        return sorted(member.name for member in self.members.values())


class LocalPlace:
    """One agent's place among `LocalThreads`."""

    def __init__(self, threads: LocalThreads, me: PeerId) -> None:
        self.me = me
        self._threads = threads

    @property
    def clock(self) -> Clock:
        return self._threads.clock

    def people(self) -> Mapping[PeerId, Member]:
        return self._threads.members

    def channels(self) -> Mapping[str, Channel]:
        threads = self._threads
        return {name: copy for name, copy in threads.copies.items() if self.me in threads.seated[name]}

    def open(self, opening: Opening) -> Channel:
        return self._threads.open(self.me, opening)

    def on_thread(self, listener: Callable[[], None]) -> Callable[[], None]:
        return self._threads.on_thread(listener)
