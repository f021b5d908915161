"""What plans cost and what their scheduler reaches: the fold, data flow, doubled work, a killed peer, skewed work.

    python benchmarks/plans.py            # 2 minutes
    python benchmarks/plans.py --quick --part skewed

The fold is timed (CPU time) beside rustworkx building and checking the same graph; the rest runs in virtual time and is
exact. Goals and reference figures: Zhang et al. 2025, "UFO³", arXiv:2511.11332, and simulations after it.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
from itertools import pairwise
from random import Random
from time import process_time
from typing import Any

from waggledance.core import Channel, Message, local_peer_id, swarm_id
from waggledance.network import Constant, Crash
from waggledance.tasks import Add, Claim, Claiming, HandOver, Link, Op, Plan, PlanEdit, Planned, Result, Task, Work
from waggledance.testing import simulate

ANNA = local_peer_id("anna")


def edits(n_tasks: int, n_links: int, seed: int) -> tuple[list[Task], list[Message[Any]], Channel]:
    """Return a plan's messages, one operation each, links forward."""
    channel, rng = Channel(swarm_id("bench"), "plan"), Random(seed)
    tasks = [Task(goal=f"task {i}") for i in range(n_tasks)]
    ops: list[Op] = [Add(task) for task in tasks]
    for _ in range(n_links):
        i, j = sorted(rng.sample(range(n_tasks), 2))
        ops.append(Link(tasks[i].id, tasks[j].id))
    return tasks, [channel.publish(ANNA, PlanEdit(ops=(op,)), [], 0) for op in ops], channel


def fold(quick: bool) -> None:
    import rustworkx

    print("fold                      ours ms   rustworkx ms   ratio   one edit more, median and longest µs")
    for n_tasks, n_links in ((100, 300), (1_000, 3_000), (3_000, 9_000)):
        tasks, messages, channel = edits(n_tasks, n_links, 1)
        ours, reference = [], []
        for _ in range(3 if quick else 9):
            began = process_time()
            plan = Plan.fold(messages)
            ours.append(process_time() - began)
            began = process_time()
            graph: Any = rustworkx.PyDAG(check_cycle=True, multigraph=False)
            at: dict[bytes, int] = {}
            for message in messages:
                for op in message.body.ops:
                    if isinstance(op, Add):
                        at[op.task.id] = graph.add_node(op.task)
                    else:
                        graph.add_edge(at[op.before], at[op.after], None)
            reference.append(process_time() - began)
        more = []
        for task in tasks[:200]:
            message = channel.publish(ANNA, PlanEdit(ops=(Claim(task.id, 1_000),)), [], 0)
            began = process_time()
            plan.take([message])
            more.append(process_time() - began)
        a, b = statistics.median(ours) * 1e3, statistics.median(reference) * 1e3
        print(f"{n_tasks:5} tasks {n_links:5} links   {a:8.1f}   {b:12.1f}   {a / b:5.2f}   "
              f"{statistics.median(more) * 1e6:6.1f}  {max(more) * 1e6:6.1f}")  # fmt: skip


class Timed:
    """An executor in virtual time; counts what is begun. One peer may be slow."""

    def __init__(self, seconds: dict[str, float], slow: str = "") -> None:
        self.seconds, self.slow, self.begun = seconds, slow, 0

    async def __call__(self, work: Work) -> Result:
        self.begun += 1
        await asyncio.sleep(self.seconds[work.task.goal] * (5 if work.seat.name == self.slow else 1))
        return Result(work.task.goal)


def dag(rng: Random, n: int = 20, width: float = 1.69) -> tuple[list[Op], dict[str, float]]:
    """Return a random plan of about this mean width, and how long its tasks take."""
    tasks = [Task(goal=f"t{i}-{rng.randrange(1 << 30)}") for i in range(n)]
    layers: list[list[Task]] = []
    rest = tasks[:]
    while rest:
        take = 1 + (rng.random() < width - 1) + (rng.random() < 0.05)
        layers.append(rest[:take])
        rest = rest[take:]
    ops: list[Op] = [Add(task) for task in tasks]
    for above, below in pairwise(layers):
        for task in below:
            ops += [Link(other.id, task.id) for other in rng.sample(above, rng.randint(1, len(above)))]
    return ops, {task.goal: rng.lognormvariate(2.0, 0.5) for task in tasks}


def run(ops: list[Op], seconds: dict[str, float], peers: int, claiming: Claiming, **network: Any) -> tuple[float, int]:
    work = Timed(seconds)
    seen = simulate(
        Planned(ops=tuple(ops), execute=work, claiming=claiming),
        "bench",
        peers=peers,
        limit_s=1e6,
        linger_s=0.0,
        **network,
    )
    assert seen.decision.status == "decided", seen.decision.notes
    return seen.virtual_s, work.begun


