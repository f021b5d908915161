"""One seat's way through a question as it was recorded, and how far along it a new run of the seat is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any, TypeGuard

from waggledance.core import Body, Message, MessageId, PeerId
from waggledance.safety._recorded_history import Gists, History, Slot

AnyMessage = Message[Any]


class Course:
    """A seat's recorded messages in order, those that its new run has said, and what it had heard before each.

    A seat is *on course* as long as it says something of the same kind and round as then, one after the other; what it
    hears is then exactly what it heard then. Off course, what it heard of a kind and round stands in for that.

    Args:
        history: what was recorded.
        gists: what messages say, of both runs.
        me: whose seat.
        until: the place in the record up to which it answers for the seat; None for all of it.
        reseated: whether others sit there now than then.
    """

    def __init__(
        self, history: History, gists: Gists, me: PeerId, until: int | None = None, *, reseated: bool = False
    ) -> None:
        self.history, self.gists, self.me, self._until, self._reseated = history, gists, me, until, reseated
        self.mine = history.said_by(me)
        self.at = 0
        """How many of its recorded messages the new run has said, or gone past."""
        self.on = True
        self.withheld: set[MessageId] = set()
        """What the new run has said and nobody heard."""
        self.taken: set[MessageId] = set()
        """Recorded messages that have answered a call."""
        self.affected = False
        """Whether anything that it has heard or said was another than then."""
        self._counted: Counter[tuple[str, int]] = Counter()
        self._to_be_heard: dict[int, frozenset[Slot]] = {}

    def to_come(self) -> Iterator[AnyMessage]:
        """Yield the recorded messages that may answer a call now."""
        for message in self.mine[self.at :]:
            if message.id not in self.taken and not self.is_over(message):
                yield message

    def is_over(self, message: AnyMessage) -> bool:
        """Say whether a message comes after the moment from which on the record does not answer for this seat."""
        return self._until is not None and self.history.place[message.id] > self._until

    def advance(self, body: Body) -> tuple[Slot, AnyMessage | None]:
        """Return where the message that is being said stands, and the recorded one that stood there."""
        place = (body.kind, body.round)
        slot = (self.me, *place, self._counted[place])
        self._counted[place] += 1
        then = self.history.at_slot.get(slot)
        if then is None or not self.on or self.at >= len(self.mine) or self.mine[self.at].id != then.id:
            self.on = False
        if then is not None:
            self.at = self.mine.index(then) + 1
        return slot, then

    def fell_silent(self, kind: str, round: int) -> bool:
        """Say whether the seat has said all that it said then, and others went on to this kind and round without it.

        A seat that has heard just what it heard then would have gone on then as well. Of another one nobody can know;
        it is taken to have been silent where almost everybody else spoke and nothing of it was decided on, unless
        others sit there now.
        """
        if not self.ended or self._until is not None or not self.history.finished:
            return False
        said = self.history.at_slot.values()
        others = {m.author for m in said if m.kind == kind and m.body.round == round and m.author != self.me}
        if not (others and (self.affected or self._reseated)):
            return bool(others)
        if self._reseated or any(m.id in self.history.cut for m in self.mine):
            return False
        return 4 * len(others) >= 3 * (len(self.history.members) - 1)

    def says_as_then(self, then: AnyMessage | None) -> TypeGuard[AnyMessage]:
        """Say whether the seat says what it said then word for word: in a fork, where it has heard the very same.

        There words may have been put into its mouth that no protocol says, and it would not say them again.
        """
        return then is not None and self.history.edited and self.on and not (self.affected or self.is_over(then))

    @property
    def ended(self) -> bool:
        """Whether the seat has said all that it said then."""
        return self.on and self.at == len(self.mine)

    def hearing(self, kind: str, round: int) -> frozenset[Slot] | None:
        """Return which messages of a kind and round the seat had heard at this point; None when that is not known."""
        coming = self.mine[self.at : self.at + 1] if self.on else self.mine[self.at :]
        for message in coming:
            heard = self.history.heard_before(message)
            if heard is None:
                return self._earlier(kind, round, message.lamport)
            slots = self._slots(heard, kind, round)
            if self.on or slots:
                return slots
        return self._slots(self.history.cut, kind, round) or None

    def heard(self, said: Sequence[AnyMessage], known: frozenset[Slot]) -> None:
        """Take note of what the seat has heard where it had heard what stood at these places."""
        then = (self.history.at_slot[slot] for slot in known if slot[0] != self.me and slot in self.history.at_slot)
        now = self.gists.several(m for m in said if m.author != self.me)
        self.affected = self.affected or now != self.gists.several(then)

    def to_be_heard(self) -> frozenset[Slot]:
        """Return what the seat was still to hear then, at this point; nothing where it has left its course."""
        if not self.on:
            return frozenset()
        known = self._to_be_heard.get(self.at)
        if known is None:
            ids = set(self.history.cut)
            for message in self.mine[self.at :]:
                ids |= self.history.heard_before(message) or frozenset()
            slots = frozenset(self.history.slots[id] for id in ids if id in self.history.slots)
            known = self._to_be_heard[self.at] = frozenset(slot for slot in slots if slot[0] != self.me)
        return known

    def _slots(self, ids: frozenset[MessageId], kind: str, round: int) -> frozenset[Slot]:
        found = (self.history.slots[id] for id in ids if id in self.history.slots)
        return frozenset(slot for slot in found if slot[1:3] == (kind, round))

    def _earlier(self, kind: str, round: int, lamport: int) -> frozenset[Slot]:
        """Return all of a kind and round that can have been heard by a moment: more were heard than a message names."""
        slots = self.history.slots
        return frozenset(
            slots[m.id] for m in self.history.messages
            if m.lamport < lamport and m.kind == kind and m.body.round == round
        )  # fmt: skip
