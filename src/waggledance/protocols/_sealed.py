"""Sealed first answers: everybody commits to an answer before anybody shows one, so that nobody can copy.

In front of any protocol's first proposals stand two messages of each peer:

    commitment   blake3("waggle/commit/1\\0" ‖ channel ‖ author ‖ nonce ‖ proposal), 32 bytes, at once
    reveal       the nonce, and whose commitments its author had seen; then the proposal, in the clear

A peer reveals when everybody has committed, when its patience is over, or when somebody else has revealed. Of first
proposals only those count that are what their author had committed to, in time: known to those who hold half or more of
the weight of the others who revealed, before they had seen any answer (`opened`, a pure function of the set). Who
answers with anything else than it had committed to, or without having committed, is at fault and does not count in
later rounds either. Who commits and never reveals is silent; who commits late is, in the first round.

Withstands copying and late changes by members with less than half of the weight, where commitments travel as fast as
answers. Does not withstand peers who agree on an answer beforehand, nor a liar for whom the network holds back what one
peer shows from most others, nor a peer that would rather be silent than show what it committed to.
Source: card `threats`, D7; commitments: Naor 1991, "Bit Commitment Using Pseudorandomness", doi:10.1007/BF00196774. A
hash in place of his generator is usual; the nonce keeps short answers from being guessed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, TypeVar

import msgspec
from blake3 import blake3

from waggledance.core import (
    Body,
    Condition,
    Decision,
    Message,
    MessageId,
    PeerId,
    Proposal,
    RunFailed,
    Seat,
    UsageError,
    after,
    count,
    encode_canonical,
    everyone_within,
)
from waggledance.protocols._protocol import AskProtocol, Folding, title_of

B = TypeVar("B", bound=Body)

PREFIX = "sealed "
"""What stands before a protocol's name when its first proposals are sealed."""
PATIENCE_S = 120.0
"""Of protocols that have none of their own."""
NONCE_BYTES = 16
MAX_SEEN = 1_500
"""So many commitments a reveal names at most: what a body holds."""

_DOMAIN = b"waggle/commit/1\0"
_SAID_OF_ITSELF = frozenset({"skills", "gives", "decide", "peers_min", "judged", "topology", "patience_s"})
"""What `AskProtocol` says that a protocol may have."""


class Commitment(Body, frozen=True, gc=False):
    """Binds its author to a first proposal that nobody can read yet."""

    kind: ClassVar[str] = "commitment/1"
    digest: Annotated[bytes, msgspec.Meta(min_length=32, max_length=32)]


class Reveal(Body, frozen=True, gc=False):
    """Opens its author's commitment; the proposal itself follows."""

    kind: ClassVar[str] = "reveal/1"
    nonce: Annotated[bytes, msgspec.Meta(min_length=NONCE_BYTES, max_length=NONCE_BYTES)]
    seen: Annotated[tuple[MessageId, ...], msgspec.Meta(max_length=MAX_SEEN)] = ()
    """The commitments that its author knew before it had seen any answer."""


def commitment_of(channel: str, author: PeerId, nonce: bytes, proposal: Proposal) -> Commitment:
    """Return what an author says to be bound to a proposal in a channel."""
    where = b"%d\0%b" % (len(channel.encode()), channel.encode())
    return Commitment(digest=blake3(_DOMAIN + where + author + nonce + encode_canonical(proposal)).digest())


@dataclass(frozen=True)
class Opened:
    """What became of sealed first proposals, by some set of messages."""

    counted: frozenset[MessageId]
    """First proposals that are what their author had committed to in time."""
    faults: Mapping[PeerId, str]
    """Who broke the seal, and how."""
    late: frozenset[PeerId]
    """Who committed when answers could be read already."""
    hidden: frozenset[PeerId]
    """Who committed and showed no answer."""


