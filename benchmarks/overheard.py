"""How soon an asker hears what members elsewhere say: three members and an asker over zenoh, on one machine.

    python benchmarks/overheard.py [--questions 20]

Each has a session and a node of its own; all are in one process, so that they share a clock. Members say a word with the
time in it every 20 ms. Words are gathered for 50 ms, after the first of a run; see `Telling`.
"""

from __future__ import annotations

import argparse
import asyncio
import secrets
import time
from collections.abc import Callable
from statistics import median

from waggledance import Agent, Swarm
from waggledance.core import UNIT, Decision, Key, Member, Words
from waggledance.mesh import Genesis, Mesh, Node, Sitting, ZenohTransport
from waggledance.models import Completion, Request, Scripted
from waggledance.protocols import Vote

NAMES = ("p0", "p1", "p2", "asker")
WORDS = 10


class Stamping(Scripted):
    """Says words that are the time, and then an answer."""

    async def stream(self, request: Request, hear: Callable[[str], None]) -> Completion:
        for _ in range(WORDS):
            hear(f"{time.perf_counter_ns()} ")
            await asyncio.sleep(0.02)
        return await self.complete(request)


async def nodes(keys: dict[str, Key]) -> dict[str, Node]:
    """Return started nodes, each on a session of its own."""
    genesis = Genesis(
        name="bench",
        members=tuple(Member(key.peer, name, 0 if name == "asker" else UNIT) for name, key in keys.items()),
    )
    made: dict[str, Node] = {}
    known: list[str] = []
    for name, key in keys.items():
        transport = await ZenohTransport.open(key.peer, genesis.swarm, connect=known)
        known += transport.listening
        made[name] = Node(key, genesis, transport)
    await asyncio.gather(*(node.start() for node in made.values()))
    return made


async def main(questions: int) -> None:
    made = await nodes({name: Key(secrets.token_bytes(32)) for name in NAMES})
    members = [Sitting(made[name], Agent(name, Stamping("Answer: 4"))) for name in NAMES[:-1]]
    firsts, all_ms, lost = list[float](), list[float](), 0
    for number in range(questions):
        mesh = Mesh(made["asker"])
        swarm, heard = Swarm(mesh.peers(), network=mesh, protocol=Vote(patience_s=20)), list[float]()
        async for event in swarm.watch(f"2 + 2? ({number})", expects="number", closely=True):
            if isinstance(event, Words):
                now = time.perf_counter_ns()
                heard += [(now - int(stamp)) / 1e6 for stamp in event.text.split() if stamp.isdigit()]
            elif isinstance(event, Decision):
                assert event.key == "4"
        firsts.append(heard[0])
        all_ms += heard
        lost += len(members) * WORDS - len(heard)
    for member in members:
        await member.close()
    for node in made.values():
        await node.close()
    print(f"- first word of a question: median {median(firsts):.1f} ms after it was said, {max(firsts):.1f} at most")
    print(
        f"- all words: median {median(all_ms):.1f} ms, {max(all_ms):.1f} at most; {lost} of {len(all_ms) + lost} lost"
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--questions", type=int, default=20)
    asyncio.run(main(parser.parse_args().questions))
