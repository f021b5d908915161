"""A talk written by hand: peers say what a test wants them to have said, in a channel of their own."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec import UNSET

from waggledance.core import (
    Body,
    Channel,
    Cut,
    Exchange,
    Member,
    Message,
    MessageId,
    Opening,
    Outcome,
    Proposal,
    Question,
    compose,
    local_peer_id,
    swarm_id,
)

AnyMessage = Message[Any]


class Talk:
    """A channel with an opening, a hand to write in it, and the exchanges beside it."""

    def __init__(
        self, *names: str, protocol: str = "debate", question: Question | None = None, limits: Any = UNSET
    ) -> None:
        self.names = names or ("p0", "p1", "p2")
        self.ids = {name: local_peer_id(name) for name in ("asker", *self.names)}
        self.channel = Channel(swarm_id("t"), "q1-talk")
        self.exchanges: list[Exchange] = []
        self.forged: list[AnyMessage] = []
        members = tuple(Member(self.ids[name], name) for name in self.names)
        asked = question or Question(text="2 + 2?")
        opening = Opening(question=asked, members=members, protocol=protocol, limits=limits)
        self.opening = self.channel.publish(self.ids["asker"], opening, [], 1_000)

    def say(self, name: str, body: Body, *heard: AnyMessage) -> AnyMessage:
        """Publish what a peer says, built on what it heard; at least on the opening."""
        return self.channel.publish(self.ids[name], body, [self.opening, *heard], 1_000)

    def round(self, number: int, *heard: AnyMessage, keys: str = "444", who: tuple[str, ...] = ()) -> list[AnyMessage]:
        """Let everybody propose: at first by itself, then made from what was heard."""
        said: list[AnyMessage] = []
        for name, key in zip(who or self.names, keys, strict=False):
            refs = tuple(m.id for m in heard)
            said.append(self.say(name, Proposal(round=number, key=key, text=f"I say {key}", refs=refs), *heard))
        return said

    def end(self, *used: AnyMessage, key: str | None = "4") -> AnyMessage:
        """Write the cut and the outcome."""
        asker = self.ids["asker"]
        self.channel.publish(asker, Cut(ids=tuple(sorted(m.id for m in used))), [], 2_000)
        outcome = Outcome(status="decided", key=key, rule="majority", decision=bytes(32))
        return self.channel.publish(asker, outcome, [], 2_000)

    def forge(self, name: str, body: Body, *, sequence: int, previous: MessageId | None, lamport: int,
              parents: tuple[MessageId, ...] | None = None) -> AnyMessage:  # fmt: skip
        """Write a message with an envelope of one's own making."""
        parents = (self.opening.id,) if parents is None else parents
        message, _raw = compose(
            self.ids[name], body, sequence, previous, parents, lamport, 1_000, self.channel.swarm, self.channel.name
        )
        self.forged.append(message)
        return message

    def ask(self, name: str, sequence: int, *, kind: Any = "model", of: str = "openai:big", asked: str = "") -> None:
        """Note that a peer asked a model or a tool for its message of this number."""
        self.exchanges.append(
            Exchange(channel=self.channel.name, author=self.ids[name], number=1, sequence=sequence, skill="propose",
                     round=0, kind=kind, of=of, asked=asked)
        )  # fmt: skip

    @property
    def messages(self) -> tuple[AnyMessage, ...]:
        """Everything that was said, and forged."""
        return (*self.channel.messages(), *self.forged)


@pytest.fixture
def new_talk() -> type[Talk]:
    """Return what makes a talk."""
    return Talk
