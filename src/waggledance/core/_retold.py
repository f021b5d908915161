"""A history told twice: as it went, and as it would have gone, in a channel of its own and with other authors.

A channel that was run again with an intervention is a *fork*: its first message is `ForkedFrom` and names the parent,
and every author is a stand-in, whom nobody can be or sign for, so that no message of it passes for one of the original:

    stand-in = author xor blake3("waggle/stand-in/1\\0" ‖ the fork's name)

What depends on a channel's name (ties, draws) is settled in the name of the origin: the channel at the bottom that is
no fork. `Teller` carries messages from one telling over into the other and back; where nothing was changed, the way
back gives the original's messages, byte for byte.
"""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar, cast

import msgspec
from blake3 import blake3

from waggledance.core._bodies import Cut, Opening, Outcome, Roster
from waggledance.core._decision import Decision
from waggledance.core._errors import UsageError
from waggledance.core._ids import MessageId, PeerId
from waggledance.core._message import Body, Message, Unknown, compose

AnyMessage = Message[Any]


class ForkedFrom(Body, frozen=True, gc=False):
    """The first message of a fork: whose history this is, and what was changed in it."""

    kind: ClassVar[str] = "fork/1"
    parent: str
    """The channel that was run again."""
    origin: str
    """The channel in whose name it is decided: the parent, or where the parent is a fork, the parent's origin."""
    edits: tuple[str, ...] = ()
    """What was changed, as JSON texts."""
    at: MessageId | None = None
    """From which message of the parent on peers were others, or were asked anew; None means from the beginning."""
    unsaid: tuple[bytes, ...] = ()
    """Frames of what was said and reached nobody, in the name of the origin, as many as fit: its authors knew it."""
    unsaid_before: tuple[int, ...] = ()
    """For each of these in turn, the number of its author's next message that did reach somebody."""

    def __post_init__(self) -> None:
        if len(self.unsaid) != len(self.unsaid_before):
            raise UsageError(
                f"a fork says of each message that was unsaid before which one it would have come, got "
                f"{len(self.unsaid)} messages and {len(self.unsaid_before)} places"
            )
        if not self.parent or not self.origin:
            raise UsageError("a fork names the channel that it was made from")


def fork_of(messages: Iterable[AnyMessage]) -> Message[ForkedFrom] | None:
    """Return the message that makes a channel a fork: its first one; None in an original."""
    forks = [m for m in messages if isinstance(m.body, ForkedFrom) and not m.parents and m.sequence == 1]
    return min(forks, key=lambda m: (m.lamport, m.id), default=None)


def stand_in(fork: str, peer: PeerId) -> PeerId:
    """Return who speaks for a peer in a fork; of that, again, the peer.

    >>> stand_in("q1~1", stand_in("q1~1", PeerId(bytes(32)))) == bytes(32)
    True
    """
    mask = blake3(b"waggle/stand-in/1\0" + fork.encode()).digest()
    return PeerId(bytes(a ^ b for a, b in zip(peer, mask, strict=True)))


