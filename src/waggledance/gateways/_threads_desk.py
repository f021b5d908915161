"""An agent's desk: it opens threads, says things in them, waits for what others say, and helps to close them.

What an agent says builds on what it was shown and on nothing else, so that the record tells who had seen what. To wait
is to look for the first message that fits and is not in the past of `since`: it is the same message whether it came
before the wait began or after, and nothing is missed between two waits. No clock takes part in that.

Source: the tools and rules of Ren, Forder, Zang et al. 2025, "Anemoi", arXiv:2508.17068 (threads, mentions of
participants and never of oneself, waiting with filters). There a wait replays by time from one process's memory; heads
in place of times, and one replica for each agent, are ours.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

import msgspec

from waggledance.core import (
    Channel,
    Member,
    Message,
    MessageId,
    PeerId,
    Say,
    UnknownName,
    UsageError,
    past_of,
    well_formed,
)
from waggledance.gateways._threads_filter import Filter, by_id, first_new, short
from waggledance.gateways._threads_fold import MAX_TURNS, Close, Folds, Thread, opening_for
from waggledance.gateways._threads_place import ThreadPlace
from waggledance.gateways._threads_shown import Shown

MAX_WAIT_S = 60.0
MAX_SINCE = 256


class Heard(msgspec.Struct, frozen=True):
    """A message that a wait has come to."""

    thread: Thread
    message: Message[Say] | Message[Close]
    since: tuple[str, ...]
    """What to give the next wait, so that it looks for what comes after."""


class Desk:
    """One agent's side of threads.

    Args:
        place: the agent's replica of them.
    """

    def __init__(self, place: ThreadPlace) -> None:
        self._place = place
        self._folds = Folds()
        self._shown = Shown(place.me, self._folds)

    @property
    def me(self) -> PeerId:
        """Who sits here."""
        return self._place.me

    @property
    def name(self) -> str:
        """The name of who sits here."""
        people = self._place.people()
        return people[self.me].name if self.me in people else self.me.hex()[:8]

    def members(self) -> Mapping[PeerId, Member]:
        """Return all who could be members of a thread, this agent included."""
        return self._place.people()

    def threads(self) -> tuple[Thread, ...]:
        """Return the threads that this agent is a member of, by channel."""
        return tuple(self._folds.of(copy) for _, copy in sorted(self._place.channels().items()))

    def thread(self, channel: str) -> Thread:
        """Return one thread.

        Raises:
            UnknownName: this agent is a member of no thread of this name.
        """
        return self._folds.of(self._copy(channel))

    def read(self, channel: str) -> tuple[Message[Any], ...]:
        """Return all that stands in a thread's channel, causes before effects; say with `show` what of it was shown.

        Raises:
            UnknownName: this agent is a member of no thread of this name.
        """
        return self._copy(channel).messages()

    def open(self, title: str, members: Sequence[str]) -> Thread:
        """Open a thread; whoever opens it is a member as well.

        Args:
            title: what it is about, at most 200 characters.
            members: names of who takes part.

        Raises:
            UnknownName: a name is nobody's.
            UsageError: the title is empty or too long, or there would be more than 64 members.
        """
        people = self._place.people()
        by_name = {member.name: member for member in people.values()}
        for name in members:
            if name not in by_name:
                raise UnknownName("agent", name, by_name)
        seated = {by_name[name].id: by_name[name] for name in members} | {self.me: people[self.me]}
        return self.thread(self._place.open(opening_for(title, seated.values())).name)

    async def say(self, channel: str, text: str, *, mentions: Sequence[str] = (), reply_to: str = "") -> Message[Say]:
        """Say something in a thread, building on what this agent was shown there.

        Args:
            channel: the thread's.
            text: 1 to 16,000 characters.
            mentions: names of members whom it addresses.
            reply_to: the id of the message that it answers; empty for none.

        Raises:
            UnknownName: the thread, a member or the message is not known here.
            UsageError: the thread is closed or full, the text is empty or too long, or the author mentions itself.
        """
        thread = self._open_one(channel)
        if len(thread.said) >= MAX_TURNS:
            raise UsageError(f"thread {channel!r} has {MAX_TURNS:,} turns, the limit: close it, and open another")
        to = tuple(dict.fromkeys(_member(thread, name) for name in mentions))
        if self.me in to:
            raise UsageError("a message does not mention its author; mention others, or nobody")
        copy = self._copy(channel)
        refs = (self._message(copy, reply_to).id,) if reply_to else ()
        return await self._publish(copy, Say(text=well_formed(text), to=to, refs=refs))

    async def close(self, channel: str, summary: str = "") -> Thread:
        """Ask to close a thread with a summary; without one, agree with the request that most stand behind.

        Raises:
            UnknownName: the thread is not known here.
            UsageError: it is closed already, or there is no request to agree with.
        """
        thread = self._open_one(channel)
        if summary.strip():
            word = Close(summary=well_formed(summary))
        elif thread.closing:
            word = Close(agrees=thread.closing[0].asked.id)
        else:
            raise UsageError(f"nobody has asked to close thread {channel!r}: ask for it yourself, with a summary")
        await self._publish(self._copy(channel), word)
        return self.thread(channel)

    async def wait(
        self,
        *,
        channel: str = "",
        mention: bool = False,
        author: str = "",
        since: Sequence[str] | None = None,
        within_s: float = 30.0,
    ) -> Heard | None:
        """Wait for the first message of somebody else that fits and is new; None when the time is over.

        Args:
            channel: only in this thread, which may still be on its way; in any when empty.
            mention: only what mentions this agent; requests to close are then left out.
            author: only what this member says; anybody's when empty.
            since: ids; what they build on, and they themselves, are not new. What this agent was shown when None.
            within_s: 0 to 60 s; 0 only looks.

        Raises:
            UnknownName: a member or an id is not known here, or a thread is not when the time is over.
            UsageError: the time is out of range, or too many ids are given.
        """
        if not 0 <= within_s <= MAX_WAIT_S:
            raise UsageError(f"a wait takes 0 to {MAX_WAIT_S:g} s, got {within_s}; wait again for longer")
        if since is not None and len(since) > MAX_SINCE:
            raise UsageError(f"since names at most {MAX_SINCE} messages, got {len(since)}")
        filter = Filter(channel, mention, author)
        self._check(filter)
        loop = asyncio.get_running_loop()
        until = loop.time() + within_s
        while True:
            with self._listening(channel) as grown:
                found = self._first(filter, since)
                left_s = until - loop.time()
                if found is not None:
                    return found
                if left_s <= 0 or not await _came(grown, left_s):
                    break
        if channel:
            self._copy(channel)  # there is such a thread by now, or this says that there is none
        return None

    def show(self, channel: str, messages: Sequence[MessageId]) -> None:
        """Note that this agent was shown messages of a thread."""
        self._shown.add(self._copy(channel), messages)

    def listen(self, listener: Callable[[], None]) -> Callable[[], None]:
        """Call `listener()` whenever something comes into a thread, or a thread comes; return how to stop that."""
        stack, heard = ExitStack(), set[str]()

        def look() -> bool:
            new = {name: copy for name, copy in self._place.channels().items() if name not in heard}
            for copy in new.values():
                stack.callback(copy.subscribe(lambda _message, _raw: listener()))
            heard.update(new)
            return bool(new)

        def came() -> None:
            if look():  # a thread of this agent's, and not one of others
                listener()

        look()
        stack.callback(self._place.on_thread(came))
        return stack.close

    # -- within -------------------------------------------------------------------------------------------------

    async def _publish(self, copy: Channel, body: Any) -> Message[Any]:
        await copy.room()
        here = by_id(copy)
        built_on = [here[id] for id in self._shown.newest(copy)]
        message = copy.publish(self.me, body, built_on, self._place.clock.wall_ms())
        self._shown.add(copy, [message.id])
        return message

    def _first(self, filter: Filter, since: Sequence[str] | None) -> Heard | None:
        channels = self._channels(filter.channel)
        threads = [self._folds.of(copy) for copy in channels.values()]
        found = first_new(threads, self.me, filter, self._old(channels, since))
        if found is None:
            return None
        thread, message = found
        copy = channels[thread.channel]
        self._shown.add(copy, [message.id])
        if since is None:
            newest = self._shown.newest(copy)
        else:
            past = past_of(message.id, by_id(copy))
            given = [self._somewhere(channels, text)[1] for text in since]
            newest = (*(other for other in given if other not in past), message.id)
        return Heard(thread, message, tuple(sorted(map(short, newest))))

    def _old(self, channels: Mapping[str, Channel], since: Sequence[str] | None) -> dict[str, frozenset[MessageId]]:
        """Return what is not new, by channel."""
        if since is None:
            return {name: frozenset(self._shown.of(copy)) for name, copy in channels.items()}
        old: dict[str, frozenset[MessageId]] = dict.fromkeys(channels, frozenset())
        for text in since:
            name, id = self._somewhere(channels, text)
            if name in old:
                old[name] |= past_of(id, by_id(channels[name]))
        return old

    def _somewhere(self, channels: Mapping[str, Channel], text: str) -> tuple[str, MessageId]:
        """Return the message of an id, and its channel: of those given, or of any."""
        for name, copy in (*channels.items(), *self._place.channels().items()):
            found = [m.id for m in copy.messages() if short(m.id) == text]
            if found:
                return name, found[0]
        raise UnknownName("message", text, ())

    def _channels(self, channel: str) -> Mapping[str, Channel]:
        channels = self._place.channels()
        return {name: channels[name] for name in sorted(channels) if channel in ("", name)}

    def _copy(self, channel: str) -> Channel:
        channels = self._place.channels()
        if channel not in channels:
            raise UnknownName("thread", channel, channels)
        return channels[channel]

    def _open_one(self, channel: str) -> Thread:
        thread = self.thread(channel)
        if thread.closed is not None:
            raise UsageError(f"thread {channel!r} is closed: open another to go on")
        return thread

    def _message(self, copy: Channel, text: str) -> Message[Any]:
        found = [m for m in copy.messages() if short(m.id) == text]
        if not found:
            raise UnknownName("message", text, ())
        return found[0]

    def _check(self, filter: Filter) -> None:
        """Say so at once where a wait could never end well."""
        threads = [self._folds.of(copy) for copy in self._channels(filter.channel).values()]
        names = {member.name for thread in threads for member in thread.members}
        if filter.author and filter.author not in names | {member.name for member in self.members().values()}:
            raise UnknownName("member", filter.author, names)

    @contextmanager
    def _listening(self, channel: str) -> Generator[asyncio.Event]:
        """Set an event when anything comes into a thread, or a thread comes."""
        grown = asyncio.Event()
        with ExitStack() as stack:
            for copy in self._channels(channel).values():
                stack.callback(copy.subscribe(lambda _message, _raw: grown.set()))
            stack.callback(self._place.on_thread(grown.set))
            yield grown


def _member(thread: Thread, name: str) -> PeerId:
    for member in thread.members:
        if member.name == name:
            return member.id
    raise UnknownName("member of the thread", name, (member.name for member in thread.members))


async def _came(grown: asyncio.Event, within_s: float) -> bool:
    """Wait for an event; return whether it came in time."""
    try:
        async with asyncio.timeout(within_s):
            return await grown.wait()
    except TimeoutError:
        return False
