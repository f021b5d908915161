"""What the mesh's transport costs beside raw zenoh and plain asyncio TCP: round trips and messages a second.

    python benchmarks/transport.py [--trips N] [--messages N] [--rounds N] [--size BYTES] [--json]

Two processes on loopback, each with one event loop; datagrams of 200 bytes. A round trip is one datagram there and one
back, the next after the last came; one-way, all are sent as fast as back-pressure lets, and the time runs until the
other side says that it has the last. The engines take turns within each round; each figure is the median of the
rounds, with the lowest and the highest behind it.

Raw zenoh puts from the event loop with blocking congestion control and hands over every datagram by itself. The
transport puts from a thread of its own through a bounded queue, and hands over what came in batches.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import platform
import subprocess
import sys
from collections.abc import Callable, Sequence
from statistics import median
from time import perf_counter
from typing import Any, Protocol

from waggledance.core import PeerId, swarm_id
from waggledance.mesh import ZenohTransport

A, B, SWARM = PeerId(bytes([1]) * 32), PeerId(bytes([2]) * 32), swarm_id("benchmark")
ECHO, COUNT, LAST = b"e", b"c", b"l"
Heard = Callable[[bytes], None]


class Line(Protocol):
    """One side of a pair."""

    def send(self, datagram: bytes) -> None: ...
    async def room(self) -> None: ...
    async def close(self) -> None: ...


class Tcp:
    """Length-prefixed datagrams on an asyncio stream."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, heard: Heard) -> None:
        self.writer = writer
        self.reading = asyncio.create_task(self.read(reader, heard))

    async def read(self, reader: asyncio.StreamReader, heard: Heard) -> None:
        try:
            while True:
                heard(await reader.readexactly(int.from_bytes(await reader.readexactly(4), "big")))
        except (asyncio.IncompleteReadError, ConnectionError):
            pass

    def send(self, datagram: bytes) -> None:
        self.writer.write(len(datagram).to_bytes(4, "big") + datagram)

    async def room(self) -> None:
        await self.writer.drain()

    async def close(self) -> None:
        self.reading.cancel()
        self.writer.close()


class Zenoh:
    """A zenoh session used directly."""

    def __init__(self, listen: str, connect: Sequence[str], mine: str, yours: str, heard: Heard) -> None:
        import zenoh

        config = zenoh.Config.from_json5(json.dumps({
            "mode": "peer",
            "listen": {"endpoints": [listen]},
            "connect": {"endpoints": list(connect)},
            "scouting": {"multicast": {"enabled": False}},
            "transport": {"shared_memory": {"enabled": False}},
        }))  # fmt: skip
        loop = asyncio.get_running_loop()
        self.session = zenoh.open(config)
        self.session.declare_subscriber(
            mine,
            lambda sample: loop.call_soon_threadsafe(heard, sample.payload.to_bytes()),
            allowed_origin=zenoh.Locality.REMOTE,
        )
        self.publisher = self.session.declare_publisher(
            yours, congestion_control=zenoh.CongestionControl.BLOCK, reliability=zenoh.Reliability.RELIABLE
        )
        self.send = self.publisher.put

    async def ready(self) -> None:
        while not self.publisher.matching_status.matching:
            await asyncio.sleep(0.01)

    async def room(self) -> None: ...

    async def close(self) -> None:
        self.session.close()


class Ours:
    """The mesh's transport."""

    def __init__(self, transport: ZenohTransport, other: PeerId, heard: Heard) -> None:
        self.transport, self.other = transport, other
        self.close = transport.close

        def receive(datagrams: Sequence[bytes]) -> None:
            for datagram in datagrams:
                heard(datagram)

        transport.listen(receive, lambda peer, up: None)

    def send(self, datagram: bytes) -> None:
        self.transport.send(self.other, datagram)

    async def room(self) -> None:
        if self.transport.congested:
            await self.transport.room()

    async def ready(self) -> None:
        while self.other not in self.transport.neighbours():
            await asyncio.sleep(0.01)


