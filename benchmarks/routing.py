"""Routers in worlds whose truth is known: regret, faults, gossip, lies, specialists, stale load, rebalancing, speed.

    python benchmarks/routing.py [--small] [--part regret|lies|specialists|queues|services|speed]

Every world is seeded and exact, and runs the real routers. Half-widths are of 95 % intervals over seeds.
"""

from __future__ import annotations

import argparse
import timeit
from collections.abc import Callable, Sequence
from math import sqrt
from typing import ClassVar

import numpy as np

from waggledance.core import UNIT, Message, local_peer_id
from waggledance.tasks import (
    Card,
    EdgeWeights,
    LinUCB,
    Router,
    Scored,
    Softmax,
    Standing,
    StaticSkills,
    Task,
    TaskOutcome,
    TwoChoices,
    TypeUCB,
)
from waggledance.tasks._edge_weights import _run
from waggledance.tasks._rebalancer import Rebalancer
from waggledance.tasks._router import in_order
from waggledance.testing._queue_world import QueueWorld
from waggledance.testing._routing_world import Lie, Routed, RoutingWorld, said_outcome
from waggledance.testing._services_world import ServicesWorld
from waggledance.testing._specialists_world import SpecialistsWorld


class ByLoad(Router):
    """Random order, or the least loaded first; ties by lot, or, as in much code, to whoever stands first in the list."""

    name: ClassVar[str] = "by-load"

    def __init__(self, *, looks: bool, first_of_list: bool = False) -> None:
        self.looks, self.first_of_list = looks, first_of_list

    def start(self) -> ByLoad:
        return self

    def copy(self) -> ByLoad:
        return self

    def learn(self, said: Message[TaskOutcome]) -> None:
        pass

    def order(self, task: Task, cards: Sequence[Card]) -> tuple[Scored, ...]:
        if self.first_of_list:
            return tuple(Scored(c.peer, -c.load) for c in sorted(cards, key=lambda c: c.load))
        return in_order(task, cards, [-card.load * self.looks for card in cards])


def seen(values: Sequence[float], digits: int = 1) -> str:
    half = 1.96 * float(np.std(values, ddof=1)) / sqrt(len(values)) if len(values) > 1 else 0.0
    return f"{np.mean(values):.{digits}f} ± {half:.{digits}f}"


def row(*cells: object) -> None:
    print("| " + " | ".join(str(cell) for cell in cells) + " |", flush=True)


def degrade(world: RoutingWorld) -> None:
    world.means[world.experts[0], 0] = 0.2


def kill(world: RoutingWorld) -> None:
    world.means[world.experts[0], :] = 0


def announce(world: RoutingWorld) -> None:
    world.up[world.experts[0]] = False


