"""Rebalancing: what runs long is moved from peers that are too full to peers with room, by the peers themselves.

    cost of a peer = Σ over resources (use / capacity)^4
    gain of a move = what both peers' costs fall by - cost of moving

Use up to some 80 % costs little, beyond that it rises steeply: a peer is to be full, and not overfull. A peer whose use
is within the aim offers nothing. One that is above it offers one of its services to each of d peers drawn by free
capacity, and moves the one of the highest gain if that is above `min_gain_ppm`. With a least gain of 0 services go to
and fro as their use drifts. Moving is for what runs on for long; a short task is better started at the right peer.

Source: the project's card on Śliwko, "Intelligent Load Balancing in Cloud Computer Systems" (thesis, Westminster);
candidates without a broker: Mitzenmacher 2001, "The power of two choices".
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate

import msgspec
from blake3 import blake3

from waggledance.core import UNIT, PeerId, UsageError
from waggledance.tasks._task import TaskId

Amounts = tuple[int, ...]
"""Of each resource so much, in whole units of its own."""


class Room(msgspec.Struct, frozen=True, gc=False):
    """A peer's resources: what it has, and what is in use."""

    peer: PeerId
    capacity: Amounts
    used: Amounts

    def __post_init__(self) -> None:
        if len(self.capacity) != len(self.used) or not self.capacity:
            raise UsageError(f"room is capacity and use of the same resources, got {self.capacity} and {self.used}")
        if min(self.capacity) < 1 or min(self.used) < 0:
            raise UsageError(f"capacity is 1 or more and use 0 or more, got {self.capacity} and {self.used}")

    @property
    def fullest_ppm(self) -> int:
        """Use of the resource that is scarcest, in parts per million of its capacity."""
        return max(UNIT * u // c for u, c in zip(self.used, self.capacity, strict=True))

    def cost(self, change: Amounts, sign: int) -> int:
        """Return the cost of the peer's use with a service added (sign 1) or taken away (-1), in parts per million."""
        total = 0
        for have, use, more in zip(self.capacity, self.used, change, strict=True):
            share = UNIT * max(0, use + sign * more) // have
            square = share * share // UNIT
            total += square * square // UNIT
        return total


class Move(msgspec.Struct, frozen=True, gc=False):
    """A service that should run elsewhere, where, and what is gained by it in parts per million of cost."""

    service: TaskId
    to: PeerId
    gain_ppm: int


@dataclass(frozen=True)
class Rebalancer:
    """Say what a peer should hand over; the receiver must still accept, and the giver keeps it until then.

    Raises:
        UsageError: a number outside its range.
    """

    candidates: int = 4
    """How many peers are asked (d)."""
    min_gain_ppm: int = 300_000
    """What a move must gain beyond its own cost."""
    aim_ppm: int = 900_000
    """A peer offers nothing while its fullest resource is at most so full."""

    def __post_init__(self) -> None:
        if self.candidates < 1 or self.min_gain_ppm < 0 or self.aim_ppm < 0:
            raise UsageError(
                "a rebalancer needs candidates >= 1, min_gain_ppm >= 0 and aim_ppm >= 0, got "
                f"{self.candidates}, {self.min_gain_ppm}, {self.aim_ppm}"
            )

    def move(
        self, here: Room, services: Mapping[TaskId, Amounts], others: Sequence[Room], *, draw: bytes, cost_ppm: int = 0
    ) -> Move | None:
        """Return the best move of one of a peer's services, or None.

        Args:
            here: the peer's own room.
            services: what each of its services uses.
            others: other peers' room as last heard, in any order, each peer once.
            draw: what candidates are drawn by, such as the peer's id and its clock's minute.
            cost_ppm: what moving costs, in the unit of gains.

        Raises:
            UsageError: rooms or services of other resources than `here`.
        """
        kinds = len(here.capacity)
        if any(len(uses) != kinds for uses in (*services.values(), *(room.capacity for room in others))):
            raise UsageError(f"a peer with {kinds} resources weighs only services and peers with as many")
        if here.fullest_ppm <= self.aim_ppm:
            return None
        now = here.cost(here.used, 0)
        best: tuple[int, bytes, Move] | None = None
        for room in self._asked(others, draw):
            there = room.cost(room.used, 0)
            for service, uses in services.items():
                gain = now - here.cost(uses, -1) + there - room.cost(uses, 1) - cost_ppm
                if gain > self.min_gain_ppm and (best is None or gain >= best[0]):
                    lot = blake3(b"waggle/move/1\0" + draw + service + room.peer).digest()
                    if best is None or (-gain, lot) < (-best[0], best[1]):
                        best = gain, lot, Move(service, room.peer, gain)
        return None if best is None else best[2]

    def _asked(self, others: Sequence[Room], draw: bytes) -> list[Room]:
        """Draw candidates by the free share of their fullest resource, all different."""
        rooms = sorted(others, key=lambda room: room.peer)
        if len(rooms) <= self.candidates:
            return rooms
        free = [max(0, UNIT - room.fullest_ppm) for room in rooms]
        digest, asked = blake3(b"waggle/asked/1\0" + draw), list[Room]()
        for number in range(self.candidates):
            sums = list(accumulate(free))
            if not sums[-1]:
                break
            at = bisect_right(sums, int.from_bytes(digest.digest(8, seek=8 * number)) % sums[-1])
            asked.append(rooms[at])
            free[at] = 0
        return asked
