"""A set of messages that grows no more, and what a protocol makes of it: the decision, computed again by anyone.

A protocol is a coroutine over a channel. Over a set that is complete nobody waits: who collects gets what is there, who
publishes gets back what it had said. So every protocol, unchanged, is also the pure function that its decision is: same
opening, same set, same decision.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NoReturn, TypeVar, cast

from waggledance.core import (
    Body,
    Budget,
    Call,
    Channel,
    Clock,
    Condition,
    Decision,
    Member,
    Message,
    Meter,
    Opening,
    PeerId,
    Proposal,
    Question,
    RunFailed,
    Seat,
    Table,
    Verdict,
    compose,
)
from waggledance.protocols import Folding, as_opened, folds

B = TypeVar("B", bound=Body)
AnyMessage = Message[Any]

MOST_COLLECTS = 100_000
"""A protocol that looks into a complete set more often than that does not come to an end."""


class SealedSet(Channel):
    """A complete set of a question's messages, as one of its authors sees it: it grows no more.

    Args:
        messages: the set, with all causes.
        me: whose past is given back when something is published.
    """

    complete = True

    def __init__(self, messages: Sequence[AnyMessage], me: PeerId) -> None:
        super().__init__(messages[0].swarm, messages[0].channel)
        self._said_before: dict[tuple[type[Body], int], list[AnyMessage]] = {}
        self._collects = 0
        for message in sorted(messages, key=lambda m: (m.lamport, m.id)):
            self.add(message, b"")
        for message in sorted((m for m in messages if m.author == me), key=lambda m: -m.sequence):
            self._said_before.setdefault((cast("Body", message.body).__class__, message.body.round), []).append(message)

    def publish(self, author: PeerId, body: B, built_on: list[AnyMessage], wall_ms: int) -> Message[B]:
        """Return what the author had said of this kind in this round; what it had not said is not added to the set."""
        before = self._said_before.get((body.__class__, body.round))
        if before:
            return before.pop()
        return compose(author, body, 1, None, (), 1, wall_ms, self.swarm, self.name)[0]

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
        """Return what is there; there is nothing to wait for."""
        self._collects += 1
        if self._collects > MOST_COLLECTS:
            raise RunFailed(f"channel {self.name!r}: the protocol does not come to an end over a complete set")
        said = self.said(body, round)
        return said if of is None else tuple(m for m in said if m.author in of)


class Recorded:
    """A peer that thinks nothing: at its seat, what it once said is given back."""

    skills = frozenset({"propose", "revise", "note", "compare", "critique"})

    def __init__(self, name: str, skills: frozenset[str] = skills) -> None:
        self.name, self.skills = name, skills

    async def propose(self, call: Call) -> Proposal:
        self._think()

    async def revise(self, call: Call, mine: Message[Proposal], heard: Sequence[Message[Proposal]]) -> Proposal:
        self._think()

    async def note(self, call: Call, about: str, material: Sequence[AnyMessage]) -> str:
        self._think()

    async def compare(self, call: Call, a: Message[Proposal], b: Message[Proposal]) -> Verdict:
        self._think()

    async def critique(self, call: Call, proposal: Message[Proposal]) -> Verdict:
        self._think()

    def _think(self) -> NoReturn:
        raise RunFailed(f"{self.name} said nothing here")


def table_of(opening: Opening, members: Iterable[Member] | None = None, question: Question | None = None) -> Table:
    """Return what all seats of an opened question share.

    Args:
        opening: what opened it.
        members: who sits there; those of the opening when None.
        question: the whole one, for who is to think; as the opening has it when None.
    """
    sitting = tuple(opening.members if members is None else members)
    return Table(
        question or opening.question,
        tuple(member.id for member in sitting),
        {member.id: member.name for member in sitting},
        {member.id: member.weight for member in sitting},
        opening.seed,
    )


async def decide_over(opening: Message[Opening], messages: Sequence[AnyMessage], clock: Clock) -> Decision:
    """Return what the opened protocol decides over a complete set; as the first member sees it who spoke in it.

    Raises:
        UsageError: this program does not know the protocol, its topology or its rule.
        RunFailed: nobody who sits there spoke, or the protocol does not end.
    """
    protocol = as_opened(opening.body)
    if folds(opening.body):
        return cast("Folding", protocol).folded(messages)
    table = table_of(opening.body)
    spoke = {message.author for message in messages}
    me = next((peer for peer in table.roster if peer in spoke), None)
    if me is None:
        raise RunFailed(f"channel {opening.channel!r}: nobody who sits there has said anything")
    seat = Seat(
        me=me,
        peer=Recorded(table.names[me]),
        table=table,
        channel=SealedSet(messages, me),
        clock=clock,
        meter=Meter(Budget(), clock),
        opening=opening,
    )
    return await protocol(seat)
