"""The gate of a repair: solve, validate, and only if that was not enough ask further out; without any messages.

    offers = {}                        scope S_0: what one has oneself
    repeat: picked = solve(offers);  if validate(picked): commit, and stop unless others were first
            else ask S_{k'} minus S_k, where k' is k + 1 or growth × k, as far as the budget goes

A circle one wider costs fewer messages, one twice as wide less time. Every message is counted before it is sent, so the
budget holds whatever comes back: a call and its answer for each peer asked, one commit for each offer taken.

Source: Bi 2026, "CASCADE", arXiv:2604.00451; the paper's gate, with our counting.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Generator, Sequence
from dataclasses import dataclass
from math import inf

import msgspec
from blake3 import blake3

from waggledance.core import PeerId, UsageError


class Offered(msgspec.Struct, frozen=True):
    """What a peer could give."""

    peer: PeerId
    amount: int
    price: int = 0
    key: bytes = b""
    """Which offer it is."""


Solve = Callable[[int, Sequence[Offered]], Sequence[Offered]]
"""Picks offers for an amount: a pure function."""
Validate = Callable[[int, Sequence[Offered]], str]
"""Says what is wrong with a pick, or nothing: local and cheap, as it runs at every circle."""


@dataclass(frozen=True)
class Ask:
    """Ask these peers; send back their offers."""

    hops: int
    peers: tuple[PeerId, ...]
    why: str
    messages_left: int | None


@dataclass(frozen=True)
class Commit:
    """Take these offers; send back those that cannot be had any more, nothing if all can."""

    picked: tuple[Offered, ...]


@dataclass(frozen=True)
class Repaired:
    """The offers that were taken."""

    picked: tuple[Offered, ...]
    hops: int
    messages: int


@dataclass(frozen=True)
class Infeasible:
    """Nothing was found, and why."""

    why: str
    hops: int
    messages: int


Step = Ask | Commit
Reply = Sequence[Offered]


def cheapest(amount: int, offers: Sequence[Offered]) -> Sequence[Offered]:
    """Pick the cheapest offers, of equal ones the larger, ties by a hash, until the amount is there; then no more."""
    picked: list[Offered] = []
    order = sorted(offers, key=lambda o: (o.price, -o.amount, blake3(o.key + o.peer).digest()))
    for offer in order:
        if sum(o.amount for o in picked) >= amount:
            break
        if offer.amount > 0:
            picked.append(offer)
    return picked


def covered(amount: int, picked: Sequence[Offered]) -> str:
    """Say how much is missing, or nothing."""
    have = sum(offer.amount for offer in picked)
    return "" if have >= amount else f"{have} of {amount} units can be had"


@dataclass(frozen=True)
class Gate:
    """How a repair goes about.

    Args:
        solve: picks from the offers so far.
        validate: says what is wrong with the pick.
        growth: how many times as wide the next circle is, 1 to 1,000; 1 means one hop wider.
        messages: how many calls, answers and commits a repair may cost, ≥ 0; any number when None.
        seconds: how long it may take, > 0 s.

    Raises:
        UsageError: a number outside its range.
    """

    solve: Solve = cheapest
    validate: Validate = covered
    growth: int = 2
    messages: int | None = None
    seconds: float = inf

    def __post_init__(self) -> None:
        if not 1 <= self.growth <= 1_000 or not self.seconds > 0 or (self.messages is not None and self.messages < 0):
            raise UsageError(
                "a repair's circle grows 1 to 1,000 times, and it has 0 messages or more and a time above 0 s; got "
                f"{self.growth}, {self.messages} and {self.seconds}"
            )

    def wider(self, hops: int) -> int:
        """Return the next circle's size.

        >>> Gate(growth=1).wider(2), Gate(growth=2).wider(2), Gate(growth=2).wider(0)
        (3, 4, 1)
        """
        return max(hops + 1, hops * self.growth)

    def repair(
        self,
        amount: int,
        near: Callable[[int], Collection[PeerId]],
        farthest: int,
        elapsed_s: Callable[[], float],
        own: Sequence[Offered] = (),
    ) -> Generator[Step, Reply, Repaired | Infeasible]:
        """Go through a repair: yields what is to be done, and is sent what came of it.

        Args:
            amount: how many units are missing, ≥ 1.
            near: returns who stands within so many hops.
            farthest: the largest circle there is; a wider one has nobody more.
            elapsed_s: how long the repair has taken.
            own: what one has oneself.

        Raises:
            UsageError: the amount is not positive.
        """
        if amount < 1:
            raise UsageError(f"a repair is for 1 unit or more, got {amount}")
        offers, asked, hops, sent, cut = list(own), frozenset[PeerId](), 0, 0, False
        while True:
            picked = tuple(self.solve(amount, offers))
            fault = self.validate(amount, picked)
            if not fault:
                sent += len(picked)
                if self.messages is not None and sent > self.messages:
                    return Infeasible(_spent(self.messages, "to commit"), hops, sent - len(picked))
                lost = yield Commit(picked)
                if not lost:
                    return Repaired(picked, hops, sent)
                gone = {offer.key for offer in lost}
                offers = [offer for offer in offers if offer.key not in gone]
                continue
            if elapsed_s() >= self.seconds:
                return Infeasible(f"infeasible within budget: {self.seconds:g} s are over; {fault}", hops, sent)
            if cut:
                return Infeasible(_spent(self.messages or 0, fault), hops, sent)
            ring: list[PeerId] = []
            while not ring:
                if hops >= farthest:
                    return Infeasible(f"infeasible: nobody is left to ask; {fault}", hops, sent)
                hops = min(self.wider(hops), farthest)
                ring = sorted(frozenset(near(hops)) - asked, key=lambda peer: blake3(b"%d" % hops + peer).digest())
            if self.messages is not None:
                room = max(0, (self.messages - sent - amount) // 2)
                ring, cut = ring[:room], room < len(ring)
                if not ring:
                    return Infeasible(_spent(self.messages, fault), hops, sent)
            asked |= frozenset(ring)
            sent += 2 * len(ring)
            left = None if self.messages is None else self.messages - sent
            offers += yield Ask(hops, tuple(ring), fault, left)


def _spent(messages: int, fault: str) -> str:
    return f"infeasible within budget: {messages} messages do not go further; {fault}"