async def answer(engine: str, where: str) -> None:
    """Be the other process: echo, count, and say when the last has come."""
    gone, lines = asyncio.Event(), list[Any]()

    def heard(datagram: bytes) -> None:
        if datagram[:1] == ECHO:
            lines[0].send(datagram)
        elif datagram[:1] == LAST:
            lines[0].send(LAST)

    if engine == "tcp":
        server = await asyncio.start_server(lambda r, w: lines.append(Tcp(r, w, heard)), "127.0.0.1", 0)
        print(server.sockets[0].getsockname()[1], flush=True)
    elif engine == "zenoh":
        lines.append(Zenoh(where, (), "b", "a", heard))
        print(where, flush=True)
    else:
        ours = Ours(await ZenohTransport.open(B, SWARM), A, heard)
        lines.append(ours)
        print(ours.transport.listening[0], flush=True)
    loop = asyncio.get_running_loop()
    await loop.run_in_executor(None, sys.stdin.read)
    gone.set()
    for line in lines:
        await line.close()


async def connect(engine: str, where: str, heard: Heard) -> Any:
    if engine == "tcp":
        return Tcp(*await asyncio.open_connection("127.0.0.1", int(where)), heard)
    if engine == "zenoh":
        line: Any = Zenoh("tcp/127.0.0.1:0", [where], "a", "b", heard)
    else:
        line = Ours(await ZenohTransport.open(A, SWARM, connect=[where]), B, heard)
    await line.ready()
    return line


async def one_round(engine: str, trips: int, messages: int, size: int) -> tuple[float, float, float]:
    """Return a round trip's p50 and p99 in microseconds, and messages a second one way."""
    where = "tcp/127.0.0.1:47447"
    process = await asyncio.create_subprocess_exec(
        sys.executable, __file__, "--answer", engine, where, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert process.stdin is not None
    assert process.stdout is not None
    where = (await process.stdout.readline()).decode().strip()
    came: asyncio.Queue[bytes] = asyncio.Queue()
    line = await connect(engine, where, came.put_nowait)
    try:
        took: list[float] = []
        for number in range(trips + trips // 10):
            datagram = ECHO + number.to_bytes(4, "big") + bytes(size - 5)
            start = perf_counter()
            line.send(datagram)
            back = await came.get()
            took.append(perf_counter() - start)
            assert back == datagram
        took = sorted(took[trips // 10 :])
        payload = COUNT + bytes(size - 1)
        start = perf_counter()
        for number in range(messages):
            line.send(payload)
            if number % 64 == 0:
                await line.room()
                await asyncio.sleep(0)
        line.send(LAST)
        assert await came.get() == LAST
        rate = messages / (perf_counter() - start)
    finally:
        await line.close()
        process.stdin.close()
        await process.wait()
    return took[len(took) // 2] * 1e6, took[len(took) * 99 // 100] * 1e6, rate


async def measure(rounds: int, trips: int, messages: int, size: int) -> dict[str, dict[str, list[float]]]:
    seen: dict[str, dict[str, list[float]]] = {}
    for _ in range(rounds):
        for engine in ("tcp", "zenoh", "ours"):
            figures = await one_round(engine, trips, messages, size)
            for name, figure in zip(("p50_us", "p99_us", "per_s"), figures, strict=True):
                seen.setdefault(engine, {}).setdefault(name, []).append(figure)
    return seen


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trips", type=int, default=2_000)
    parser.add_argument("--messages", type=int, default=20_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--size", type=int, default=200)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--answer", nargs=2, metavar=("ENGINE", "WHERE"), help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.answer:
        asyncio.run(answer(*given.answer))
        return
    seen = asyncio.run(measure(given.rounds, given.trips, given.messages, given.size))
    middle = {engine: {name: median(values) for name, values in by.items()} for engine, by in seen.items()}
    against = {name: middle["ours"][name] / middle["zenoh"][name] for name in ("p50_us", "p99_us", "per_s")}
    if given.json:
        print(
            json.dumps({"machine": platform.platform(), "size": given.size, "rounds": seen, "ours_to_zenoh": against})
        )
        return
    print(f"{given.size} B, {given.rounds} rounds, {platform.machine()} {platform.system()}")
    print(f"{'':8}{'p50 µs':>24}{'p99 µs':>26}{'messages/s':>32}")
    for engine, by in seen.items():
        cells = [
            f"{median(by[n]):,.0f} ({min(by[n]):,.0f} to {max(by[n]):,.0f})" for n in ("p50_us", "p99_us", "per_s")
        ]
        print(f"{engine:8}{cells[0]:>24}{cells[1]:>26}{cells[2]:>32}")
    print(
        f"ours to raw zenoh: p50 {against['p50_us']:.2f}×, p99 {against['p99_us']:.2f}×, rate {against['per_s']:.2f}×"
    )


if __name__ == "__main__":
    main()