class Teller:
    """Tells the messages of one telling, one after the other, causes first, as those of the other.

    Args:
        fork: the name of the fork.
        channel: the name of the channel to tell in: the fork's, or its origin's.
        peers: everybody who may be named in a body.
        first: what everything builds on in the other telling, when it is told into a fork.
    """

    def __init__(self, fork: str, channel: str, peers: Iterable[PeerId], first: AnyMessage | None = None) -> None:
        self._channel, self._first = channel, first
        self.peers: dict[bytes, PeerId] = {peer: stand_in(fork, peer) for peer in peers}
        self._fork = fork
        self.ids: dict[bytes, MessageId] = {}
        """From the ids of what was told to the ids under which it was told."""
        self._lamport: dict[MessageId, int] = {}
        if first is not None:
            self._lamport[first.id] = first.lamport

    @property
    def _names(self) -> Mapping[bytes, bytes]:
        return ChainMap(cast("dict[bytes, bytes]", self.ids), cast("dict[bytes, bytes]", self.peers))

    def tell(self, message: AnyMessage, body: Body | None = None) -> tuple[AnyMessage, bytes]:
        """Return a message of the other telling with its canonical bytes; `body`, in words of this one, replaces it."""
        author = self.peers.setdefault(message.author, stand_in(self._fork, message.author))
        previous = None if message.previous is None else self.ids.get(message.previous)
        parents = tuple(sorted(self.ids[id] for id in message.parents if id in self.ids))
        if self._first is not None and previous is None and not parents:
            parents = (self._first.id,)
        before = [self._lamport[id] for id in (previous, *parents) if id is not None]
        told, raw = compose(
            author, renamed(message.body if body is None else body, self._names), message.sequence, previous, parents,
            1 + max(before, default=0), message.wall_ms, message.swarm, self._channel,
        )  # fmt: skip
        self.ids[message.id] = told.id
        self._lamport[told.id] = told.lamport
        return told, raw

    def decision(self, decision: Decision) -> Decision:
        """Return a decision as one over the other telling."""

        def id(old: Any) -> Any:
            return self._names.get(old, old)

        return msgspec.structs.replace(
            decision,
            winner=id(decision.winner),
            used=tuple(sorted(map(id, decision.used))),
            dissent=tuple(msgspec.structs.replace(d, peer=id(d.peer)) for d in decision.dissent),
            silent=tuple(map(id, decision.silent)),
            names={id(peer): name for peer, name in decision.names.items()},
            channel=self._channel,
        )


class Retold:
    """A fork's messages as they are in the name of its origin.

    Args:
        fork: the first message of the fork.
        messages: all its messages, in any order.
    """

    def __init__(self, fork: Message[ForkedFrom], messages: Iterable[AnyMessage]) -> None:
        inside = sorted((m for m in set(messages) if m.id != fork.id), key=_after_what_it_names)
        self._back = Teller(fork.channel, fork.body.origin, _named(inside))
        self.messages: tuple[AnyMessage, ...] = tuple(self._back.tell(message)[0] for message in inside)
        self.origin = fork.body.origin
        self._forth = Teller(fork.channel, fork.channel, (), fork)
        self._forth.ids = {told: MessageId(id) for id, told in self._back.ids.items()}
        self._forth.peers = {told: PeerId(peer) for peer, told in self._back.peers.items()}

    def id(self, id: MessageId) -> MessageId:
        """Return what a message of the fork is called in the name of the origin; itself when it is none of them."""
        return self._back.ids.get(id, id)

    def peer(self, peer: PeerId) -> PeerId:
        """Return for whom somebody stands in."""
        return self._back.peers.get(peer, peer)

    def in_fork(self, decision: Decision) -> Decision:
        """Return a decision over the messages here as one over the fork's own."""
        return self._forth.decision(decision)


def renamed(body: Body, names: Mapping[bytes, bytes]) -> Body:
    """Return a body with every id in it as it is called elsewhere; ids that have no other name stay as they are.

    Raises:
        UsageError: it is of a kind that this version does not know, and so cannot look into.
    """
    if isinstance(body, Unknown):
        raise UsageError(
            f"a message of kind {body.kind_name!r} comes from a newer version and cannot be told again by this one"
        )

    def swapped(value: object) -> object:
        match value:
            case bytes():
                return names.get(value, value)
            case dict():
                pairs = cast("Mapping[object, object]", value).items()
                return {swapped(key): swapped(part) for key, part in pairs}
            case list() | tuple():
                return [swapped(part) for part in cast("Sequence[object]", value)]
            case _:
                return value

    plain = msgspec.to_builtins(body, builtin_types=(bytes,))
    other = swapped(plain)
    return body if other == plain else msgspec.convert(other, type(body))


def _after_what_it_names(message: AnyMessage) -> tuple[bool, int, MessageId]:
    """Sort causes before effects; a cut names messages that its author's clock does not know of."""
    return isinstance(message.body, Cut | Outcome), message.lamport, message.id


def _named(messages: Iterable[AnyMessage]) -> set[PeerId]:
    """Return all authors and all members that messages name."""
    peers: set[PeerId] = set()
    for message in messages:
        peers.add(message.author)
        if isinstance(message.body, Opening | Roster):
            peers.update(member.id for member in message.body.members)
    return peers
