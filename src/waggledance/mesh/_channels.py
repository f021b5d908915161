"""The channels that a node holds: opened here or by others, awake, or at rest in the log."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from waggledance.core import (
    Clock,
    Door,
    Key,
    Member,
    Message,
    MessageId,
    Opening,
    PeerId,
    RunFailed,
    SwarmId,
    UnknownName,
    UsageError,
)
from waggledance.mesh._channel_names import is_named_by
from waggledance.mesh._held import Held
from waggledance.mesh._mesh_copy import MeshCopy, Outlet
from waggledance.mesh._message_log import MessageLog
from waggledance.mesh._reader import Reader
from waggledance.mesh._repair import RECENT_SECONDS

AnyMessage = Message[Any]
LOBBY = "lobby"
REST_SECONDS = RECENT_SECONDS + 5.0
"""What is over is kept awake as long as greetings name it, and a little longer."""
ABANDONED_SECONDS = 660.0
"""So long a question whose asker writes no outcome is kept awake: longer than members wait for one."""


class Channels(dict[str, Held]):
    """Channels by name.

    Args:
        key: whose node it is.
        swarm: the swarm's id.
        clock: time.
        reader: checks signatures.
        log: where messages are kept; without one nothing rests.
        outlet: by which way messages go out.
        written: called with a channel into which something was written here.
        ask: called with a channel's name and the ids that its door misses.
        alarm: called with what an operator must know.
    """

    def __init__(
        self,
        key: Key,
        swarm: SwarmId,
        clock: Clock,
        reader: Reader,
        log: MessageLog | None,
        outlet: Outlet,
        *,
        written: Callable[[Held], None],
        ask: Callable[[str, tuple[MessageId, ...]], None],
        alarm: Callable[[str], None],
    ) -> None:
        super().__init__()
        self._key, self._swarm, self._clock, self._reader, self._log = key, swarm, clock, reader, log
        self._outlet, self._written, self._ask, self._alarm = outlet, written, ask, alarm
        self._holders: dict[frozenset[PeerId], frozenset[PeerId]] = {}
        """Who holds a channel, by itself: channels of the same peers share one set."""
        self._refused: Counter[str] = Counter()
        """What was refused of openings, and at doors that are no more."""

    def awake(self) -> list[Held]:
        """Return the channels that do not rest."""
        return [held for held in self.values() if not held.rests]

    def refusals(self) -> Counter[str]:
        """Return how much was refused, by reason, at all doors."""
        return sum((held.door.refused for held in self.awake()), Counter(self._refused))

    def close(self) -> None:
        """Stop all timers."""
        for held in self.awake():
            held.copy.close()

    # -- holding ------------------------------------------------------------------------------------------------

    def open(self, name: str, members: Sequence[PeerId]) -> Held:
        """Open a channel of this node's own.

        Raises:
            RunFailed: a channel of this name is held already.
            UsageError: the name does not end with a mark of this node's.
        """
        me = self._key.peer
        if not is_named_by(name, me):
            raise UsageError(
                f"a channel of this peer's ends with a mark of its own, from draw_mark(); got {name!r:.80}"
            )
        if name in self:
            raise RunFailed(f"channel {name!r} is held already: open another")
        return self._hold_for(name, me, frozenset((*members, me)))

    def adopt(self, first: AnyMessage, members: Mapping[PeerId, Member], most: int) -> Held | None:
        """Hold a channel that somebody else has opened, if its first message says that this peer belongs there.

        Whether it is that author's word is for the door to say; `drop` the channel if the door does not let it in.

        Args:
            first: what came of the channel first.
            members: who belongs to the swarm.
            most: questions that one asker may have open.
        """
        body = first.body
        if not isinstance(body, Opening):
            return None
        holders = frozenset((*(member.id for member in body.members), first.author))
        may = first.sequence == 1 and first.swarm == self._swarm and is_named_by(first.channel, first.author)
        if not may or self._key.peer not in holders or not holders <= members.keys():
            self._refused["opening"] += 1
            return None
        if sum(held.asker == first.author and not (held.is_over or held.rests) for held in self.values()) >= most:
            self._refused["channels"] += 1
            return None
        return self._hold_for(first.channel, first.author, holders)

    def drop(self, held: Held) -> None:
        """Hold a channel no more whose opening nobody has signed."""
        self._refused += held.door.refused
        self._refused["opening"] += 1
        held.copy.close()
        del self[held.name]

    def hold(self, name: str, admits: Callable[[AnyMessage], bool], members: Callable[[], frozenset[PeerId]]) -> Held:
        """Hold a channel.

        Args:
            name: its name.
            admits: says whether a message may come in.
            members: says who holds it.
        """

        def ask(author: PeerId, ids: tuple[MessageId, ...]) -> None:
            self._ask(name, ids)

        def made() -> tuple[MeshCopy, Door]:
            copy = MeshCopy(self._swarm, name, lambda: self._written(held), self._outlet)
            return copy, Door(copy, admits=admits, clock=self._clock, verify=self._reader.holds, ask=ask)

        def woken() -> tuple[MeshCopy, Door]:
            copy, door = made()
            self._fill(copy, self._logged(name))
            held.changed_s = self._clock.now()
            return copy, door

        held = self[name] = Held(*made(), members, woken)
        return held

    def _hold_for(self, name: str, asker: PeerId, holders: frozenset[PeerId]) -> Held:
        shared = self._holders.setdefault(holders, holders)

        def admits(message: AnyMessage) -> bool:
            opens = not isinstance(message.body, Opening) or (message.author == asker and message.sequence == 1)
            return message.author in shared and opens

        return self.hold(name, admits, lambda: shared)

    # -- the log ------------------------------------------------------------------------------------------------

    def load(self, name: str, messages: Sequence[AnyMessage]) -> None:
        """Take a channel from the log; one whose question is over rests there."""
        held = self.get(name)
        if held is None:
            first = next((m for m in messages if isinstance(m.body, Opening)), None)
            if first is None:
                return
            holders = frozenset((*(member.id for member in first.body.members), first.author))
            held = self._hold_for(name, first.author, holders)
        self._fill(held.copy, messages)
        if name != LOBBY and held.is_over:
            held.rest()

    def let_rest(self) -> None:
        """Keep what is over, and quiet, in the log only."""
        now = self._clock.now()
        quiet = [
            held
            for held in self.awake()
            if held.name != LOBBY
            and now - held.changed_s >= (REST_SECONDS if held.is_over else ABANDONED_SECONDS)
        ]  # fmt: skip
        if self._log is None or not quiet:
            return
        try:
            self._log.flush_now()
        except RunFailed:  # whoever wrote was told
            return
        for held in quiet:
            door = held.rest()
            if door is not None:
                self._refused += door.refused

    def _fill(self, copy: MeshCopy, messages: Iterable[AnyMessage]) -> None:
        """Put what was kept into a copy."""
        seen: set[tuple[PeerId, int]] = set()
        for message in messages:
            if (message.author, message.sequence) in seen:
                copy.disown(message.author)
            seen.add((message.author, message.sequence))
            copy.add(message, b"")
        copy.sign_head(self._key.peer, self._key)

    def _logged(self, name: str) -> Sequence[AnyMessage]:
        """Return what the log has of a channel that rested; what it has no more, the others give again."""
        assert self._log is not None, "nothing rests without a log"
        try:
            return self._log.read(name)
        except (RunFailed, UnknownName) as why:
            self._alarm(f"{why}. What was said there is asked back from the others")
            return ()
