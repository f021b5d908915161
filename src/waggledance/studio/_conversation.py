"""One channel as far as it has been read: its messages, and what could not be read of it.

Messages stand in the order in which the log took them up. That is an order of causes before effects, because nothing is
taken up before what it builds on; and what comes later stands behind, so that a place once given stays.
"""

from __future__ import annotations

from typing import Any

from msgspec.structs import force_setattr

from waggledance.core import (
    THREAD,
    Member,
    Message,
    MessageId,
    Opening,
    Outcome,
    PeerFault,
    PeerId,
    Proposal,
    Roster,
    fork_of,
    members_of,
    opening_of,
    outcome_of,
)
from waggledance.core._message import decode
from waggledance.mesh import LOBBY, Capability, Join
from waggledance.studio._log_window import ROWS_AT_ONCE, LogWindow, Row
from waggledance.tasks import Add, PlanEdit, Replace

AnyMessage = Message[Any]

LOBBY_TITLE = "The swarm’s lobby"
"""What is shown of a lobby, where nobody asks anything."""


class Conversation:
    """A channel's messages. `read_on` takes what has come since.

    Args:
        name: the channel's.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.upto = 0
        """The newest arrival number that was looked at."""
        self.spoiled = 0
        """How many rows are not what was written."""
        self.whole = False
        """Whether all is read that the log held when it was last looked at."""
        self.messages: dict[MessageId, AnyMessage] = {}
        self.places: dict[MessageId, int] = {}
        self.first: dict[PeerId, int] = {}
        """By author, the place of its first message."""
        self.goals: dict[bytes, str] = {}
        """By task, what it is about."""
        self.came: list[AnyMessage] = []
        """Every message, by its place from 0."""
        self.names: dict[PeerId, str] = {}
        """What members are called, and the asker."""
        self.seated: frozenset[PeerId] = frozenset()
        self.members: tuple[Member, ...] = ()
        self.opening: Message[Opening] | None = None
        self.outcome: Message[Outcome] | None = None
        self.met = 0
        """How often it was looked who sits here."""

    def read_on(self, window: LogWindow, *, most: int | None = None, last: int | None = None) -> int:
        """Take the rows that came since; return how many messages that made.

        Args:
            window: the log.
            most: stop when there are so many messages in all; read to the end when None.
            last: the channel's newest arrival number, where it is known: nothing is looked for behind it.
        """
        before, bare, ended = len(self.came), True, False
        while not ended and (most is None or len(self.came) < most) and (last is None or self.upto < last):
            wanted = ROWS_AT_ONCE if most is None else min(ROWS_AT_ONCE, most - len(self.came))
            rows = window.rows(self.name, after=self.upto, most=wanted)
            for row in rows:
                bare &= not isinstance(self._take(row), Opening | Roster | Outcome)
            ended = not rows
        self.whole = ended or (last is not None and self.upto >= last)
        if not bare:
            self._meet()
        return len(self.came) - before

    def _take(self, row: Row) -> object:
        """Take a row; return the body of the message that it made."""
        self.upto = row.arrival
        message = opened(row)
        if message is None:
            self.spoiled += 1
            return None
        if message.id not in self.messages:
            self._share(message)
            self.messages[message.id] = message
            self.places[message.id] = len(self.came)
            self.first.setdefault(message.author, len(self.came))
            if isinstance(message.body, PlanEdit):
                self._note_goals(message.body)
            elif isinstance(message.body, Join | Capability) and self.name == LOBBY:
                self.names.setdefault(message.author, message.body.name)  # a lobby has no opening to name its members
            self.came.append(message)
        return message.body

    def _share(self, message: AnyMessage) -> None:
        """Let a message name others by the bytes that they hold themselves, and not by copies: half of the memory."""
        held = self.messages

        def own(ids: tuple[MessageId, ...]) -> tuple[MessageId, ...]:
            return tuple([id if (found := held.get(id)) is None else found.id for id in ids])

        force_setattr(message, "parents", own(message.parents))
        if message.previous is not None:
            force_setattr(message, "previous", own((message.previous,))[0])
        if isinstance(message.body, Proposal):
            force_setattr(message.body, "refs", own(message.body.refs))
        if message.author in self.first:
            force_setattr(message, "author", self.came[self.first[message.author]].author)

    def _note_goals(self, edit: PlanEdit) -> None:
        for op in edit.ops:
            if isinstance(op, Add | Replace):
                task = op.task if isinstance(op, Add) else op.by
                self.goals[task.id] = task.goal

    def _meet(self) -> None:
        self.met += 1
        self.opening, self.outcome = opening_of(self.came), outcome_of(self.came)
        self.members = members_of(self.came)
        fork = fork_of(self.came)
        asker: dict[PeerId, str] = {} if fork is None else {fork.author: "replayer"}
        if self.opening is not None:
            asker[self.opening.author] = opener_name(self.name, self.opening)
        self.seated = frozenset(member.id for member in self.members)
        self.names = asker | {member.id: member.name for member in self.members}


def is_talk(name: str, opening: Message[Opening] | None) -> bool:
    """Say whether people and peers only talk in a channel: nothing is to be decided there."""
    return name == LOBBY if opening is None else opening.body.protocol == THREAD


def opener_name(name: str, opening: Message[Opening]) -> str:
    """Return what whoever opened a channel is called, unless it is a member with a name."""
    return "host" if is_talk(name, opening) else "asker"


def opened(row: Row) -> AnyMessage | None:
    """Return the message in a row; None when it is not what was written."""
    try:
        message = decode(row.raw, row.signature)
    except PeerFault:
        return None
    return message if message.id == row.id and message.channel == row.channel else None
