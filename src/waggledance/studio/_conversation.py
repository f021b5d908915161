"""One channel as far as it has been read: its messages, and what could not be read of it.

Messages stand in the order in which the log took them up. That is an order of causes before effects, because nothing is
taken up before what it builds on; and what comes later stands behind, so that a place once given stays.
"""

from __future__ import annotations

from typing import Any

from waggledance.core import (
    Member,
    Message,
    MessageId,
    Opening,
    Outcome,
    PeerFault,
    PeerId,
    Roster,
    fork_of,
    members_of,
    opening_of,
    outcome_of,
)
from waggledance.core._message import decode
from waggledance.studio._log_window import LogWindow, Row

AnyMessage = Message[Any]


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
        self.messages: dict[MessageId, AnyMessage] = {}
        self.authors: dict[MessageId, PeerId] = {}
        self.hexed = _Hexed()
        """Ids in hexadecimal: each stands in many messages."""
        self.places: dict[MessageId, int] = {}
        self.came: list[AnyMessage] = []
        """Every message, by its place from 0."""
        self.names: dict[PeerId, str] = {}
        """What members are called, and the asker."""
        self.seated: frozenset[PeerId] = frozenset()
        self.members: tuple[Member, ...] = ()
        self.opening: Message[Opening] | None = None
        self.outcome: Message[Outcome] | None = None

    def read_on(self, window: LogWindow) -> int:
        """Take the rows that came since; return how many messages that made."""
        before, bare = len(self.messages), True
        for row in window.rows(self.name, after=self.upto):
            self.upto = row.arrival
            message = opened(row)
            if message is None:
                self.spoiled += 1
            elif message.id not in self.messages:
                self._take(message)
                bare &= not isinstance(message.body, Opening | Roster | Outcome)
        if not bare:
            self._meet()
        return len(self.messages) - before

    def _take(self, message: AnyMessage) -> None:
        self.messages[message.id] = message
        self.authors[message.id] = message.author
        self.places[message.id] = len(self.came)
        self.came.append(message)

    def _meet(self) -> None:
        self.opening, self.outcome = opening_of(self.came), outcome_of(self.came)
        self.members = members_of(self.came)
        fork = fork_of(self.came)
        asker: dict[PeerId, str] = {} if fork is None else {fork.author: "who forked"}
        if self.opening is not None:
            asker[self.opening.author] = "asker"
        self.seated = frozenset(member.id for member in self.members)
        self.names = asker | {member.id: member.name for member in self.members}


class _Hexed(dict[bytes, str]):
    def __missing__(self, id: bytes) -> str:
        text = self[id] = id.hex()
        return text


def opened(row: Row) -> AnyMessage | None:
    """Return the message in a row; None when it is not what was written."""
    try:
        message = decode(row.raw, row.signature)
    except PeerFault:
        return None
    return message if message.id == row.id and message.channel == row.channel else None