def opened(
    commitments: Iterable[Message[Commitment]],
    reveals: Iterable[Message[Reveal]],
    proposals: Iterable[Message[Proposal]],
    weights: Mapping[PeerId, int],
) -> Opened:
    """Return which first proposals count: a pure function of the set, blind to order.

    Args:
        commitments: of round 0; of one author the first counts. So with reveals.
        reveals: of round 0.
        proposals: of round 0.
        weights: of those who sit there, in parts per million; what others say counts for nothing.
    """
    sealed = _first_of_each(commitments, weights)
    shown = {author: m for author, m in _first_of_each(reveals, weights).items() if _after(m, sealed.get(author))}
    late = frozenset(author for author, m in sealed.items() if author in shown and not _in_time(m, shown, weights))
    counted: set[MessageId] = set()
    faults: dict[PeerId, str] = {}
    said: set[PeerId] = set()
    for message in sorted(proposals):
        author = message.author
        if author not in weights:
            continue
        said.add(author)
        if author not in shown:
            faults[author] = "answered without having committed to an answer"
        elif not _holds(sealed[author], shown[author], message):
            faults[author] = "answered something else than it had committed to"
        elif author not in late:
            counted.add(message.id)
    kept = frozenset(m.id for m in proposals if m.id in counted and m.author not in faults)
    return Opened(kept, faults, late - faults.keys(), frozenset(sealed.keys() - said))


def _first_of_each(messages: Iterable[Message[B]], weights: Mapping[PeerId, int]) -> dict[PeerId, Message[B]]:
    first: dict[PeerId, Message[B]] = {}
    for message in messages:
        known = first.get(message.author)
        if message.author in weights and (known is None or message.sequence < known.sequence):
            first[message.author] = message
    return first


def _after(message: Message[Any], before: Message[Any] | None) -> bool:
    return before is not None and message.sequence > before.sequence


def _in_time(
    sealed: Message[Commitment], shown: Mapping[PeerId, Message[Reveal]], weights: Mapping[PeerId, int]
) -> bool:
    others = {author: m for author, m in shown.items() if author != sealed.author}
    whole = sum(weights[author] for author in others)
    knew = sum(weights[author] for author, m in others.items() if sealed.id in m.body.seen)
    return 2 * knew >= whole


def _holds(sealed: Message[Commitment], shown: Message[Reveal], proposal: Message[Proposal]) -> bool:
    again = commitment_of(proposal.channel, proposal.author, shown.body.nonce, proposal.body)
    return proposal.sequence > shown.sequence and again.digest == sealed.body.digest


@dataclass(frozen=True)
class Sealed:
    """A protocol whose first proposals are sealed; see this file.

    On the command line and in an opening it is called by the protocol's name with a word before it, as in
    ``sealed debate(rounds=1)``. Commitments and reveals count against a budget of messages. A peer that is started
    again between its commitment and its reveal has forgotten what it had answered, and is silent.

    Args:
        protocol: any in which all who answer do so once before they hear others.

    Raises:
        UsageError: the protocol takes several first answers of each, has offices, or folds.
    """

    protocol: AskProtocol
    prefix: ClassVar[str] = PREFIX

    def __post_init__(self) -> None:
        title = title_of(self.protocol)
        if isinstance(self.protocol, Sealed):
            raise UsageError(f"protocol {title!r} is sealed already")
        if getattr(self.protocol, "tries", False):
            raise UsageError(f"of protocol {title!r} the answers inside can be sealed: write 'two-first sealed …'")
        several = [name for name in ("samples", "drafts") if getattr(self.protocol, name, 1) > 1]
        if several:
            raise UsageError(
                f"of {several[0]} a peer gives several, and after the first it has seen those of others, so that to "
                f"seal protocol {title!r} would keep nothing apart: let each answer once, {several[0]}=1"
            )
        if isinstance(self.protocol, Folding) or getattr(self.protocol, "name", "") == "institution":
            raise UsageError(f"in protocol {title!r} not everybody answers first: seal a vote or a debate")

    @property
    def name(self) -> str:
        return self.prefix + title_of(self.protocol)

    def __getattr__(self, name: str) -> object:
        """Return what the protocol inside says of itself."""
        if name not in _SAID_OF_ITSELF:
            raise AttributeError(f"a sealed protocol has no attribute {name!r}")
        return getattr(self.protocol, name)

    async def __call__(self, seat: Seat, /) -> Decision:
        patience_s: float = getattr(self.protocol, "patience_s", PATIENCE_S)
        sealed = SealedSeat(seat, everyone_within(patience_s), after(patience_s))
        decision = await self.protocol(sealed)
        return msgspec.structs.replace(decision, notes=(*decision.notes, *sealed.told()))


