"""A world in which peers become good at what they do, and one of them crashes: what specialising is worth.

Eight peers, six kinds; a skill is the chance to succeed, begins uniform in 0.2 to 0.8, and comes nearer to 0.95 by
0.7 % of what is missing with each task done of its kind. Cards say the first skills, with N(0, 0.15²) added. Half-way
the peer that did most tasks of late fails at all from then on, and nobody announces it.

Source: the world of the project's card on Yang et al. 2025, "AgentNet", arXiv:2504.00587; the numbers are ours, set so
that choosing at random ends where the card's table says. Synthetic.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from waggledance.core import UNIT, UsageError, local_peer_id
from waggledance.tasks._card import Card
from waggledance.tasks._outcome import TaskOutcome
from waggledance.tasks._router import Router
from waggledance.tasks._standing import Standing
from waggledance.tasks._task import Task
from waggledance.testing._routing_world import said_outcome

PEERS = 8
KINDS = 6
FIRST = (0.2, 0.8)
BEST = 0.95
GROWTH = 0.007
NOISE = 0.15


@dataclass(frozen=True)
class Specialised:
    """What came of a run: of each task whether it went well, and the number of the peer that did it."""

    success: NDArray[np.bool_]
    chosen: NDArray[np.int64]
    crashed: int
    """Number of the peer that crashed half-way."""


class SpecialistsWorld:
    """Peers that learn by doing.

    Args:
        seed: same seed, same world.
        tasks: how many; half of them before the crash. 200 or more.

    Raises:
        UsageError: too few tasks.
    """

    def __init__(self, seed: int, *, tasks: int = 2_000) -> None:
        if tasks < 200:
            raise UsageError(f"a world of specialists needs 200 tasks or more, got {tasks}")
        self.seed, self.tasks = seed, tasks
        self.ids = tuple(local_peer_id(f"specialist {seed}/{i}") for i in range(PEERS))

    def run(self, router: Router | None) -> Specialised:
        """Route tasks one after the other; at random when there is no router."""
        rng = np.random.default_rng(self.seed)
        skill = rng.uniform(*FIRST, (PEERS, KINDS))
        number = {peer: i for i, peer in enumerate(self.ids)}
        claims = np.clip(skill + rng.normal(0, NOISE, skill.shape), 0, 1)
        cards = [
            Card(peer=peer, skills={f"kind-{k}": round(UNIT * float(c)) for k, c in enumerate(row)})
            for peer, row in zip(self.ids, claims, strict=True)
        ]
        standing = None if router is None else Standing(router)
        success, chosen = np.zeros(self.tasks, dtype=bool), np.zeros(self.tasks, dtype=np.int64)
        asker, crashed = local_peer_id("asker"), -1
        for t in range(self.tasks):
            if t == self.tasks // 2:
                crashed = int(np.bincount(chosen[t - 100 : t], minlength=PEERS).argmax())
            k = int(rng.integers(KINDS))
            task = Task(goal=f"task {t}", kind=f"kind-{k}")
            anybody, luck = int(rng.integers(PEERS)), float(rng.random())
            best = None if standing is None else standing.rank(task, cards)[0]
            i = anybody if best is None else number[best.peer]
            success[t], chosen[t] = i != crashed and luck < skill[i, k], i
            skill[i, k] += GROWTH * (BEST - skill[i, k])
            if standing is not None and best is not None:
                body = TaskOutcome(
                    task=task.id, task_kind=task.kind, worker=best.peer, x=best.x, reward_ppm=UNIT * int(success[t])
                )
                standing.add([said_outcome(asker, body, t + 1)])
        return Specialised(success, chosen, crashed)
