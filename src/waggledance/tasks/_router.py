"""Routing: which peer a task suits best, computed by everybody alike from cards and published outcomes.

A router's rank is a pure function of a task, the cards and the *set* of outcomes. What it has learnt is a fold over the
outcomes in the order (Lamport time, id); `Standing` keeps that fold up to date, and ranks a thousand peers in under a
millisecond. Equal scores are ordered by a hash of task and peer, which favours nobody over many tasks.

Source: Wang et al. 2026, "Symphony-Coord", arXiv:2602.00966; that nobody owns the state is ours.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from operator import itemgetter
from types import MappingProxyType
from typing import TYPE_CHECKING, ClassVar, Protocol, Self, runtime_checkable

import msgspec
from blake3 import blake3

from waggledance.core import Message, PeerId, UsageError
from waggledance.tasks._card import Card
from waggledance.tasks._outcome import TaskOutcome
from waggledance.tasks._task import Task

if TYPE_CHECKING:
    from waggledance.tasks._plan import Plan

_PRIME = (1 << 61) - 1
_NO_X: Mapping[PeerId, tuple[int, ...]] = MappingProxyType({})


class Scored(msgspec.Struct, frozen=True, gc=False):
    """A peer and its score for a task."""

    peer: PeerId
    score_ppm: int
    """Higher is better; what it means is the router's."""
    x: tuple[int, ...] = ()
    """What the router saw of it, to be published with the outcome (`TaskOutcome.x`); of most routers nothing."""


class State(Protocol):
    """What a router has learnt from outcomes."""

    def learn(self, said: Message[TaskOutcome]) -> None:
        """Take in one outcome; they come in the order (Lamport time, id), each once."""
        ...

    def copy(self) -> Self:
        """Return a copy that learns for itself."""
        ...

    def order(self, task: Task, cards: Sequence[Card]) -> tuple[Scored, ...]:
        """Rank cards that may do the task; see `Router.rank`."""
        ...


@runtime_checkable
class Following(Protocol):
    """A router that also goes by who is at what: its ranks are for the peer that asks, and no other."""

    def follow(self, plan: Callable[[], Plan], /) -> None:
        """Go by a plan as it stands whenever it is asked for."""
        ...


class Router(ABC):
    """A way to choose who does a task. Frozen: what it learns stands in a `State`.

    One of your own gives scores, and leaves equal ones and who is away to `in_order`.
    """

    name: ClassVar[str]

    @abstractmethod
    def start(self) -> State:
        """Return the state before any outcome."""

    def rank(
        self, task: Task, cards: Sequence[Card], outcomes: Iterable[Message[TaskOutcome]] = ()
    ) -> tuple[Scored, ...]:
        """Return who may do a task, the best first. It reads all outcomes anew: to rank often, keep a `Standing`.

        Args:
            task: what is to be done; peers that lack a skill it needs are left out.
            cards: the peers, in any order, each once; those that are not available come last.
            outcomes: what has been published, in any order; repeats and peers' words about themselves do not count.

        Returns:
            At most one entry a card; empty where nobody has the skills.

        Raises:
            UsageError: two cards of one peer.
        """
        from waggledance.tasks._standing import Standing

        return Standing(self, outcomes).rank(task, cards)


def able(task: Task, cards: Sequence[Card]) -> Sequence[Card]:
    """Return the cards of peers that have every skill the task needs.

    Raises:
        UsageError: two cards of one peer.
    """
    if len({card.peer for card in cards}) < len(cards):
        raise UsageError("two cards of one peer: rank each peer once, by its newest card")
    return [card for card in cards if card.skills.keys() >= set(task.needs)] if task.needs else cards


def best_first(task: Task, cards: Sequence[Card], scores: Iterable[int]) -> list[tuple[int, Card]]:
    """Return scores and cards sorted: available peers first, the higher score first, equals by `lot`."""
    rows = list(zip(scores, cards, strict=True))
    gone = [row for row in rows if not row[1].available]
    if not gone:
        return _sorted(task, rows)
    return _sorted(task, [row for row in rows if row[1].available]) + _sorted(task, gone)


def _sorted(task: Task, rows: list[tuple[int, Card]]) -> list[tuple[int, Card]]:
    """Sort by score, then by lot; lots are drawn for those alone that have equals, as they cost more than the rest."""
    scores = [score for score, _ in rows]
    if len(set(scores)) < len(rows):
        equal = {score for score, n in Counter(scores).items() if n > 1}
        a, b = _line(task.id)
        points = _points(tuple([card.peer for _, card in rows]))
        lots = [(a * point + b) % _PRIME if score in equal else 0 for score, point in zip(scores, points, strict=True)]
        rows = [rows[at] for at in sorted(range(len(rows)), key=lots.__getitem__)]
    rows.sort(key=itemgetter(0), reverse=True)
    return rows


def in_order(task: Task, cards: Sequence[Card], scores: Iterable[int]) -> tuple[Scored, ...]:
    """Return a ranking by score alone, as most routers give it: equals by a hash, whoever is not available last.

    Args:
        task: what is to be done; with it the hash changes, so that over many tasks equals come first equally often.
        cards: the peers.
        scores: one a card, in parts per million; higher is better.
    """
    return ranked(best_first(task, cards, scores))


def ranked(rows: Iterable[tuple[int, Card]], x_of: Mapping[PeerId, tuple[int, ...]] = _NO_X) -> tuple[Scored, ...]:
    """Return sorted rows as a ranking, with the features that were seen of some peers."""
    rows = list(rows)
    scores, peers = [score for score, _ in rows], [card.peer for _, card in rows]
    if not x_of:
        return tuple(map(Scored, peers, scores))
    return tuple(map(Scored, peers, scores, [x_of.get(peer, ()) for peer in peers]))


def lot(task: Task, peer: PeerId) -> int:
    """Return what equals are ordered by, the lowest first: a hash of task and peer, 0 to 2^61 - 2.

        (a h(peer) + b) mod (2^61 - 1),   h, a and b by BLAKE3, a and b from the task

    Source: Carter, Wegman 1979, "Universal classes of hash functions": of two peers each comes first in half the tasks.
    Eight times as fast as a hash of both together, which a thousand newcomers would need a millisecond for.
    """
    a, b = _line(task.id)
    return (a * _point(peer) + b) % _PRIME


def draw(task: Task, what: bytes) -> int:
    """Return a number from 0 to 2^64 - 1 that is the task's own, for choices that all who rank must make alike."""
    return int.from_bytes(blake3(b"waggle/draw/1\0" + what + b"\0" + task.id).digest(8))


@lru_cache(maxsize=1 << 16)
def _point(peer: PeerId) -> int:
    return int.from_bytes(blake3(b"waggle/lot/2\0" + peer).digest(8)) % _PRIME


@lru_cache(maxsize=16)
def _points(peers: tuple[PeerId, ...]) -> tuple[int, ...]:
    """Return the points of all who are ranked, which hardly change from one task to the next."""
    return tuple(map(_point, peers))


@lru_cache(maxsize=1 << 12)
def _line(task: bytes) -> tuple[int, int]:
    digest = blake3(b"waggle/lot/2\0" + task).digest(16)
    return 1 + int.from_bytes(digest[:8]) % (_PRIME - 1), int.from_bytes(digest[8:]) % _PRIME
