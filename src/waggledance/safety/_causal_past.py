"""What the author of a message had seen when it was written: all that a contract may go by.

A message builds on its author's previous one and on its parents; a `Cut` also on the messages it names, since nobody
can name a hash of what was not there. So the outcome, which rests on cuts, knows what the decision rests on.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple, Protocol, cast

from waggledance.core import Cut, Exchange, Member, Message, MessageId, Opening, Outcome, PeerId, members_of
from waggledance.safety._seen import Seen, union

AnyMessage = Message[Any]
State = Any
UNUSED = -1
"""The number of a message that nothing builds on yet."""


def causes_of(message: AnyMessage) -> tuple[MessageId, ...]:
    """Return the ids of what a message builds on directly."""
    causes = message.parents if message.previous is None else (message.previous, *message.parents)
    return (*causes, *message.body.ids) if isinstance(message.body, Cut) else causes


class Heard(NamedTuple):
    """What messages with the same causes have in common."""

    seen: Seen = Seen()
    """The causes and all that they build on, by number."""
    size: int = 0
    """How many messages that are."""
    depth: int = 1
    """One more than the depth of the deepest cause."""
    opening: AnyMessage | None = None
    """The opening that the causes go back to."""
    latest: int = 0
    """The largest logical time of a cause."""


class Node:
    """A message in its place: its number, what it builds on, and states."""

    __slots__ = ("heard", "message", "number", "opening", "states")

    def __init__(self, message: AnyMessage, heard: Heard) -> None:
        self.message, self.heard = message, heard
        self.opening = heard.opening or (message if isinstance(message.body, Opening) else None)
        self.number = UNUSED
        """Its place among those that something builds on; `UNUSED` while nothing does."""
        self.states: Sequence[State] = ()
        """Of each contract, the state with this message."""

    @property
    def place(self) -> tuple[int, MessageId]:
        """What messages are sorted by: causes before effects, ties by id."""
        return self.heard.depth, self.message.id


class Named(Protocol):
    """A contract, as far as a past knows one."""

    @property
    def name(self) -> str: ...


class Among(Protocol):
    """Where messages that are alike are found; see `Tally`."""

    def among(self, key: Hashable, seen: Seen, /) -> Sequence[AnyMessage]: ...


class CausalPast:
    """What one message builds on, directly or not, without itself."""

    __slots__ = ("_by_id", "_exchanges", "_node", "_numbered", "_tallies")

    def __init__(
        self,
        node: Node,
        by_id: Mapping[MessageId, Node],
        numbered: Sequence[Node],
        exchanges: Mapping[tuple[PeerId, int], Sequence[Exchange]],
        tallies: Mapping[str, Among],
    ) -> None:
        self._node, self._by_id, self._numbered, self._exchanges = node, by_id, numbered, exchanges
        self._tallies = tallies

    def __contains__(self, id: object) -> bool:
        return self.get(cast("MessageId", id)) is not None

    def __len__(self) -> int:
        return self._node.heard.size

    def __iter__(self) -> Iterator[AnyMessage]:
        """Go through all of it, causes before effects, ties by id. Slow: prefer the state, or `get`."""
        return iter(node.message for node in beyond(self._node.heard.seen, Seen(), self._numbered))

    def get(self, id: MessageId) -> AnyMessage | None:
        """Return a message by its id if the author had seen it; None otherwise."""
        node = self._by_id.get(id)
        if node is None or node.number == UNUSED or not self._node.heard.seen.has(node.number):
            return None
        return node.message

    def lacks(self, ids: Sequence[MessageId]) -> MessageId | None:
        """Return the first of some ids that is none of a message which the author had seen; None without such."""
        if frozenset(causes_of(self._node.message)).issuperset(ids):
            return None
        return next((id for id in ids if id not in self), None)

    def alike(self, contract: Named, key: Hashable) -> Sequence[AnyMessage]:
        """Return the messages that a contract of `Counts` counts under a key, causes before effects, ties by id."""
        return self._tallies[contract.name].among(key, self._node.heard.seen)

    @property
    def previous(self) -> AnyMessage | None:
        """The author's previous message; None before its first."""
        id = self._node.message.previous
        return None if id is None else self._by_id[id].message

    @property
    def causes(self) -> tuple[AnyMessage, ...]:
        """What the message builds on directly."""
        return tuple(self._by_id[id].message for id in causes_of(self._node.message))

    @property
    def latest(self) -> int:
        """The largest logical time of the author's previous message and of the parents; 0 without any."""
        message = self._node.message
        if not isinstance(message.body, Cut):
            return self._node.heard.latest
        named = message.parents if message.previous is None else (message.previous, *message.parents)
        return max((self._by_id[id].message.lamport for id in named), default=0)

    @property
    def depth(self) -> int:
        """One more than the depth of the deepest of the causes; 1 without any."""
        return self._node.heard.depth

    @property
    def opening(self) -> Message[Opening] | None:
        """The opening that the message goes back to; its own message when that is one."""
        return self._node.opening

    @property
    def members(self) -> Mapping[PeerId, Member]:
        """Who sits in the channel, as far as its author had seen; nobody without an opening."""
        opening = self.opening
        if opening is None:
            return {}
        members = opening.body.members
        if len(members) >= _FIRST_SLICE:
            members = members_of([m for m in (*self, self._node.message) if m.author == opening.author])
        return {member.id: member for member in members}

    @property
    def sealed(self) -> bool:
        """Whether the message is the asker's outcome: nothing more is to come, so what is missing was not said."""
        opening, message = self.opening, self._node.message
        return opening is not None and isinstance(message.body, Outcome) and message.author == opening.author

    @property
    def exchanges(self) -> Sequence[Exchange]:
        """What the author asked of models and tools for this message, where that is known: in its own log."""
        message = self._node.message
        return self._exchanges.get((message.author, message.sequence), ())


_FIRST_SLICE = 500
"""An opening with so many members may be followed by rosters with more."""


def beyond(seen: Seen, part: Seen, numbered: Sequence[Node]) -> list[Node]:
    """Return the nodes that a past adds to a part of it, causes before effects, ties by id."""
    return sorted((numbered[number] for number in seen.beyond(part)), key=_place)


def _place(node: Node) -> tuple[int, MessageId]:
    return node.place


def heard_of(causes: Sequence[Node], numbered: list[Node]) -> Heard:
    """Return what messages that build directly on these, and on nothing else, have in common.

    Causes that nothing has built on before get their numbers.
    """
    if not causes:
        return Heard()
    for node in causes:
        if node.number == UNUSED:
            node.number = len(numbered)
            numbered.append(node)
    seen = union((node.heard.seen for node in causes), (node.number for node in causes))
    depth = 1 + max(node.heard.depth for node in causes)
    latest = max(node.message.lamport for node in causes)
    return Heard(seen, seen.size, depth, _opening_of(causes, seen, numbered), latest)


def _opening_of(causes: Sequence[Node], seen: Seen, numbered: Sequence[Node]) -> AnyMessage | None:
    """Return the opening that causes go back to: of several that on which most authors build, then the earlier.

    Whoever publishes a false one to confuse can make no honest peer build on it.
    """
    found = {node.opening.id: node.opening for node in causes if node.opening is not None}
    if len(found) <= 1:
        return next(iter(found.values()), None)
    builders: dict[MessageId, set[PeerId]] = {id: set() for id in found}
    for node in beyond(seen, Seen(), numbered):
        for id in node.message.parents:
            if id in builders:
                builders[id].add(node.message.author)
    return min(found.values(), key=lambda m: (-len(builders[m.id]), m.id))
