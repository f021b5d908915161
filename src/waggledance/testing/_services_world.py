"""A world of services that run for long while their use drifts: 200 peers with 3 resources, 2000 services.

Each service's use is lognormal (heavy tails), follows a daily wave of its own phase, and drifts as a random walk that
returns to its mean. Peers rebalance in turn, each once in `every` steps, from what was true at the step's beginning.

Source: the simulation that the project's card on Śliwko's thesis asks for; shapes after Google's cluster traces as
described there. Synthetic.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from waggledance.core import PeerId, UsageError, local_peer_id
from waggledance.tasks._rebalancer import Rebalancer, Room
from waggledance.tasks._task import TaskId

RESOURCES = 3
CAPACITY = 1_000
MEAN_USE = 0.6
"""Of all capacity, of each resource."""
DAY = 250
"""Steps of a daily wave."""
WAVE = 0.3
PULL, SHOCK = 0.02, 0.08
"""Of the random walk of a service's use: how fast it returns, and its deviation a step."""

_Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Balanced:
    """What came of a run."""

    overload: float
    """Share of peers and steps in which some resource was used beyond capacity."""
    moves: int
    returns: int
    """Moves of a service back to the peer that it left within 20 steps."""


class ServicesWorld:
    """Services on peers.

    Args:
        seed: same seed, same drift.
        peers: how many, 2 or more.
        services: how many, 1 or more.

    Raises:
        UsageError: too few.
    """

    def __init__(self, seed: int, *, peers: int = 200, services: int = 2_000) -> None:
        if peers < 2 or services < 1:
            raise UsageError(f"a world of services needs two peers and one service, got {peers} and {services}")
        self.seed, self.peers, self.services = seed, peers, services
        self.ids = tuple(local_peer_id(f"services {seed}/{i}") for i in range(peers))

    def run(self, rebalancer: Rebalancer | None, steps: int, *, every: int = 5) -> Balanced:
        """Let use drift and peers rebalance; without a rebalancer nothing moves.

        Args:
            rebalancer: how peers choose what to move.
            steps: how long.
            every: a peer looks at its services once in so many steps.
        """
        rng = np.random.default_rng(self.seed)
        base = rng.lognormal(0, 0.8, (self.services, RESOURCES))
        base *= MEAN_USE * CAPACITY * self.peers / base.sum(axis=0)
        phase, walk = rng.uniform(0, 2 * np.pi, self.services), np.zeros(self.services)
        at = rng.permutation(np.arange(self.services) % self.peers)
        left: dict[int, tuple[int, int]] = {}
        over = moves = returns = 0
        for step in range(steps):
            walk += -PULL * walk + rng.normal(0, SHOCK, self.services)
            wave = 1 + WAVE * np.sin(2 * np.pi * step / DAY + phase)
            use = np.maximum(1, base * (wave * np.exp(walk - SHOCK**2 / (4 * PULL)))[:, None]).astype(np.int64)
            held = self._held(use, at)
            over += int((held > CAPACITY).any(axis=1).sum())
            if rebalancer is None:
                continue
            for service, to in self._moves(rebalancer, use, at, held, step, every):
                before = left.get(service)
                returns += before is not None and before[0] == to and step - before[1] <= 20
                left[service] = int(at[service]), step
                at[service] = to
                moves += 1
        return Balanced(over / (steps * self.peers), moves, returns)

    def _held(self, use: _Ints, at: _Ints) -> _Ints:
        held = np.zeros((self.peers, RESOURCES), dtype=np.int64)
        np.add.at(held, at, use)
        return held

    def _moves(
        self, rebalancer: Rebalancer, use: _Ints, at: _Ints, held: _Ints, step: int, every: int
    ) -> list[tuple[int, int]]:
        """Return services and where they go, at most one of each peer whose turn it is."""
        rooms = [Room(id, (CAPACITY,) * RESOURCES, tuple(row)) for id, row in zip(self.ids, held.tolist(), strict=True)]
        number = {id: i for i, id in enumerate(self.ids)}
        taken: set[PeerId] = set()
        found: list[tuple[int, int]] = []
        for i in range(step % every, self.peers, every):
            if rooms[i].fullest_ppm <= rebalancer.aim_ppm:
                continue
            here = {TaskId(s.to_bytes(32)): tuple(use[s].tolist()) for s in np.flatnonzero(at == i).tolist()}
            others = [room for room in rooms if room.peer != self.ids[i]]
            move = rebalancer.move(rooms[i], here, others, draw=b"%d/%d" % (step, i))
            if move is not None and move.to not in taken:  # who has accepted one does not accept another on old figures
                taken.add(move.to)
                found.append((int.from_bytes(move.service), number[move.to]))
        return found
