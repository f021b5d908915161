"""Planning again: when to talk (transport world), how far out to ask for help (disruption world).

    python benchmarks/replanning.py [--small]

Both worlds are seeded and exact. Half-widths are of 95 % intervals over seeds.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from math import sqrt
from statistics import mean, stdev

from waggledance.tasks import Gate
from waggledance.testing import DisruptionWorld, TransportWorld
from waggledance.testing._transport_world import Trip, Way

WAYS: tuple[Way, ...] = ("greedy", "once", "triggers", "always")


def interval(values: Sequence[float]) -> str:
    return f"{mean(values):.1f} ± {1.96 * stdev(values) / sqrt(len(values)):.1f}"


def transport(seeds: int) -> None:
    print("| sees | agents | greedy | plan once | triggers | always | ÷ greedy | ÷ once | talks | held | looked |")
    print("|---|---|---|---|---|---|---|---|---|---|---|")
    for sight in (0, 1, 2):
        for agents in (2, 3, 4):
            ran = {w: [TransportWorld(1_000 + seed, agents, sight).run(w) for seed in range(seeds)] for w in WAYS}
            steps = {w: [float(trip.steps) for trip in trips] for w, trips in ran.items()}
            shown = " | ".join(interval(steps[w]) for w in WAYS)
            by = " | ".join(f"{mean(steps['triggers']) / mean(steps[w]):.2f}" for w in ("greedy", "once"))
            talks = max(trip.talks for trip in ran["triggers"])
            print(f"| {sight} | {agents} | {shown} | {by} | {talks} | {_shares(ran['greedy'], ran['triggers'])} |")


def _shares(greedy: Sequence[Trip], triggers: Sequence[Trip]) -> str:
    """Return shares of moves, in percent: towards what another holds, and to where another has looked."""
    held = [100 * mean(trip.redundant for trip in trips) for trips in (greedy, triggers)]
    looked = [100 * mean(trip.repeated for trip in trips) for trips in (greedy, triggers)]
    return f"{held[0]:.1f} → {held[1]:.1f} | {looked[0]:.0f} → {looked[1]:.0f}"


def disruptions(runs: int) -> None:
    print("\n| rule | solved | messages | latency | distance a unit | most messages |\n|---|---|---|---|---|---|")
    arms: list[tuple[str, Gate, int | None]] = [
        ("broadcast", Gate(), 28),
        ("fixed radius 2", Gate(), 2),
        ("fixed radius 4", Gate(), 4),
        ("doubling scope", Gate(growth=2), None),
        ("scope + 1", Gate(growth=1), None),
        ("doubling, limit 120 messages", Gate(growth=2, messages=120), None),
    ]
    for name, gate, at_once in arms:
        _row(name, DisruptionWorld(1), gate, runs, at_once)
    _row("doubling, 20 % lost, one neighbour dead", DisruptionWorld(1, loss=0.2, dead=1), Gate(), runs, None)


def _row(name: str, world: DisruptionWorld, gate: Gate, runs: int, at_once: int | None) -> None:
    saw = world.run(gate, runs, at_once=at_once)
    half = 1.96 * sqrt(saw.solved * (1 - saw.solved) / runs)
    print(
        f"| {name} | {saw.solved:.3f} ± {half:.3f} | {saw.messages:.0f} | {saw.latency:.0f} | {saw.distance:.1f} | "
        f"{saw.most_messages} |"
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--small", action="store_true", help="few seeds")
    small: bool = parser.parse_args().small
    transport(20 if small else 150)
    disruptions(100 if small else 2_000)
