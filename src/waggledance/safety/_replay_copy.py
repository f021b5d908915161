"""A seat's copy of the channel in a replay: it publishes with the interventions made, and hears what it heard then."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

import msgspec

from waggledance.core import (
    Body,
    Channel,
    Condition,
    Message,
    MessageId,
    Note,
    Outcome,
    PeerId,
    Proposal,
    Question,
    UsageError,
    well_formed,
)
from waggledance.peers import parse
from waggledance.safety._interventions import Interject, Reword, Unsay
from waggledance.safety._recorded_course import Course
from waggledance.safety._recorded_history import Slot
from waggledance.safety._recorded_peer import FellSilent
from waggledance.safety._replay_stage import Stage, Waiting

B = TypeVar("B", bound=Body)
AnyMessage = Message[Any]
Edits = Mapping[MessageId, "Reword | Unsay | Interject"]


class SeatCopy(Channel):
    """What one author reads and writes in a replay.

    Args:
        stage: where everybody hears it.
        course: the author's way through the record.
        edits: what is changed, by message.
    """

    def __init__(self, stage: Stage, course: Course, edits: Edits) -> None:
        opening = course.history.opening
        super().__init__(opening.swarm, opening.channel)
        self._stage, self._course, self._edits = stage, course, edits
        self._last_wall_ms = opening.wall_ms
        self._collected: set[MessageId] = set()
        stage.join(self)

    def publish(self, author: PeerId, body: B, built_on: list[AnyMessage], wall_ms: int) -> Message[B]:
        """Write the author's next message, as the interventions want it, and let everybody hear it."""
        course, stage = self._course, self._stage
        if course.fell_silent(body.kind, body.round):
            raise FellSilent
        slot, then = course.advance(body)
        edit = None if then is None else self._edits.get(then.id)
        wanted: Any = body
        if isinstance(edit, Reword):
            wanted = reworded(body, edit.text, edit.key, course.history.opening.body.question)
        elif course.says_as_then(then):
            wanted = then.body
        elif isinstance(body, Outcome) and then is not None and then.body.decision == body.decision:
            wanted = then.body  # of a decision that is the same, what was noted of its circumstances holds
        self._last_wall_ms = (
            max(self._last_wall_ms, *(m.wall_ms for m in built_on), 0) if then is None else then.wall_ms
        )
        message = self._written(author, wanted, built_on)
        course.affected = course.affected or (then is not None and stage.gists.of(message) != stage.gists.of(then))
        if isinstance(edit, Unsay):
            stage.gists.of(message)
            course.withheld.add(message.id)
            stage.withhold(slot)
            return message
        stage.say(message, slot)
        if isinstance(edit, Interject):
            said = reworded(body, edit.text, edit.key, course.history.opening.body.question)
            more = self._written(author, said, [])
            stage.say(more, (author, more.kind, more.body.round, -1), beside=slot)
        return message

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
        """Return what was heard then, as it is now said; where that is not known, what is said in time."""
        stage, me = self._stage, self._course.me
        known = self._course.hearing(body.kind, round)
        awaited, then = None, known
        if known is not None:
            fresh = {
                (peer, body.kind, round, 0) for peer in stage.freed if peer != me and not self._spoke(peer, body, round)
            }
            known |= fresh
            awaited = frozenset(slot for slot in known if slot[0] != me and (of is None or slot[0] in of))
        waiting = Waiting(me, body, round, awaited=awaited, until=until, expected=expected, of=of, since=stage.now())
        await stage.wait(waiting)
        said = [m for m in super().said(body, round) if of is None or m.author in of]
        if known is not None:
            said = [m for m in said if m.author == me or self._heard(m.id, known)]
        if then is not None:
            self._course.heard(said, frozenset(slot for slot in then if of is None or slot[0] in of))
        self._collected.update(m.id for m in said)
        if heard is not None:
            heard.extend(said)
        return tuple(said)

    def said(self, body: type[B], round: int = 0) -> tuple[Message[B], ...]:
        """Return what is here by now, but for what the seat waited for then and has not waited for yet."""
        waits_for = self._course.to_be_heard()
        slot_of, collected = self._stage.slot_of, self._collected
        return tuple(m for m in super().said(body, round) if m.id in collected or slot_of[m.id] not in waits_for)

    def _heard(self, id: MessageId, known: frozenset[Slot]) -> bool:
        stage = self._stage
        return stage.beside.get(id, stage.slot_of[id]) in known

    def _spoke(self, peer: PeerId, body: type[Body], round: int) -> bool:
        """Say whether a peer had said something of a kind and round then."""
        return (peer, body.kind, round, 0) in self._course.history.at_slot

    def _written(self, author: PeerId, body: B, built_on: list[AnyMessage]) -> Message[B]:
        """Write a message after the author's newest here, without letting anybody hear it."""
        sheet = Channel(self.swarm, self.name)
        head = self.head(author)
        if head is not None:
            sheet.add(head, b"")
        return sheet.publish(author, body, built_on, self._last_wall_ms)


def reworded(body: B, text: str, key: str | msgspec.UnsetType | None, question: Question) -> B:
    """Return what a message says, in other words.

    Raises:
        UsageError: it is not made of words.
    """
    text = well_formed(text)
    if isinstance(body, Note):
        return msgspec.structs.replace(body, text=text, lapse="")
    if isinstance(body, Proposal):
        said = parse(text, question)
        known = said.key if key is msgspec.UNSET else key
        lapse = "" if known is not None else said.lapse
        return msgspec.structs.replace(
            body, text=text, key=known, confidence_ppm=said.confidence_ppm or body.confidence_ppm, lapse=lapse
        )
    raise UsageError(f"a message of kind {body.kind!r} is not made of words: unsay it instead ('drop')")