def regret(seeds: int) -> None:
    row("router", "regret at 1000", "at 4000", "last 1000 ÷ first", "silent kill", "silent degrade", "announced death")
    row(*["---"] * 7)
    for name, router in {
        "random": ByLoad(looks=False), "static": StaticSkills(), "lin-ucb": LinUCB(),
        "type-ucb, no forgetting": TypeUCB(keep_ppm=UNIT), "type-ucb": TypeUCB(), "edge-weights": EdgeWeights(),
    }.items():  # fmt: skip
        runs = [RoutingWorld(s).run(router, 4_000) for s in range(seeds)]
        ratio = sum(r.regret[-1000:].sum() for r in runs) / sum(r.regret[:1000].sum() for r in runs)
        faults = [
            [RoutingWorld(s).run(router, 4_000, events={2_000: event}) for s in range(seeds)]
            for event in (kill, degrade)
        ]
        announced = 0
        for s in range(min(10, seeds)):
            world = RoutingWorld(s)
            announced += int(
                (world.run(router, 2_000, events={1_000: announce}).chosen[1_000:] == world.experts[0]).sum()
            )
        row(
            name,
            seen([r.total(1_000) for r in runs]),
            seen([r.total() for r in runs]),
            f"{ratio:.2f}",
            *map(recovery, faults),
            announced,
        )
    print()
    row("type-ucb: 8 requesters, 500 tasks each", "regret a task")
    row("---", "---")
    for what, gossip, lost in (
        ("own outcomes only", None, 0.0),
        ("told after 1 task", 1, 0.0),
        ("10 tasks", 10, 0.0),
        ("10 tasks, 30 % lost", 10, 0.3),
        ("50 tasks", 50, 0.0),
    ):
        row(
            what,
            seen(
                [
                    RoutingWorld(s).run(TypeUCB(), 4_000, requesters=8, gossip=gossip, lost=lost).total() / 4_000
                    for s in range(seeds // 2)
                ],
                4,
            ),
        )
    for delay in (20, 100):
        row(
            f"one requester, reward {delay} tasks late",
            seen([RoutingWorld(s).run(TypeUCB(), 4_000, delay=delay).total() / 4_000 for s in range(seeds // 2)], 4),
        )


def recovery(runs: Sequence[Routed]) -> str:
    taken = [run.recovered(0, 2_000) for run in runs]
    never = sum(n is None for n in taken)
    return f"{np.median([np.inf if n is None else n for n in taken]):.0f}" + (
        f" ({never} of {len(runs)} never)" if never else ""
    )


def clique(members: int, each: int = 1) -> Lie:
    """Return a lie: so many of the worst peers praise each other at every kind, so often a task."""

    def praise(world: RoutingWorld, t: int) -> list[Message[TaskOutcome]]:
        worst = [world.ids[i] for i in np.argsort(world.means.mean(axis=1))[:members]]
        return [
            said_outcome(worst[(t + n) % members], TaskOutcome(
                task=Task(goal=f"lie {t}/{n}").id, task_kind=world.kinds[(t + n) % len(world.kinds)],
                worker=worst[(t + n + 1) % members], reward_ppm=UNIT), t + 1)
            for n in range(each)
        ]  # fmt: skip

    return praise


def lies(seeds: int) -> None:
    row("regret of the last 1000 of 4000 tasks", "static", "type-ucb", "lin-ucb", "edge-weights")
    row(*["---"] * 5)
    routers: list[Router] = [StaticSkills(), TypeUCB(), LinUCB(), EdgeWeights()]
    overstated = [[_overstated(s).run(r, 4_000).regret[-1000:].sum() for s in range(seeds)] for r in routers]
    row("honest", *(seen([RoutingWorld(s).run(r, 4_000).regret[-1000:].sum() for s in range(seeds)]) for r in routers))
    row("three of eight claim 1.0 at everything", *map(seen, overstated))
    for each in (1, 3):
        told = [
            [RoutingWorld(s).run(r, 4_000, lies=clique(3, each)).regret[-1000:].sum() for s in range(seeds)]
            for r in routers
        ]
        row(f"three praise each other, {each} lie(s) a task, believed", *map(seen, told))
    doubting = [
        [RoutingWorld(s).run(r, 4_000, lies=clique(3, 3), doubt=True).regret[-1000:].sum() for s in range(seeds)]
        for r in routers
    ]
    row("the same, doubted (`doubted_by`, each 100 tasks)", *map(seen, doubting))


def _overstated(seed: int) -> RoutingWorld:
    world = RoutingWorld(seed)
    world.claims[[i for i in range(8) if i not in world.experts]] = 1.0
    return world


def specialists(seeds: int) -> None:
    row("router", "last 200 tasks", "200 before the crash", "100 after", "tasks 200 to 400 after")
    row(*["---"] * 5)
    for name, router in {
        "random": None,
        "edge-weights": EdgeWeights(),
        "edge-weights, no probes": EdgeWeights(probe_ppm=0),
        "type-ucb": TypeUCB(),
    }.items():
        s = np.array([SpecialistsWorld(seed).run(router).success for seed in range(seeds)])
        h = s.shape[1] // 2
        row(
            name,
            *(
                seen(s[:, part].mean(axis=1).tolist(), 3)
                for part in (slice(-200, None), slice(h - 200, h), slice(h, h + 100), slice(h + 200, h + 400))
            ),
        )
    print()
    row("chance of success", ".1", ".3", ".5", ".7", ".9")
    row(*["---"] * 6)
    rng = np.random.default_rng(0)
    row(
        "edge put on probation in 400 uses",
        *(f"{np.mean([_put_down(rng.random(400) < p) for _ in range(2_000)]):.2f}" for p in (0.1, 0.3, 0.5, 0.7, 0.9)),
    )


def _put_down(successes: np.ndarray) -> bool:
    weight = UNIT
    for success in successes.tolist():
        weight = _run(weight, UNIT * success, 900_000)
        if weight <= 300_000:
            return True
    return False


def queues(seeds: int) -> None:
    row("mean response, load at most so old", "0", "2", "8")
    row(*["---"] * 4)
    for name, router in {
        "random": ByLoad(looks=False), "least loaded, ties to the first": ByLoad(looks=True, first_of_list=True),
        "least loaded, ties by lot": ByLoad(looks=True), "two choices": TwoChoices(), "softmax": Softmax(),
        "softmax, not learning": Softmax(step_ppm=0), "softmax with ants": Softmax(ants=True),
    }.items():  # fmt: skip
        row(
            name,
            *(
                seen([float(QueueWorld(s, age=age).run(router, 3_000).mean()) for s in range(seeds)], 2)
                for age in (0, 2, 8)
            ),
        )


def services(seeds: int, steps: int) -> None:
    row("rebalancer", "overloaded peer-time", "moves per service and 1000 steps", "back within 20 steps")
    row(*["---"] * 4)
    for name, rebalancer in {
        "none": None, "d = 1": Rebalancer(candidates=1), "d = 4": Rebalancer(), "everybody asked": Rebalancer(candidates=10**6),
        "d = 4, no least gain, no aim": Rebalancer(min_gain_ppm=0, aim_ppm=0),
    }.items():  # fmt: skip
        runs = [ServicesWorld(s).run(rebalancer, steps) for s in range(seeds)]
        row(
            name,
            seen([100 * r.overload for r in runs], 2) + " %",
            seen([r.moves / 2_000 / steps * 1_000 for r in runs], 2),
            sum(r.returns for r in runs),
        )


def speed() -> None:
    peers = [local_peer_id(f"p{i}") for i in range(1_000)]
    cards = [
        Card(peer=peer, skills={"code": 1_000 * (i % 900)}, load=i % 5, capacity=4, latency_ms=i)
        for i, peer in enumerate(peers)
    ]
    plain = [Card(peer=peer) for peer in peers]
    said = [
        said_outcome(
            local_peer_id("asker"),
            TaskOutcome(
                task=Task(goal=f"t{i}").id,
                task_kind="code",
                worker=peers[7 * i % 1_000],
                reward_ppm=UNIT * (i % 3 > 0),
                x=(UNIT, 500_000, 0, 0, 500_000, UNIT),
            ),
            i + 1,
        )
        for i in range(5_000)
    ]
    tasks = [Task(goal=f"task {i}", kind="code") for i in range(50)]
    row(
        "ms to rank 1,000 peers (best of 5 × 50)",
        "5,000 outcomes known",
        "all alike, nothing known",
        "µs to learn an outcome",
    )
    row(*["---"] * 4)
    for router in (StaticSkills(), TypeUCB(), LinUCB(), EdgeWeights(), TwoChoices(), Softmax()):
        standing, fresh = Standing(router, said), Standing(router)
        took = [
            min(timeit.repeat(lambda s=s, c=c: [s.rank(t, c) for t in tasks], number=1, repeat=5)) / 50 * 1e3
            for s, c in ((standing, cards), (fresh, plain))
        ]
        learn = min(timeit.repeat(lambda r=router: Standing(r, said), number=1, repeat=2)) / len(said) * 1e6
        row(router.name, *(f"{ms:.2f}" for ms in took), f"{learn:.1f}")


def main() -> None:
    read = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    read.add_argument("--small", action="store_true", help="few seeds")
    read.add_argument("--part", default="", help="one table only")
    given = read.parse_args()
    few = given.small
    parts: dict[str, Callable[[], None]] = {
        "regret": lambda: regret(4 if few else 8),
        "lies": lambda: lies(3 if few else 4),
        "specialists": lambda: specialists(5 if few else 20),
        "queues": lambda: queues(2 if few else 6),
        "services": lambda: services(2 if few else 3, 200 if few else 500),
        "speed": speed,
    }
    for name, part in parts.items():
        if given.part in ("", name):
            print(f"\n### {name}\n")
            part()


if __name__ == "__main__":
    main()
