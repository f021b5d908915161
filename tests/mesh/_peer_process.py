"""A peer in a process of its own, for tests: reads one JSON command a line and writes one JSON answer a line.

python _peer_process.py '{"name": 1, "listen": ["tcp/127.0.0.1:0"], ...}'
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections import Counter
from collections.abc import Sequence
from typing import Any

from waggledance.core import PeerId, WaggleError, swarm_id
from waggledance.mesh import Tls, ZenohTransport

HEAD = 9


def named(name: int) -> PeerId:
    return PeerId(bytes([name]) * 32)


def datagram(sender: int, number: int, size: int) -> bytes:
    """Return a datagram that tells its sender and number, and whether any of it was altered."""
    return bytes([sender]) + number.to_bytes(8, "big") + bytes([number % 251]) * (size - HEAD)


class Watched:
    """What came in, and how long the event loop was held up at most."""

    def __init__(self) -> None:
        self.received, self.disordered, self.altered = Counter[int](), Counter[int](), 0
        self.last: dict[int, int] = {}
        self.sightings: list[tuple[int, bool]] = []
        self.held_up_s = 0.0

    def receive(self, datagrams: Sequence[bytes]) -> None:
        for came in datagrams:
            sender, number = came[0], int.from_bytes(came[1:HEAD], "big")
            self.received[sender] += 1
            self.disordered[sender] += number <= self.last.get(sender, -1)
            self.last[sender] = number
            self.altered += came != datagram(sender, number, len(came))

    def presence(self, peer: PeerId, up: bool) -> None:
        self.sightings.append((peer[0], up))

    async def beat(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            before = loop.time()
            await asyncio.sleep(0.01)
            self.held_up_s = max(self.held_up_s, loop.time() - before - 0.01)


class Running:
    """A transport and what it brought in."""

    def __init__(self, name: int) -> None:
        self.name, self.watched = name, Watched()

    async def open(self, settings: dict[str, Any]) -> None:
        tls = settings.get("tls")
        self.transport = await ZenohTransport.open(
            named(self.name),
            swarm_id(settings.get("swarm", "test")),
            listen=settings.get("listen"),
            connect=settings.get("connect", ()),
            mode=settings.get("mode", "peer"),
            scouting=settings.get("scouting", False),
            tls=Tls(*tls) if tls else None,
        )
        self.transport.listen(self.watched.receive, self.watched.presence)
        self.beating = asyncio.create_task(self.watched.beat())

    async def close(self) -> None:
        self.beating.cancel()
        await self.transport.close()


async def obey(command: dict[str, Any], running: Running) -> dict[str, Any]:
    transport, watched = running.transport, running.watched
    if command["do"] == "send":
        watched.held_up_s = 0.0
        loop, waited_s = asyncio.get_running_loop(), 0.0
        for number in range(command["first"], command["first"] + command["count"]):
            if command["patient"] and transport.congested:
                before = loop.time()
                await transport.room()
                waited_s += loop.time() - before
            carried = datagram(running.name, number, command["size"])
            transport.spread(carried) if command["to"] is None else transport.send(named(command["to"]), carried)
            if number % 64 == 0:
                await asyncio.sleep(0)
        return {"waited_s": waited_s}
    return {
        "received": watched.received,
        "last": watched.last,
        "disordered": sum(watched.disordered.values()),
        "altered": watched.altered,
        "sightings": watched.sightings,
        "up": sorted(peer[0] for peer in transport.neighbours()),
        "links": transport.links(),
        "reached": transport.reached,
        "listening": transport.listening,
        "dropped": transport.dropped,
        "congested": transport.congested,
        "held_up_s": watched.held_up_s,
    }


async def live(settings: dict[str, Any]) -> None:
    running = Running(settings["name"])
    await running.open(settings)
    say({"listening": running.transport.listening})
    loop = asyncio.get_running_loop()
    try:
        while line := await loop.run_in_executor(None, sys.stdin.readline):
            say(await obey(json.loads(line), running))
    finally:
        if settings.get("closes", True):
            await running.close()


def say(answer: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(answer) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    try:
        asyncio.run(live(json.loads(sys.argv[1])))
    except WaggleError as fault:
        say({"error": type(fault).__name__, "says": str(fault)})
