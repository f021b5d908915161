"""How soon all peers hold one message, what it costs on the wire, and how soon halves are equal after a cut.

    python benchmarks/anti_entropy.py            # the figures of docs/benchmarks.md, some minutes
    python benchmarks/anti_entropy.py --small    # half a minute, for a look

Real nodes in virtual time (links of 5 ms, simulated signatures), and the lobby, which all of them hold. A round is the
half second between two greetings of a node. "Push to 3" is the network specification's; the nodes as they are push to
everybody up to 64 holders, and to 3 beyond.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
from math import ceil
from random import Random
from statistics import median
from unittest.mock import patch

from waggledance.core import Note, PeerFault, PeerId
from waggledance.mesh import _node
from waggledance.mesh._pulse import REPAIR_SECONDS
from waggledance.mesh._wire import Push, open_datagram
from waggledance.network import Constant, Give, Partition
from waggledance.testing import SimulatedMesh, on_virtual_time

TABLE = {
    (8, 0.0): (3, 5), (8, 0.1): (4, 6), (8, 0.3): (6, 11), (8, 0.5): (13, 20),
    (32, 0.0): (5, 6), (32, 0.1): (6, 10), (32, 0.3): (10, 17), (32, 0.5): (20, 33),
    (128, 0.0): (7, 8), (128, 0.1): (9, 10), (128, 0.3): (14, 18), (128, 0.5): (28, 44),
}  # fmt: skip
"""Rounds, median and largest, as the network specification (§2) has them."""
WITHIN = 1.2
GIVE_UP_SECONDS = 60.0


def swarm(n: int, loss: float, seed: int = 0, cut: Partition | None = None) -> SimulatedMesh:
    """Return n nodes, the asker among them."""
    faults = () if cut is None else (cut,)
    return SimulatedMesh(n - 1, seed=seed, delay=Constant(0.005), loss=loss, signatures="simulated", faults=faults)


def say(mesh: SimulatedMesh, name: str, text: str) -> bytes:
    """Let a node write into the lobby; return the message's id."""
    node = mesh.nodes[name]
    return node.lobby.copy.publish(node.me, Note(about="news", text=text), [], node.clock.wall_ms()).id


async def rounds(n: int, loss: float, messages: int) -> list[int]:
    """Return, for each of so many messages one after the other, the rounds until all hold it."""
    rng, taken = Random(n), list[int]()
    async with swarm(n, loss) as mesh:
        for i in range(messages):
            id = say(mesh, rng.choice(sorted(mesh.nodes)), f"{i}")
            began = mesh.clock.now()
            while any(id not in node.lobby.copy for node in mesh.nodes.values()):
                await asyncio.sleep(REPAIR_SECONDS / 10)
                if mesh.clock.now() > began + GIVE_UP_SECONDS:
                    break
            taken.append(ceil((mesh.clock.now() - began) / REPAIR_SECONDS - 1e-9))
    return taken


async def copies(n: int, loss: float, each: int) -> float:
    """Let everybody write so many messages; return how often each needed copy was sent."""
    sent = 0
    async with swarm(n, loss) as mesh:
        carry = mesh.hub.carry

        def counting(sender: PeerId, to: PeerId, datagram: bytes) -> None:
            nonlocal sent
            try:
                _, payload = open_datagram(to, mesh.genesis.swarm, datagram, lambda _: True, lambda *_: True)
            except PeerFault:
                payload = None
            if isinstance(payload, Push | Give):
                sent += len(payload.frames)
            carry(sender, to, datagram)

        with patch.object(mesh.hub, "carry", counting):
            for i in range(each):
                for name in mesh.nodes:
                    say(mesh, name, f"{i} {name}")
                await asyncio.sleep(0.1)
            await mesh.settle("lobby")
    return sent / (each * n * (n - 1))


async def heal(n: int, loss: float, seed: int) -> float:
    """Cut a swarm into halves for 20 s while all write, once a second; return the seconds to equal digests after it."""
    names = [f"p{i}" for i in range(n // 2)]
    async with swarm(n, loss, seed, Partition(tuple(names), 2.0, 22.0)) as mesh:
        while mesh.clock.now() < 22.0:
            for name in mesh.nodes:
                say(mesh, name, f"{mesh.clock.now():.0f} {name}")
            await asyncio.sleep(1.0)
        left = mesh.clock.now() - 22.0
        return left + await mesh.settle("lobby")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--small", action="store_true")
    small = parser.parse_args().small
    logging.disable(logging.CRITICAL)
    print(
        "| nodes | loss | push to 3: median/largest | specification | ≤ 1.2× (median) | as it is |\n|---|---|---|---|---|---|"
    )
    for (n, loss), (table, largest) in TABLE.items():
        if small and n > 8:
            continue
        messages = 5 if n == 128 else 20
        with patch.object(_node, "PUSH_TO_ALL", 0):
            taken = on_virtual_time(rounds(n, loss, messages))
        as_is = on_virtual_time(rounds(n, loss, messages)) if n <= _node.PUSH_TO_ALL else taken
        met = "met" if median(taken) <= WITHIN * table else "**missed**"
        print(f"| {n} | {loss} | {median(taken):.0f}/{max(taken)} | {table}/{largest} | {met} | "
              f"{median(as_is):.0f}/{max(as_is)} |", flush=True)  # fmt: skip
    print("\n| nodes | loss | times each needed copy was sent (goal ≤ 1.4) |\n|---|---|---|")
    for n in (8,) if small else (8, 32):
        for loss in (0.0, 0.1, 0.3):
            times = on_virtual_time(copies(n, loss, 10))
            print(f"| {n} | {loss} | {times:.2f} {'met' if times <= 1.4 else '**missed**'} |", flush=True)
    print("\n| nodes | loss | s to equal digests after a cut of 20 s, median/largest (goal ≤ 10) |\n|---|---|---|")
    for n in (8,) if small else (8, 32):
        for loss in (0.0, 0.1, 0.3):
            took = [on_virtual_time(heal(n, loss, seed)) for seed in range(2 if small else 5)]
            met = "met" if max(took) <= 10 else "**missed**"
            print(f"| {n} | {loss} | {median(took):.1f}/{max(took):.1f} {met} |", flush=True)


if __name__ == "__main__":
    main()
