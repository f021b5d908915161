"""Asking for help with what broke, and helping: a contract net whose awards are a pure function of the messages.

A request names whom it is for, how far from what broke they stand, and why the circle before was not enough: the
requests are the record of how the scope grew. A commit names the offers that it takes, which accepts these and rejects
the others. Two commits may want the same units: the one with the smaller logical clock has them, ties by id, and the
other one has nothing of what it named.

The board's request (`Beacon`) has neither amounts nor an addressee, so these are messages of their own.

Source: Smith 1980, "The Contract Net Protocol", doi:10.1109/TC.1980.1675516; Bi 2026, "CASCADE", arXiv:2604.00451.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Annotated, Any, ClassVar, cast

import msgspec

from waggledance.core import Body, Message, MessageId, PeerId, UsageError
from waggledance.tasks._task import TaskId

MAX_ASKED = 1_000
"""Peers named in one request: their keys are 32 kB."""
_Units = Annotated[int, msgspec.Meta(ge=0, le=2**31)]
_Id = Annotated[bytes, msgspec.Meta(min_length=32, max_length=32)]
_Why = Annotated[str, msgspec.Meta(max_length=1_000)]


class RepairRequest(Body, frozen=True, gc=False):
    """What is missing, and who is asked: everybody else stays silent."""

    kind: ClassVar[str] = "repair-request/1"
    task: TaskId
    amount: Annotated[int, msgspec.Meta(ge=1, le=2**31)]
    hops: Annotated[int, msgspec.Meta(ge=0, le=1_000_000)]
    """How far from the task those stand who are asked."""
    asked: tuple[_Id, ...]
    messages_left: int | None = None
    """How many more messages the repair may cost after this one was answered by all; None without a limit."""
    why: _Why = ""
    """Why the circle before was not enough."""

    def __post_init__(self) -> None:
        if not 1 <= len(self.asked) <= MAX_ASKED:
            raise UsageError(f"a request is for 1 to {MAX_ASKED:,} peers, got {len(self.asked)}")


class RepairOffer(Body, frozen=True, gc=False):
    """What its author could give; 0 says that it has nothing. `round` is the request's own mark."""

    kind: ClassVar[str] = "repair-offer/1"
    request: MessageId
    amount: _Units
    price: _Units = 0
    """What a unit costs, in a measure that all use alike."""
    stock: _Units = 0
    """How many units its author has in all: commits are met from it in their order."""
    needs: Annotated[tuple[str, ...], msgspec.Meta(max_length=32)] = ()
    """The skills by which it would be done."""
    valid_ms: Annotated[int, msgspec.Meta(ge=1, le=86_400_000)] = 60_000
    """For how long it stands, from when it is heard."""


class RepairCommit(Body, frozen=True, gc=False):
    """The offers that are taken for a request, all of them or none."""

    kind: ClassVar[str] = "repair-commit/1"
    request: MessageId
    offers: Annotated[tuple[_Id, ...], msgspec.Meta(min_length=1, max_length=MAX_ASKED)]


class RepairCancel(Body, frozen=True, gc=False):
    """A request is given up, with the reason; what was taken for it is free again."""

    kind: ClassVar[str] = "repair-cancel/1"
    request: MessageId
    why: _Why


def mark_of_request(request: MessageId) -> int:
    """Return the round that only offers for this request are in."""
    return int.from_bytes(request[:4]) & 0x7FFF_FFFF


def awarded(messages: Iterable[Message[Any]]) -> dict[MessageId, Message[RepairCommit]]:
    """Return the commits that have what they named, by their ids: a pure function of the set of messages.

    A commit is passed over whose author did not ask, that names an offer which is not here or is for somebody else's
    request, two offers of one author, or an offer that is taken.
    """
    known = {message.id: message for message in messages}
    taken, won = Counter[PeerId](), dict[MessageId, Message[RepairCommit]]()
    said = [m for m in known.values() if isinstance(m.body, RepairCommit | RepairCancel)]
    for message in sorted(said, key=lambda m: (m.lamport, m.id)):
        if isinstance(message.body, RepairCancel):
            for id, commit in list(won.items()):
                if commit.author == message.author and commit.body.request == message.body.request:
                    taken.subtract(_units(known, commit) or {})
                    del won[id]
            continue
        commit = cast("Message[RepairCommit]", message)
        units = _units(known, commit)
        if units is None or any(set(commit.body.offers) & set(other.body.offers) for other in won.values()):
            continue
        stock = {known[MessageId(id)].author: known[MessageId(id)].body.stock for id in commit.body.offers}
        if all(taken[peer] + amount <= stock[peer] for peer, amount in units.items()):
            taken.update(units)
            won[commit.id] = commit
    return won


def taken_from(messages: Iterable[Message[Any]], peer: PeerId) -> int:
    """Return how many units of a peer's stock are awarded."""
    known = {message.id: message for message in messages}
    return sum((_units(known, commit) or {}).get(peer, 0) for commit in awarded(known.values()).values())


def _units(known: dict[MessageId, Message[Any]], commit: Message[RepairCommit]) -> dict[PeerId, int] | None:
    """Return how much a commit takes from whom; None when it may not take it."""
    units: dict[PeerId, int] = {}
    for id in commit.body.offers:
        offer = known.get(MessageId(id))
        if offer is None or not isinstance(offer.body, RepairOffer) or offer.author in units:
            return None
        request = known.get(offer.body.request)
        if request is None or not isinstance(request.body, RepairRequest) or request.author != commit.author:
            return None
        units[offer.author] = offer.body.amount
    return units