def data_flow(quick: bool) -> None:
    rng, shares = Random(3), []
    for seed in range(20 if quick else 120):
        ops, seconds = dag(rng)
        took, _ = run(
            ops, seconds, 5, Claiming(in_flight=1, lease_s=1_000, stagger_s=0.02), seed=seed, delay=Constant(0.02)
        )
        shares.append(1 - took / sum(seconds.values()))
    shares.sort()
    print(f"\ndata flow: {len(shares)} plans of 20 tasks, 5 peers: {statistics.mean(shares):.0%} shorter than one after the other "
          f"(10th to 90th percentile {shares[len(shares) // 10]:.0%} to {shares[-1 - len(shares) // 10]:.0%}; goal ≥ 25 %, source 31 %)")  # fmt: skip


def doubled(quick: bool) -> None:
    n = 100 if quick else 400
    rng = Random(5)
    seconds = {f"t{i}": rng.expovariate(0.1) + 1e-3 for i in range(n)}
    mean = sum(seconds.values()) / n
    ops: list[Op] = [Add(Task(goal=goal)) for goal in seconds]
    print(f"\ndoubled work: 16 peers, {n} tasks, exponential times, first seeds of the network")
    for share, goal in ((0.005, 0.02), (0.05, 0.02), (0.2, 0.06)):
        extra, spans = 0, []
        for seed in range(1 if quick else 3):
            delay = share * mean
            took, begun = run(
                ops,
                seconds,
                16,
                Claiming(in_flight=1, lease_s=80_000, stagger_s=delay),
                seed=seed,
                delay=Constant(delay),
            )
            extra += begun - n
            spans.append(took / (sum(seconds.values()) / 16))
        print(f"  gossip {share:5.1%} of a task: begun twice {extra / n / len(spans):5.2%} (goal ≤ {goal:.0%}), "
              f"time ÷ (work ÷ 16) {statistics.mean(spans):.2f}")  # fmt: skip


def killed(quick: bool) -> None:
    seconds = {f"t{i}": 10.0 for i in range(50)}
    ops: list[Op] = [Add(Task(goal=goal)) for goal in seconds]
    claiming = Claiming(in_flight=2, lease_s=30.0, stagger_s=0.1)
    whole, _ = run(ops, seconds, 5, claiming, seed=1, delay=Constant(0.05))
    took, begun = run(ops, seconds, 5, claiming, seed=1, delay=Constant(0.05), faults=[Crash("p1", at_s=25.0)])
    print(
        f"\none of five peers killed: {took:.0f} s instead of {whole:.0f} s, {begun - 50} of 50 tasks begun twice, lease 30 s"
    )


def skewed(quick: bool) -> None:
    print("\nskewed work: 8 peers, 96 tasks, one at a time each, half a second to tell; means ± 95 %")
    print("| claims | of ten tasks one takes 20 s, the others 1 s | begun twice | handed over | 2 s each, one peer five times as slow | begun twice | handed over |")  # fmt: skip
    print("|---" * 7 + "|")
    arms: dict[str, dict[str, Any]] = {
        "asks for each task": {},
        "claims 3 ahead, and keeps them": {"ahead": 3, "rebalancer": None},
        "claims 3 ahead, and hands over": {"ahead": 3},
    }
    for name, more in arms.items():
        claiming = Claiming(in_flight=1, lease_s=1_000, stagger_s=0.5, **more)
        cells: list[str] = []
        for slow in ("", "p3"):
            rows: list[tuple[float, int, int]] = []
            for seed in range(3 if quick else 12):
                rng = Random(seed)
                times = {f"t{i}-{seed}": 2.0 if slow else 20.0 if rng.random() < 0.1 else 1.0 for i in range(96)}
                work = Timed(times, slow)
                planned = Planned(ops=tuple(Add(Task(goal=g)) for g in times), execute=work, claiming=claiming)
                seen = simulate(planned, "b", peers=8, limit_s=1e6, linger_s=0.0, seed=seed, delay=Constant(0.5))
                edits = [op for m in seen.log if isinstance(m.body, PlanEdit) for op in m.body.ops]
                rows.append((seen.virtual_s, work.begun - 96, sum(isinstance(op, HandOver) for op in edits)))
            took, twice, handed = ([row[n] for row in rows] for n in range(3))
            half = 1.96 * statistics.stdev(took) / len(took) ** 0.5
            cells += [f"{statistics.mean(took):.1f} ± {half:.1f} s", f"{statistics.mean(twice):.1f}", f"{statistics.mean(handed):.1f}"]  # fmt: skip
        print(f"| {name} | {' | '.join(cells)} |", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--part", default="", help="fold, data_flow, doubled, killed or skewed alone")
    quick = parser.parse_args().quick
    for part in (fold, data_flow, doubled, killed, skewed):
        if parser.parse_args().part in ("", part.__name__):
            part(quick)


if __name__ == "__main__":
    main()
