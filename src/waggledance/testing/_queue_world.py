"""A world of queues: peers of different speed, tasks that come in bursts, and a load that everybody sees too late.

Twelve peers have speeds evenly from 0.5 to 2; tasks have lognormal sizes of mean 1 and come so that the peers together
are busy 80 % of the time, four times as fast in bursts. A peer does one task after the other. Everybody's load is told
at the same moments, every `age` time units. Response is from a task's arrival to its end, in mean task times.

Source: the set-up of the project's card on scheduling with reinforcement learning and ants (2025); the shape of bursts
and sizes is ours. Synthetic.
"""

from __future__ import annotations

from heapq import heappop, heappush
from itertools import count

import numpy as np
from numpy.typing import NDArray

from waggledance.core import UNIT, Cost, UsageError, local_peer_id
from waggledance.tasks._card import Card
from waggledance.tasks._outcome import TaskOutcome
from waggledance.tasks._router import Router
from waggledance.tasks._standing import Standing
from waggledance.tasks._task import Task
from waggledance.testing._routing_world import said_outcome

PEERS = 12
SLOWEST, FASTEST = 0.5, 2.0
LOAD = 0.8
BURST = 4.0
"""How many times as fast tasks come in a burst; a fifth of all tasks come in bursts."""
SPREAD = 1.0
"""Deviation of the logarithm of sizes."""
MS = 1_000
"""Milliseconds in a time unit."""


class QueueWorld:
    """Queues, and who is told of them when.

    Args:
        seed: same seed, same arrivals and sizes.
        age: every so many time units loads are told; 0 means always fresh.
        load: how busy the peers are together, above 0.

    Raises:
        UsageError: a negative age, or a load that is not above 0.
    """

    def __init__(self, seed: int, *, age: float, load: float = LOAD) -> None:
        if not age >= 0 or not load > 0:
            raise UsageError(f"a world of queues needs age >= 0 and load > 0, got {age}, {load}")
        self.seed, self.age, self.load = seed, age, load
        self.speeds = np.linspace(SLOWEST, FASTEST, PEERS)
        self.ids = tuple(local_peer_id(f"queue {seed}/{i}") for i in range(PEERS))

    def run(self, router: Router, tasks: int) -> NDArray[np.float64]:
        """Route tasks as they come, and return every task's response time, shape (tasks,)."""
        rng = np.random.default_rng(self.seed)
        arrivals, sizes = self._arrivals(rng, tasks), rng.lognormal(-(SPREAD**2) / 2, SPREAD, tasks)
        standing, asker = Standing(router), local_peer_id("asker")
        number = {peer: i for i, peer in enumerate(self.ids)}
        free = [0.0] * PEERS
        running: list[tuple[float, int, int, TaskOutcome]] = []
        held, told, told_at, clock = [0] * PEERS, [0] * PEERS, 0.0, count(1)
        responses = np.zeros(tasks)
        for t, (at, size) in enumerate(zip(arrivals.tolist(), sizes.tolist(), strict=True)):
            tell = told_at + self.age * ((at - told_at) // self.age) if self.age else at
            while running and running[0][0] <= at:
                end, _, i, body = heappop(running)
                if told_at < tell < end:
                    told, told_at = list(held), tell
                held[i] -= 1
                standing.add([said_outcome(asker, body, next(clock))])
            if tell > told_at or not self.age:
                told, told_at = list(held), tell
            task = Task(goal=f"task {t}", kind="work")
            best = standing.rank(task, self._cards(told, round(MS * (at - told_at))))[0]
            i = number[best.peer]
            took = size / float(self.speeds[i])
            free[i] = max(at, free[i]) + took
            responses[t] = free[i] - at
            body = TaskOutcome(
                task=task.id, task_kind="work", worker=best.peer, x=best.x,
                reward_ppm=round(UNIT / (1 + responses[t])), milliseconds=round(MS * responses[t]),
                cost=Cost(calls=1, milliseconds=max(1, round(MS * took))),
            )  # fmt: skip
            heappush(running, (free[i], t, i, body))
            held[i] += 1
        return responses

    def _arrivals(self, rng: np.random.Generator, tasks: int) -> NDArray[np.float64]:
        """Return when tasks come: runs of a mean of 20, every fifth task of them in a burst."""
        rate = self.load * float(self.speeds.sum())
        slow = rate * (1 - 0.2) / (1 - 0.2 / BURST)
        in_burst = np.repeat(rng.random(tasks // 20 + 1) < 0.2, 20)[:tasks]
        gaps = rng.exponential(1.0, tasks) / np.where(in_burst, BURST * rate, slow)
        return np.cumsum(gaps)

    def _cards(self, loads: list[int], age_ms: int) -> list[Card]:
        return [
            Card(peer=peer, load=loads[i], load_age_ms=age_ms, task_ms=round(MS / float(self.speeds[i])))
            for i, peer in enumerate(self.ids)
        ]
