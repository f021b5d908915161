"""What the author of a message had seen when it was written: all that a contract may go by.

A message builds on its author's previous one and on its parents; a `Cut` also on the messages it names, since nobody
can name a hash of what was not there. So the outcome, which rests on cuts, knows what the decision rests on.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from waggledance.core import Cut, Exchange, Member, Message, MessageId, Opening, Outcome, PeerId, members_of

AnyMessage = Message[Any]
State = Any


def causes_of(message: AnyMessage) -> tuple[MessageId, ...]:
    """Return the ids of what a message builds on directly."""
    causes = message.parents if message.previous is None else (message.previous, *message.parents)
    return (*causes, *message.body.ids) if isinstance(message.body, Cut) else causes


class Node:
    """A message in its place: its number among those that came, what it builds on as a set of bits, and states."""

    __slots__ = ("depth", "message", "number", "opening", "size", "states", "upto")

    def __init__(self, message: AnyMessage, number: int, past: int, depth: int, opening: AnyMessage | None) -> None:
        self.message, self.number, self.depth, self.opening = message, number, depth, opening
        self.upto = past | 1 << number
        """The message and all it builds on: bit i for the i-th that came."""
        self.size = self.upto.bit_count()
        self.states: Sequence[State] = ()
        """Of each contract, the state with this message."""

    @property
    def place(self) -> tuple[int, MessageId]:
        """What messages are sorted by: causes before effects, ties by id."""
        return self.depth, self.message.id


class CausalPast:
    """What one message builds on, directly or not, without itself."""

    __slots__ = ("_by_id", "_exchanges", "_in_order", "_node")

    def __init__(
        self,
        node: Node,
        by_id: Mapping[MessageId, Node],
        in_order: Sequence[Node],
        exchanges: Mapping[tuple[PeerId, int], Sequence[Exchange]],
    ) -> None:
        self._node, self._by_id, self._in_order, self._exchanges = node, by_id, in_order, exchanges

    def __contains__(self, id: object) -> bool:
        node = self._by_id.get(id)  # type: ignore[call-overload]
        return node is not None and node is not self._node and bool(self._node.upto >> node.number & 1)

    def __len__(self) -> int:
        return self._node.size - 1

    def __iter__(self) -> Iterator[AnyMessage]:
        """Go through all of it, causes before effects, ties by id. Slow: prefer the state, or `get`."""
        return iter(node.message for node in nodes_of(self._node.upto ^ 1 << self._node.number, self._in_order))

    def get(self, id: MessageId) -> AnyMessage | None:
        """Return a message by its id if the author had seen it; None otherwise."""
        node = self._by_id.get(id)
        if node is None or node is self._node or not self._node.upto >> node.number & 1:
            return None
        return node.message

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
    def depth(self) -> int:
        """One more than the depth of the deepest of the causes; 1 without any."""
        return self._node.depth

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


def nodes_of(bits: int, in_order: Sequence[Node]) -> list[Node]:
    """Return the nodes of a set of bits, causes before effects, ties by id."""
    found: list[Node] = []
    while bits:
        lowest = bits & -bits
        found.append(in_order[lowest.bit_length() - 1])
        bits ^= lowest
    found.sort(key=_PLACE)
    return found


def _place(node: Node) -> tuple[int, MessageId]:
    return node.place


_PLACE = _place


def opening_in(message: AnyMessage, causes: Sequence[Node], in_order: Sequence[Node]) -> AnyMessage | None:
    """Return the opening a message goes back to: of several that on which most authors build, then the earlier.

    Whoever publishes a false one to confuse can make no honest peer build on it.
    """
    if not causes:
        return message if isinstance(message.body, Opening) else None
    found = {node.opening.id: node.opening for node in causes if node.opening is not None}
    if not found:
        return message if isinstance(message.body, Opening) else None
    if len(found) == 1:
        return next(iter(found.values()))
    builders: dict[MessageId, set[PeerId]] = {id: set() for id in found}
    past = 0
    for node in causes:
        past |= node.upto
    for node in nodes_of(past, in_order):
        for id in node.message.parents:
            if id in builders:
                builders[id].add(node.message.author)
    return min(found.values(), key=lambda m: (-len(builders[m.id]), m.id))
