"""How many schedules of whole swarms are played a second, how many decisions certified a minute, how soon a bug found.

    python benchmarks/schedules.py            # the figures of docs/benchmarks.md, some minutes
    python benchmarks/schedules.py --small    # seconds, for a look
    python benchmarks/schedules.py --processes 2

Everything runs in virtual time on one core, unless more processes are given; CPU time stands beside wall time, because
the machine may have other work. Members are the nodes that run on a real network; only links, time and disks are made up.
"""

from __future__ import annotations

import argparse
import logging
import time
from concurrent.futures import ProcessPoolExecutor
from statistics import median
from unittest.mock import patch

from waggledance.lab import wilson
from waggledance.mesh import _agreement
from waggledance.protocols import Vote
from waggledance.testing import (
    CarriesTheHighestAck,
    ForgetsItsLock,
    OnePhaseAcrossEpochs,
    SimulatedMesh,
    on_virtual_time,
)
from waggledance.testing._mesh_schedules import MeshSearch, search_mesh_schedules

BUGS = (OnePhaseAcrossEpochs, CarriesTheHighestAck, ForgetsItsLock)


SWARM_QUESTIONS = 20
"""Then a new swarm: what is asked costs more in one that has been asked hundreds of questions."""


async def decide(members: int, questions: int, signatures: str, seed: int = 0) -> int:
    """Certify so many decisions, one after the other; return how many had a certificate."""
    async with SimulatedMesh(members, seed=seed, signatures=signatures) as mesh:  # type: ignore[arg-type]
        decisions = [await mesh.ask("2 + 2?", certify=True, protocol=Vote(patience_s=5)) for _ in range(questions)]
        return sum(bool(decision.certificate) for decision in decisions)


def decisions(swarms: int, long: int) -> None:
    print(
        "| members | signatures | questions a swarm | certified | ms CPU each | ms wall each | a minute of one core | goal |"
    )
    print("|---|---|---|---|---|---|---|---|")
    rows = [(n, signatures, swarms, SWARM_QUESTIONS) for n in (4, 7) for signatures in ("real", "simulated")]
    for members, signatures, count, each in (*rows, (7, "real", 1, long)):
        on_virtual_time(decide(members, 2, signatures))
        cpu, wall = time.process_time(), time.perf_counter()
        certified = sum(on_virtual_time(decide(members, each, signatures, seed)) for seed in range(count))
        cpu, wall, asked = time.process_time() - cpu, time.perf_counter() - wall, count * each
        rate = 60 * certified / cpu
        goal = f"2,000: {'met' if rate >= 2_000 else '**missed**'}" if members == 7 else ""
        print(f"| {members} | {signatures} | {each} | {certified} of {asked} | {1e3 * cpu / asked:.1f} | "
              f"{1e3 * wall / asked:.1f} | {rate:,.0f} | {goal} |", flush=True)  # fmt: skip


def played(seed: int, schedules: int) -> tuple[MeshSearch, float]:
    """Play so many schedules in this process; return what was found, and the CPU seconds."""
    logging.disable(logging.CRITICAL)
    cpu = time.process_time()
    return search_mesh_schedules(schedules, seed=seed), time.process_time() - cpu


def schedules(count: int, processes: int) -> None:
    seeds = [i * (count // processes) for i in range(processes)]
    wall = time.perf_counter()
    if processes == 1:
        results = [played(0, count)]
    else:
        with ProcessPoolExecutor(processes) as pool:
            results = list(pool.map(played, seeds, [count // processes] * processes))
    wall = time.perf_counter() - wall
    done, cpu = sum(found.schedules for found, _ in results), sum(cpu for _, cpu in results)
    asked, certified = sum(f.asked for f, _ in results), sum(f.certified for f, _ in results)
    broken = [each for found, _ in results for each in found.broken]
    low, high = wilson(len(broken), done)
    print(f"| {done:,} | {done / cpu:.1f} | {done / wall:.1f} ({processes} processes) | {asked:,} | "
          f"{100 * certified / asked:.1f} % | {len(broken)} ({100 * low:.2f} to {100 * high:.2f} %) |")  # fmt: skip
    for schedule, laws in broken:
        print(laws, schedule, sep="\n")


def bugs(repeats: int, most: int) -> None:
    print("\n| planted | found | after schedules, median (worst) | CPU s, median (worst) |\n|---|---|---|---|")
    for bug in BUGS:
        after, took = list[int](), list[float]()
        with patch.object(_agreement, "Certifier", bug):
            for repeat in range(repeats):
                cpu = time.process_time()
                found = search_mesh_schedules(most, seed=repeat * 10_000, first_only=True)
                if any(law.startswith("one certificate") for _, laws in found.broken for law in laws):
                    after.append(found.schedules)
                    took.append(time.process_time() - cpu)
        seen = f"{median(after):.0f} ({max(after)}) | {median(took):.1f} ({max(took):.1f})" if after else "– | –"
        print(f"| {bug.__name__} | {len(after)} of {repeats}, within {most} | {seen} |", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--small", action="store_true")
    parser.add_argument("--processes", type=int, default=1)
    given = parser.parse_args()
    logging.disable(logging.CRITICAL)
    decisions(1 if given.small else 4, 20 if given.small else 200)
    print("\n| schedules | a second of CPU | a second of wall | questions | certified | broke a law (95 %) |")
    print("|---|---|---|---|---|---|")
    schedules(50 if given.small else 500, given.processes)
    bugs(1 if given.small else 3, 100 if given.small else 250)


if __name__ == "__main__":
    main()
