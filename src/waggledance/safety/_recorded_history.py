"""What a channel's messages say about how a question was worked on: who said what when, and who had heard what by then.

Seats build each message on everything that they collected since their last one, so the parents of a message are what
its author had heard: exactly, while they are fewer than a message has room for. What seats collected last of all is
named by the asker's cut.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, cast

import msgspec
from blake3 import blake3

from waggledance.core import (
    Cut,
    ForkedFrom,
    Judgement,
    Message,
    MessageId,
    Note,
    Opening,
    Outcome,
    PeerId,
    Proposal,
    Question,
    Unknown,
    UsageError,
    cut_of,
    encode_canonical,
    members_of,
    opening_of,
    outcome_of,
    whole_question,
)

AnyMessage = Message[Any]
PARENTS_IN_FULL = 55
"""With more parents than this a message may lack some: it has room for 64 of what its author had heard, its own words
and what it heard twice among them, and whether others were left out is not recorded."""

BESIDE = frozenset({"seal/1", "claim/1", "prep/1", "ack/1", "feedback/1", "violation/1"})
"""What the network's members say about a channel and not in its protocol: of no use in a run without a network."""

Slot = tuple[PeerId, str, int, int]
"""Where a message stands in any run of the same question: author, kind, round, and the how-manieth of these."""


class History:
    """One channel's messages, by author and by who heard them; certificates and the like left out.

    Args:
        messages: all messages of one channel, told in the name of its origin.
        unsaid: what their authors had said and nobody heard, of a fork in which it was unsaid; each with the number of
            its author's next message that was heard, and several before one such message in the order of saying.
        edited: whether it is a fork's, in which peers may be made to have said what no protocol says.

    Raises:
        UsageError: there is no opening, or a message is of a kind that this version does not know.
    """

    def __init__(
        self,
        messages: Iterable[AnyMessage],
        unsaid: Iterable[tuple[int, AnyMessage]] = (),
        *,
        edited: bool = False,
    ) -> None:
        self.edited = edited
        said = (m for m in set(messages) if m.kind not in BESIDE)
        self.messages = tuple(sorted(said, key=lambda m: (m.lamport, m.id)))
        opening = opening_of(self.messages)
        if opening is None:
            raise UsageError("the channel has no opening, so nobody can say who was asked what: it cannot be run again")
        self.opening: Message[Opening] = opening
        self.outcome: Message[Outcome] | None = outcome_of(self.messages)
        self._refuse_unknown()
        self.members = members_of(self.messages)
        in_order = list(unsaid)
        self.unsaid = {m.id: m for _, m in in_order}
        self._before = {m.id: (before, n) for n, (before, m) in enumerate(in_order, start=-len(in_order))}
        everything = (*self.messages, *self.unsaid.values())
        self.by_id: Mapping[MessageId, AnyMessage] = {m.id: m for m in everything}
        self.place = {m.id: n for n, m in enumerate(sorted(everything, key=lambda m: (m.lamport, m.id)))}
        self.asker = opening.author
        by_author: dict[PeerId, list[AnyMessage]] = {}
        for message in self.messages:
            by_author.setdefault(message.author, []).append(message)
        self.forgers = frozenset(who for who, said in by_author.items() if _two_with_one_number(said))
        for message in self.unsaid.values():
            by_author.setdefault(message.author, []).append(message)
        self.by_author = {who: sorted(said, key=self._in_turn) for who, said in by_author.items()}
        self.slots = slots_of(m for said in self.by_author.values() for m in said)
        self.at_slot = {slot: self.by_id[id] for id, slot in self.slots.items()}
        self.cut = frozenset(cut_of(self.messages))

    @property
    def finished(self) -> bool:
        """Whether the run came to its end."""
        return self.outcome is not None

    @property
    def question(self) -> Question:
        """What was asked, whole; as far as it is here, where parts of a long one are missing."""
        return whole_question(self.opening, self.messages) or self.opening.body.question

    def said_by(self, author: PeerId) -> list[AnyMessage]:
        """Return an author's messages in the order in which they were written."""
        return self.by_author.get(author, [])

    def first(self) -> tuple[AnyMessage, ...]:
        """Return what the asker wrote before anybody spoke: the opening, rosters, the beginning of a plan."""
        mine = self.said_by(self.asker)
        return tuple(m for m in mine if not isinstance(m.body, Cut | Outcome | ForkedFrom))

    def heard_before(self, message: AnyMessage) -> frozenset[MessageId] | None:
        """Return what an author had collected since its last message; None when there was more than was noted."""
        return None if len(message.parents) > PARENTS_IN_FULL else frozenset(message.parents)

    def _in_turn(self, message: AnyMessage) -> tuple[int, int, MessageId]:
        """Sort an author's messages as they were said: what reached nobody comes before the next that did."""
        return (*self._before.get(message.id, (message.sequence, 0)), message.id)

    def _refuse_unknown(self) -> None:
        kinds = sorted({m.kind for m in self.messages if isinstance(m.body, Unknown)})
        if kinds:
            raise UsageError(
                f"the channel holds messages of the kind {kinds[0]!r}, which this version does not know: it comes from "
                "a newer version, or from a program with kinds of its own, which must be imported first"
            )


