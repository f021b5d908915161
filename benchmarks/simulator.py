"""What a delivered message costs in the simulator, beside a bare event loop over a heap in the same run.

    python benchmarks/simulator.py            # the figures of docs/benchmarks.md
    python benchmarks/simulator.py --small    # seconds, for a look

A delivery is one message arriving at one peer: off the heap, through that peer's door (author, parents, number, clock,
fork), into its copy, and waking who waits. Signing and verifying are in it, once for each distinct message. The bare
loop does nothing but: push an arrival with a random delay on a heap, pop it, and append it to the receiver's list.
"""

from __future__ import annotations

import argparse
import gc
import platform
import resource
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from heapq import heappop, heappush
from random import Random
from statistics import median

from waggledance import FunctionPeer, Swarm
from waggledance.consensus import majority
from waggledance.core import Decision, Proposal, Seat, after, everyone
from waggledance.network import Constant, Exponential, Simulated, SimulatedGathering
from waggledance.topology import KRegular

SEED = 7


class Watched(Simulated):
    """A simulated network that keeps its gathering, so that deliveries can be counted."""

    kept: list[SimulatedGathering] = []  # noqa: RUF012 — one network a measurement

    def gather(self, *given: object) -> SimulatedGathering:
        gathering = super().gather(*given)  # type: ignore[arg-type]
        self.kept.append(gathering)
        return gathering


@dataclass(frozen=True)
class Neighbours:
    """Propose, then revise after hearing one's neighbours, and decide on what they said last."""

    links: KRegular
    rounds: int = 3

    async def __call__(self, seat: Seat) -> Decision:
        near = self.links.speakers(seat.me, 0, seat.roster, (), SEED)
        in_time = everyone | after(60)
        mine = await seat.publish(await seat.propose())
        said = await seat.collect(Proposal, 0, until=in_time, of=near)
        for round in range(1, self.rounds):
            mine = await seat.publish(await seat.revise(mine, said))
            said = await seat.collect(Proposal, round, until=in_time, of=near)
        return majority(said, (), seat.weights)


@dataclass(frozen=True)
class Rounds:
    """Everybody says something in every round and waits for everybody: a storm of messages and little else."""

    rounds: int

    async def __call__(self, seat: Seat) -> Decision:
        in_time = everyone | after(60)
        for round in range(self.rounds):
            await seat.publish(Proposal(round=round, key="4"))
            said = await seat.collect(Proposal, round, until=in_time)
        return majority(said, (), seat.weights)


def run(n: int, protocol: Callable[[Seat], Awaitable[Decision]], **options: object) -> tuple[float, int]:
    """Return CPU seconds and deliveries of one question."""
    peers = [FunctionPeer(f"p{i}", lambda question: "4") for i in range(n)]
    network = Watched(seed=SEED, **options)  # type: ignore[arg-type]
    network.kept.clear()
    swarm = Swarm(peers, network=network, protocol=protocol, seed=SEED)  # type: ignore[arg-type]
    gc.collect()
    started = time.process_time()
    swarm.ask_sync("2 + 2?")
    took = time.process_time() - started
    (gathering,) = network.kept
    return took, gathering.delivered


def bare(n: int, rounds: int) -> float:
    """Return CPU seconds for a delivery on a bare heap: n peers, everybody to everybody, so many rounds."""
    rng = Random(SEED)
    heard: list[list[tuple[int, int]]] = [[] for _ in range(n)]
    heap: list[tuple[float, int, int, tuple[int, int]]] = []
    count = 0
    gc.collect()
    started = time.process_time()
    for round in range(rounds):
        for sender in range(n):
            message = (round, sender)
            for receiver in range(n):
                if receiver != sender:
                    count += 1
                    heappush(heap, (round + rng.expovariate(20), count, receiver, message))
        while heap:
            _, _, receiver, message = heappop(heap)
            heard[receiver].append(message)
    return (time.process_time() - started) / count


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--small", action="store_true", help="a tenth of the work")
    small = parser.parse_args().small
    n, rounds, repeats = (40, 5, 1) if small else (100, 10, 3)
    print(f"{platform.python_implementation()} {platform.python_version()}, {platform.machine()}, seed {SEED}\n")
    floor = median(bare(n, rounds) for _ in range(repeats))
    print(f"bare heap                      {1 / floor:>9,.0f} deliveries/s  {floor * 1e6:5.2f} µs  1.0×")
    for label, options in {
        "constant delay": {"delay": Constant(0.05)},
        "exponential delay": {"delay": Exponential(0.05)},
        "exponential, 10 % loss": {"delay": Exponential(0.05), "loss": 0.1},
    }.items():
        each: list[float] = []
        for _ in range(repeats):
            took, delivered = run(n, Rounds(rounds), **options)
            each.append(took / delivered)
        cost = median(each)
        print(f"{label:<30} {1 / cost:>9,.0f} deliveries/s  {cost * 1e6:5.2f} µs  {cost / floor:.1f}×")
    n = 200 if small else 1_000
    links = KRegular(8)
    print(f"\n{n:,} peers, 3 rounds, linked 8-regular; each copy also fetches what the messages it hears build on")
    for label, delay in {"constant delay": Constant(0.05), "exponential, with repair": Exponential(0.05)}.items():
        took, delivered = run(n, Neighbours(links), links=links, delay=delay)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        cost = took / delivered
        print(
            f"{label:<30} {1 / cost:>9,.0f} deliveries/s  {took:.1f} s, {delivered:,} deliveries, {peak:,.0f} MB peak"
        )


if __name__ == "__main__":
    main()
