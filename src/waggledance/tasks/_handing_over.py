"""Tasks that wait at a peer that is full go to one with nothing to do: it says that it would, the holder hands over.

A peer that claims ahead holds more than it does at a time. What each holds and how much it does at a time is published,
so a peer with a hand free sees who is full. It accepts that one's tasks, in the order in which peers stand for each of
them; the holder, who alone knows what it has not begun, hands over what lowers both peers' load (`Rebalancer`).

Nothing goes back and forth: a peer never accepts a task that it has claimed or held before, so that each task moves to
each peer once at most; and only a gain counts, as of the load that is published when it is handed over. One that dies
before it is handed a task costs nothing if that is known, and a lease if not.

Source: the project's card on Śliwko, "Intelligent Load Balancing in Cloud Computer Systems" (thesis, Westminster).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from math import inf

from msgspec.structs import replace

from waggledance.core import PeerId
from waggledance.tasks._card import Card
from waggledance.tasks._edit import Accept, HandOver
from waggledance.tasks._plan import Plan
from waggledance.tasks._rebalancer import Move, Rebalancer, Room
from waggledance.tasks._task import Task, TaskId

_ONE = (1,)
"""What a task takes of a peer: one of those that it does at a time."""


class HandingOver:
    """One peer's part in it.

    Args:
        me: this peer.
        rebalancer: says what is worth moving; nothing is when None.
        stagger_s: how long to wait for each peer that stands before this one, ≥ 0 s.
        place: how many stand before this peer for a task that another holds; None if it cannot do it.
    """

    def __init__(
        self,
        me: PeerId,
        rebalancer: Rebalancer | None,
        stagger_s: float,
        place: Callable[[Task, PeerId | None], int | None],
    ) -> None:
        self._me, self._rebalancer, self._stagger_s, self._place = me, rebalancer, stagger_s, place
        self._since: dict[TaskId, float] = {}
        """Since when this peer could have taken a task over."""
        self.next_at = inf
        """When it will be this peer's turn to accept something."""

    def accepts(self, plan: Plan, cards: Collection[Card], now: float) -> list[Accept]:
        """Return which tasks to accept for a peer with a hand free and nothing to claim.

        Args:
            plan: as it stands.
            cards: of all peers, with what they hold.
            now: this peer's time.
        """
        rooms = _rooms(cards)
        found: dict[TaskId, float] = {}
        self.next_at = inf
        due: list[Accept] = []
        for entry in plan.busy() if self._me in rooms else ():
            id, holder = entry.task.id, entry.holder
            if (
                entry.status != "claimed"
                or holder is None
                or holder not in rooms
                or self._me in entry.claimants | entry.willing
            ):
                continue
            if self._move(id, rooms[holder], [rooms[self._me]]) is None:
                continue
            place = self._place(entry.task, holder)
            if place is None:
                continue
            found[id] = self._since.get(id, now)
            at = found[id] + place * self._stagger_s
            if at <= now:
                due.append(Accept(id))
            else:
                self.next_at = min(self.next_at, at)
        self._since = found
        return due

    def hands(self, plan: Plan, waiting: Sequence[TaskId], cards: Collection[Card]) -> list[HandOver]:
        """Return which of the tasks that a peer holds and has not begun go to whom that accepted them.

        Args:
            plan: as it stands.
            waiting: those tasks.
            cards: of all peers, with what they hold.
        """
        rooms, left, given = _rooms(cards), dict.fromkeys(waiting), list[HandOver]()
        while left and self._me in rooms:
            willing = {id: [rooms[peer] for peer in plan.entries[id].willing if peer in rooms] for id in left}
            moves = [self._move(id, rooms[self._me], others) for id, others in willing.items() if others]
            best = min(filter(None, moves), key=lambda move: (-move.gain_ppm, move.service), default=None)
            if best is None:
                break
            given.append(HandOver(best.service, best.to))
            del left[best.service]
            for peer, change in ((self._me, -1), (best.to, 1)):
                rooms[peer] = replace(rooms[peer], used=(rooms[peer].used[0] + change,))
        return given

    def _move(self, task: TaskId, here: Room, others: Sequence[Room]) -> Move | None:
        return None if self._rebalancer is None else self._rebalancer.move(here, {task: _ONE}, others, draw=task)


def _rooms(cards: Collection[Card]) -> dict[PeerId, Room]:
    return {card.peer: Room(card.peer, (card.capacity,), (card.load,)) for card in cards if card.available}