class Gists:
    """What messages say, whatever they are called: a hash of author, kind, round and content.

    Equal for two messages in two runs that say the same; ids, costs and what they were made from do not count.
    """

    def __init__(self) -> None:
        self._known: dict[bytes, bytes] = {}

    def of(self, message: AnyMessage) -> bytes:
        """Return a message's gist, and remember it for bodies that name the message."""
        known = self._known.get(message.id)
        if known is None:
            known = self._known[message.id] = self._worked_out(message)
        return known

    def several(self, messages: Iterable[AnyMessage]) -> Counter[bytes]:
        """Return the gists of messages, each with how often it is there."""
        return Counter(map(self.of, messages))

    def named(self, ids: Iterable[bytes]) -> Counter[bytes]:
        """Return the gists of messages that were seen before, by id; an id that was not stands for itself."""
        return Counter(self._known.get(id, id) for id in ids)

    def subjects(self, ids: Iterable[bytes]) -> tuple[bytes, ...]:
        """Return the same in order."""
        return tuple(self._known.get(id, id) for id in ids)

    def _worked_out(self, message: AnyMessage) -> bytes:
        body = message.body
        content: Any
        match body:
            case Proposal():
                content = (body.key, body.text, body.confidence_ppm)
            case Note():
                content = (body.about, body.text)
            case Judgement():
                content = [(self.subjects(v.subjects), v.scores, v.reason) for v in body.verdicts]
            case Unknown():
                content = body.raw
            case _:
                content = self._plain(msgspec.to_builtins(body, builtin_types=(bytes,)))
        return blake3(encode_canonical((message.author, message.kind, body.round, content))).digest()

    def _plain(self, value: object) -> object:
        match value:
            case bytes():
                return self._known.get(value, value)
            case dict():
                pairs = cast("Mapping[object, object]", value).items()
                return {str(key): self._plain(part) for key, part in pairs if key != "cost"}
            case list() | tuple():
                return [self._plain(part) for part in cast("Sequence[object]", value)]
            case _:
                return value


def slots_of(messages: Iterable[AnyMessage]) -> dict[MessageId, Slot]:
    """Return where each message stands, given each author's in its order: the how-manieth of its kind and round."""
    counted: Counter[tuple[PeerId, str, int]] = Counter()
    slots: dict[MessageId, Slot] = {}
    for message in messages:
        place = (message.author, message.kind, message.body.round)
        slots[message.id] = (*place, counted[place])
        counted[place] += 1
    return slots


def _two_with_one_number(said: Iterable[AnyMessage]) -> bool:
    numbers = [m.sequence for m in said]
    return len(numbers) > len(set(numbers))
