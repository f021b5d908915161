"""The channels that a node holds: opened here or by others, awake, or at rest in the log."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any
from weakref import WeakValueDictionary

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
    Unvouched,
    UsageError,
)
from waggledance.mesh._channel_names import is_named_by
from waggledance.mesh._held import Held
from waggledance.mesh._mesh_copy import MeshCopy, Outlet
from waggledance.mesh._message_log import MessageLog
from waggledance.mesh._order_marks import mark_in, sought_by
from waggledance.mesh._reader import Reader
from waggledance.mesh._rests import Rests, note_of, read_note

AnyMessage = Message[Any]
LOBBY = "lobby"
RECENT_SECONDS = 30.0
"""So long after a channel has grown greetings name what is in it, unless it rests."""
REST_SECONDS = 10.0
"""So long after its last message what is over is kept awake: what was lost is mostly repaired by then."""
ABANDONED_SECONDS = 660.0
"""So long a question whose asker writes no outcome is kept awake: longer than members wait for one."""


class Channels(Mapping[str, Held]):
    """Channels by name. Going through all goes through those at rest as well, which wakes none.

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
        self._key, self._swarm, self._clock, self._reader, self._log = key, swarm, clock, reader, log
        self._outlet, self._written, self._ask, self._alarm = outlet, written, ask, alarm
        self._awake: dict[str, Held] = {}
        self.rests = Rests()
        """What is known of the channels that rest."""
        self._looked_at: WeakValueDictionary[str, Held] = WeakValueDictionary()
        """Channels at rest that somebody has in hand: whoever asks for one again gets the same."""
        self.unvouched = Unvouched()
        """How much waits for a signature, at all doors together."""
        self.by_order: dict[bytes, str] = {}
        """Names by what is said who looks for the order; see `order_mark`."""
        self._refused: Counter[str] = Counter()
        """What was refused of openings, and at doors that are no more."""

    def __getitem__(self, name: str) -> Held:
        held = self._awake.get(name) or self._looked_at.get(name)
        if held is None:
            rested = self.rests[name]
            held = Held(name, lambda: rested.holders, self._woken, opener=rested.opener, resting=rested)
            self._looked_at[name] = held
        return held

    def __contains__(self, name: object) -> bool:
        return name in self._awake or name in self.rests

    def __iter__(self) -> Iterator[str]:
        yield from [*self._awake, *self.rests]  # as they are now: looking at one may wake it

    def __len__(self) -> int:
        return len(self._awake) + len(self.rests)

    def awake(self) -> list[Held]:
        """Return the channels that do not rest."""
        return list(self._awake.values())

    def shared(self, peer: PeerId) -> list[Held]:
        """Return the channels that a peer holds too and that do not rest."""
        return [held for held in self._awake.values() if peer in held.members]

    def digests(self, peer: PeerId) -> list[tuple[str, bytes]]:
        """Return name and digest of all channels that a peer holds too; wakes none."""
        return [*((held.name, held.digest()) for held in self.shared(peer)), *self.rests.held_by(peer)]

    def root(self, peer: PeerId) -> bytes:
        """Return one number over names and digests of all channels that a peer holds too."""
        root = self.rests.root(peer)
        for held in self.shared(peer):
            root ^= held.mark()
        return root.to_bytes(32)

    def counted(self) -> tuple[int, int, int]:
        """Return how many questions are held, how many of them have no outcome yet, and how many messages there are."""
        asked = [held.is_over for held in self._awake.values() if held.asker is not None]
        asked += [rested.is_over for rested in self.rests.values() if rested.asked]
        sizes = (*(held.size for held in self._awake.values()), *(rested.size for rested in self.rests.values()))
        return len(asked), asked.count(False), sum(sizes)

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
        if sum(held.opener == first.author and not held.is_over for held in self._awake.values()) >= most:
            self._refused["channels"] += 1
            return None
        return self._hold_for(first.channel, first.author, holders)

    def drop(self, held: Held) -> None:
        """Hold a channel no more whose opening nobody has signed."""
        self._refused["opening"] += 1
        self._close(held.door)
        held.copy.close()
        del self._awake[held.name]

    def hold(self, name: str, admits: Callable[[AnyMessage], bool], members: Callable[[], frozenset[PeerId]]) -> Held:
        """Hold a channel.

        Args:
            name: its name.
            admits: says whether a message may come in.
            members: says who holds it.
        """
        held = self._awake[name] = Held(name, members, self._woken, awake=self._made(name, admits))
        return held

    def _hold_for(self, name: str, opener: PeerId, holders: frozenset[PeerId]) -> Held:
        shared = self.rests.shared(holders)
        made = self._made(name, _who_asks(opener, shared))
        held = self._awake[name] = Held(name, lambda: shared, self._woken, opener=opener, awake=made)
        self._index(name)
        return held

    def _index(self, name: str) -> None:
        if mark := mark_in(name):
            self.by_order[sought_by(mark)] = name

    def _made(self, name: str, admits: Callable[[AnyMessage], bool]) -> tuple[MeshCopy, Door]:
        """Make an empty copy and its door."""
        copy = MeshCopy(self._swarm, name, lambda: self._written(self._awake[name]), self._outlet)
        door = Door(
            copy, admits=admits, clock=self._clock, verify=self._reader.holds, unvouched=self.unvouched,
            ask=lambda _author, ids: self._ask(name, ids),
        )  # fmt: skip
        return copy, door

    def _close(self, door: Door) -> None:
        """Keep what a door has counted, and let go of what waits at it."""
        self._refused += door.refused
        door.close()

    # -- resting, and the log -----------------------------------------------------------------------------------

    def _woken(self, held: Held) -> tuple[MeshCopy, Door]:
        """Make copy and door of a channel that rests, from the log."""
        assert held.opener is not None, "only questions rest"
        copy, door = self._made(held.name, _who_asks(held.opener, held.members))
        self._fill(copy, self._logged(held.name))
        self.rests.take(held.name)
        self._awake[held.name] = held
        held.changed_s = self._clock.now()
        return copy, door

    def load(self) -> None:
        """Take all channels from the log. Of one that rested nothing is read but what was noted then."""
        if self._log is None:
            return
        notes = self._log.notes()
        for name in self._log.names():
            rested = read_note(notes[name]) if name in notes else None
            if rested is not None and is_named_by(name, rested.opener):
                self.rests.add(name, rested)
                self._index(name)
            else:
                self._load(name, self._log.read(name))

    def _load(self, name: str, messages: Sequence[AnyMessage]) -> None:
        """Take a channel from the log; one whose question is over rests there."""
        held = self._awake.get(name)
        if held is None:
            first = next((m for m in messages if isinstance(m.body, Opening)), None)
            if first is None:
                return
            holders = frozenset((*(member.id for member in first.body.members), first.author))
            held = self._hold_for(name, first.author, holders)
        self._fill(held.copy, messages)
        if held.is_over:
            self._lay_down([held])

    def let_rest(self) -> None:
        """Keep what is over, and quiet, in the log only."""
        now = self._clock.now()
        quiet = [
            held
            for held in self._awake.values()
            if held.opener is not None
            and now - held.changed_s >= (REST_SECONDS if held.is_over else ABANDONED_SECONDS)
        ]  # fmt: skip
        if self._log is None or not quiet:
            return
        try:
            self._log.flush_now()
        except RunFailed:  # whoever wrote was told
            return
        self._lay_down(quiet)

    def _lay_down(self, quiet: Iterable[Held]) -> None:
        """Let channels rest of which all is in the log, and note there what need not be read at the next start."""
        notes: dict[str, bytes] = {}
        for held in quiet:
            laid = held.rest()
            if laid is None:
                continue
            rested, door = laid
            self._close(door)
            del self._awake[held.name]
            self._looked_at[held.name] = held
            self.rests.add(held.name, rested)
            if rested.is_over:  # a question without an outcome is taken up again by the next life
                notes[held.name] = note_of(rested)
        if self._log is not None and notes:
            self._log.keep_notes(notes)

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


def _who_asks(opener: PeerId, holders: frozenset[PeerId]) -> Callable[[AnyMessage], bool]:
    """Return what says whether a message may come into a question's channel."""

    def admits(message: AnyMessage) -> bool:
        opens = not isinstance(message.body, Opening) or (message.author == opener and message.sequence == 1)
        return message.author in holders and opens

    return admits