class SealedSeat(Seat):
    """A seat at which first proposals are committed to, then revealed, and at which only such count.

    Args:
        seat: the seat whose place it takes.
        in_time: how long to wait for others' commitments.
        late: when that is over in any case.
    """

    __slots__ = ("_latest", "_until", "_waited_for")

    def __init__(self, seat: Seat, in_time: Condition, late: Condition) -> None:
        for name in Seat.__slots__:
            setattr(self, name, getattr(seat, name))
        self._until, self._latest = in_time, late
        self._waited_for: frozenset[PeerId] | None = None

    async def publish(self, body: B) -> Message[B]:
        """Publish; of a first proposal first a commitment, then, once others have committed, a reveal.

        Raises:
            RunFailed: this peer had committed to another answer before it was started again.
        """
        if not isinstance(body, Proposal) or body.round or self._waited_for is not None:
            return await super().publish(body)
        nonce = self.hidden_rng.randbytes(NONCE_BYTES)
        mine = await super().publish(commitment_of(self.channel, self.me, nonce, body))
        if not self._is_own(mine, nonce, body):
            raise RunFailed(f"{self.name} had committed to an answer in an earlier life, and does not know it any more")
        seen = await self._commitments()
        self._waited_for = frozenset(m.author for m in seen)
        ids = tuple(m.id for m in seen)[:MAX_SEEN]
        await super().publish(Reveal(nonce=nonce, seen=ids))
        return await super().publish(body)

    def _is_own(self, mine: Message[Commitment], nonce: bytes, body: Proposal) -> bool:
        """Say whether a commitment is to this answer, or was opened already: then what was said comes back."""
        if mine.body == commitment_of(self.channel, self.me, nonce, body):
            return True
        return any(m.author == self.me for m in super().said(Proposal))

    async def _commitments(self) -> tuple[Message[Commitment], ...]:
        """Wait until all have committed, patience is over, or somebody has revealed; return what is here by then."""
        loop = asyncio.get_running_loop()
        waits = (
            loop.create_task(super().collect(Commitment, until=self._until)),
            loop.create_task(super().collect(Reveal, until=count(1) | self._latest)),
        )
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()
            await asyncio.gather(*waits, return_exceptions=True)
        return super().said(Commitment)

    def collect(
        self, body: type[B], round: int = 0, *, until: Condition, of: frozenset[PeerId] | None = None
    ) -> Coroutine[Any, Any, tuple[Message[B], ...]]:
        """Wait as any seat does, of first proposals for those who have committed; return what counts."""
        return self._collect(body, round, until, of)

    async def _collect(
        self, body: type[B], round: int, until: Condition, of: frozenset[PeerId] | None
    ) -> tuple[Message[B], ...]:
        if body is Proposal and not round and self._waited_for is not None:
            of = self._waited_for if of is None else of & self._waited_for
        return self._counting(body, round, await super().collect(body, round, until=until, of=of))

    def said(self, body: type[B], round: int = 0) -> tuple[Message[B], ...]:
        """Return what is here by now and counts."""
        return self._counting(body, round, super().said(body, round))

    def _counting(self, body: type[B], round: int, said: tuple[Message[B], ...]) -> tuple[Message[B], ...]:
        found = self._opened()
        if body is Proposal and not round:
            return tuple(m for m in said if m.id in found.counted)
        return tuple(m for m in said if m.author not in found.faults) if found.faults else said

    def _opened(self) -> Opened:
        said = super().said
        return opened(said(Commitment), said(Reveal), said(Proposal), self.weights)

    def told(self) -> list[str]:
        """Return a line for each whose first answer does not count."""
        found, names = self._opened(), self.table.names
        lines = {**found.faults, **dict.fromkeys(found.late, "committed to an answer when others' could be read")}
        lines |= dict.fromkeys(found.hidden, "never showed the answer that it had committed to")
        return [f"{names[peer]} {why}: it does not count" for peer, why in sorted(lines.items())]
