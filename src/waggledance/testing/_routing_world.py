"""A world of skills that routers learn: peers with unknown mean rewards, cards that are noisy or false, faults, gossip.

Eight peers, five kinds of tasks; each kind has one expert of mean 0.9, all others' means are uniform in 0.2 to 0.75.
Cards say the mean, with N(0, 0.15²) added. A reward is 1 or 0, with the mean as its chance. Regret is what the chosen
peer's mean lacks of the best one's that is up. The real routers run, through a `Standing` for each requester.

Source: the set-up of the project's card on Wang et al. 2026, "Symphony-Coord", arXiv:2602.00966; the means are ours,
set so that choosing at random loses what the card's table says. Nothing here says how good real peers are.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from blake3 import blake3
from numpy.typing import NDArray

from waggledance.core import UNIT, Message, MessageId, PeerId, UsageError, encode_canonical, local_peer_id, swarm_id
from waggledance.tasks._card import Card
from waggledance.tasks._doubted import doubted_by
from waggledance.tasks._outcome import TaskOutcome, counted
from waggledance.tasks._router import Router
from waggledance.tasks._standing import Standing
from waggledance.tasks._task import Task

EXPERT = 0.9
OTHERS = (0.2, 0.75)
NOISE = 0.15
PEERS = 8
KINDS = 5

Floats = NDArray[np.float64]
Lie = Callable[["RoutingWorld", int], Sequence[Message[TaskOutcome]]]
"""What is published beside the truth after a task of a number."""


def said_outcome(author: PeerId, body: TaskOutcome, lamport: int) -> Message[TaskOutcome]:
    """Return an outcome as a message, without a channel around it; its id is a hash of what it says."""
    id = blake3(b"%d\0" % lamport + author + encode_canonical(body)).digest()
    return Message(MessageId(id), author, body, 1, None, (), lamport, 0, swarm_id("routing-world"), "routing")


@dataclass(frozen=True)
class Routed:
    """What came of a run."""

    regret: Floats
    """Missed mean reward of each task, shape (tasks,)."""
    kind: NDArray[np.int64]
    """Kind of each task."""
    chosen: NDArray[np.int64]
    """Number of the peer that did it."""

    def total(self, tasks: int | None = None) -> float:
        """Return the regret of the first so many tasks, of all when None."""
        return float(self.regret[:tasks].sum())

    def recovered(self, kind: int, since: int, *, near: float = 0.1, run: int = 10) -> int | None:
        """Return how many tasks of any kind after `since` it took until nine of ten tasks of a kind went well.

        Args:
            kind: the kind whose expert failed.
            since: number of the task when it did.
            near: how much regret is well.
            run: how many tasks are looked at together.
        """
        of_kind = np.flatnonzero(self.kind[since:] == kind) + since
        good = self.regret[of_kind] <= near
        for i in range(len(of_kind) - run + 1):
            if good[i] and good[i : i + run].sum() >= run - 1:
                return int(of_kind[i] - since)
        return None


class RoutingWorld:
    """Peers, what they can do, and what they say.

    Args:
        seed: same seed, same world.
        peers: how many, at least as many as kinds.
        kinds: how many kinds of tasks.

    Raises:
        UsageError: fewer peers than kinds, or no kind.
    """

    def __init__(self, seed: int, *, peers: int = PEERS, kinds: int = KINDS) -> None:
        if not 1 <= kinds <= peers:
            raise UsageError(f"every kind has an expert of its own: {kinds} kinds need as many peers, got {peers}")
        self.rng = np.random.default_rng(seed)
        self.means: Floats = self.rng.uniform(*OTHERS, (peers, kinds))
        self.experts: tuple[int, ...] = tuple(self.rng.permutation(peers)[:kinds].tolist())
        self.means[list(self.experts), range(kinds)] = EXPERT
        self.claims: Floats = np.clip(self.means + self.rng.normal(0, NOISE, self.means.shape), 0, 1)
        self.ids = tuple(local_peer_id(f"{seed}/{i}") for i in range(peers))
        self.number = {peer: i for i, peer in enumerate(self.ids)}
        self.up = np.ones(peers, dtype=bool)
        self.kinds = tuple(f"kind-{k}" for k in range(kinds))

    def cards(self) -> list[Card]:
        """Return everybody's card, with a load and a round trip drawn anew."""
        loads = self.rng.integers(0, 5, len(self.ids)).tolist()
        trips = self.rng.integers(0, 1_000, len(self.ids)).tolist()
        return [
            Card(peer=peer, skills=self._skills(i), load=loads[i], capacity=4, latency_ms=trips[i],
                 available=bool(self.up[i]))
            for i, peer in enumerate(self.ids)
        ]  # fmt: skip

    def run(
        self,
        router: Router,
        tasks: int,
        *,
        requesters: int = 1,
        gossip: int | None = 1,
        lost: float = 0.0,
        delay: int = 0,
        events: Mapping[int, Callable[[RoutingWorld], None]] | None = None,
        lies: Lie | None = None,
        doubt: bool = False,
    ) -> Routed:
        """Route tasks one after the other, requesters in turn, and return what came of it.

        Args:
            router: how each requester ranks.
            tasks: how many.
            requesters: how many peers of their own, beside the workers, ask for work.
            gossip: after how many tasks others hear of an outcome; never when None.
            lost: chance that another requester never hears of it.
            delay: after how many tasks the requester itself learns the reward.
            events: what happens to the world before a task of a number.
            lies: messages that everybody gets after a task.
            doubt: whether every hundred tasks each requester leaves out whom it doubts, and learns anew.
        """
        askers = [local_peer_id(f"asker {i}") for i in range(requesters)]
        standing, known = [Standing(router) for _ in askers], [list[Message[Any]]() for _ in askers]
        doubted = [frozenset[PeerId]() for _ in askers]
        due: dict[int, list[tuple[int, Message[Any]]]] = {}
        regret, kinds, chosen = np.zeros(tasks), np.zeros(tasks, dtype=np.int64), np.zeros(tasks, dtype=np.int64)
        for t in range(tasks):
            if events is not None and t in events:
                events[t](self)
            heard: dict[int, list[Message[Any]]] = {}
            for who, said in due.pop(t, ()):
                heard.setdefault(who, []).append(said)
            for who, news in heard.items():
                known[who] += news
                standing[who].add(counted(news, doubted=doubted[who]))
            if doubt and t and t % 100 == 0:
                for who, asker in enumerate(askers):
                    doubted[who] = doubted_by(asker, known[who])
                    standing[who] = Standing(router, counted(known[who], doubted=doubted[who]))
            me, kind = t % requesters, int(self.rng.integers(len(self.kinds)))
            task = Task(goal=f"task {t}", kind=self.kinds[kind])
            best = standing[me].rank(task, self.cards())[0]
            i = self.number[best.peer]
            mean = self.means[i, kind] if self.up[i] else 0.0
            regret[t], kinds[t], chosen[t] = self.means[self.up, kind].max() - mean, kind, i
            reward = UNIT * int(self.rng.random() < mean)
            body = TaskOutcome(task=task.id, task_kind=task.kind, worker=best.peer, reward_ppm=reward, x=best.x)
            told: list[Message[Any]] = [said_outcome(askers[me], body, t + 1)]
            due.setdefault(t + 1 + delay, []).append((me, told[0]))
            if gossip is not None:
                others = [who for who in range(requesters) if who != me and not (lost and self.rng.random() < lost)]
                due.setdefault(t + delay + max(1, gossip), []).extend((who, told[0]) for who in others)
            if lies is not None:
                due.setdefault(t + 1, []).extend((who, lie) for lie in lies(self, t) for who in range(requesters))
        return Routed(regret, kinds, chosen)

    def _skills(self, i: int) -> dict[str, int]:
        return {kind: round(UNIT * float(self.claims[i, k])) for k, kind in enumerate(self.kinds)}
