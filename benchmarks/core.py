"""What the core costs: ping-pong, round table and fan-out, each beside the same work in bare asyncio.

    python benchmarks/core.py [--small] [--json]

Times are CPU seconds of this process, medians of interleaved repeats, bare and ours in turn, so that the ratio holds on
a noisy machine. Each piece of work runs in a process of its own where memory is measured.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Coroutine
from pathlib import Path
from statistics import median
from typing import ClassVar

from waggledance import FunctionPeer, Swarm
from waggledance.core import (
    UNIT,
    Body,
    Budget,
    Channel,
    Log,
    LoopClock,
    Meter,
    Question,
    Seat,
    Table,
    count,
    local_peer_id,
    swarm_id,
)
from waggledance.protocols import Debate

PAYLOAD = "x" * 200

Work = Callable[[int], Coroutine[None, None, float]]
"""Does so many units of work; returns the CPU seconds they took, without setting the scene."""


class Note(Body, frozen=True):
    """A text of 200 bytes."""

    kind: ClassVar[str] = "bench-note/1"
    text: str


# -- ping-pong ------------------------------------------------------------------------------------------------------


async def bare_ping_pong(n: int) -> float:
    """Two tasks hand a 200-byte string back and forth through two queues; n messages."""
    there: asyncio.Queue[str] = asyncio.Queue()
    back: asyncio.Queue[str] = asyncio.Queue()

    async def echo() -> None:
        for _ in range(n // 2):
            back.put_nowait(await there.get())

    task = asyncio.create_task(echo())
    began = time.process_time()
    for _ in range(n // 2):
        there.put_nowait(PAYLOAD)
        await back.get()
    await task
    return time.process_time() - began


def seats(n: int) -> list[Seat]:
    """Return n seats around one channel."""
    clock = LoopClock()
    ids = tuple(local_peer_id(f"p{i}") for i in range(n))
    names = {id: f"p{i}" for i, id in enumerate(ids)}
    table = Table(Question(text="?"), ids, names, dict.fromkeys(ids, UNIT))
    channel = Channel(swarm_id("bench"), "bench")
    meter = Meter(Budget(), clock)
    peer = FunctionPeer("nobody", lambda question: "4")
    return [Seat(me=id, peer=peer, table=table, channel=channel, clock=clock, meter=meter) for id in ids]


async def our_ping_pong(n: int) -> float:
    """Two seats publish 200-byte messages in turn, each built on the other's last; n messages."""
    a, b = seats(2)
    one = count(1)

    async def echo() -> None:
        for round in range(0, n, 2):
            await b.collect(Note, round, until=one)
            await b.publish(Note(round=round + 1, text=PAYLOAD))

    task = asyncio.create_task(echo())
    began = time.process_time()
    for round in range(0, n, 2):
        await a.publish(Note(round=round, text=PAYLOAD))
        await a.collect(Note, round + 1, until=one)
    await task
    return time.process_time() - began


# -- round table ----------------------------------------------------------------------------------------------------


async def bare_round_table(questions: int) -> float:
    """5 tasks a question say a string in each of 3 rounds, hear all of a round, and count votes at the end."""

    async def question() -> str:
        rounds: list[list[str]] = [[], [], []]
        full: list[asyncio.Event] = [asyncio.Event() for _ in rounds]

        async def peer() -> str:
            for said, done in zip(rounds, full, strict=True):
                said.append(await thinks("?"))
                if len(said) == 5:
                    done.set()
                await done.wait()
            return Counter(rounds[-1]).most_common(1)[0][0]

        return (await asyncio.gather(*(peer() for _ in range(5))))[0]

    began = time.process_time()
    await asyncio.gather(*(question() for _ in range(questions)))
    return time.process_time() - began


async def thinks(question: str) -> str:
    """An instant fake model."""
    return "4"


def our_round_table(log: Log | None = None) -> Work:
    """5 peers propose, revise twice after hearing everybody, and decide by majority: `Swarm.ask`, whole."""
    peers = [FunctionPeer(f"p{i}", thinks, revise=lambda q, mine, heard: thinks(q)) for i in range(5)]
    swarm = Swarm(peers, protocol=Debate(rounds=2), log=log)

    async def run(questions: int) -> float:
        began = time.process_time()
        await asyncio.gather(*(swarm.ask("?") for _ in range(questions)))
        return time.process_time() - began

    return run


# -- fan-out --------------------------------------------------------------------------------------------------------


async def bare_fan_out(n: int) -> float:
    """One task to n waiting tasks and n answers back, through one event and one list."""
    start, done = asyncio.Event(), asyncio.Event()
    answers: list[str] = []

    async def worker() -> None:
        await start.wait()
        answers.append(PAYLOAD)
        if len(answers) == n:
            done.set()

    tasks = [asyncio.create_task(worker()) for _ in range(n)]
    await asyncio.sleep(0)
    began = time.process_time()
    start.set()
    await done.wait()
    taken = time.process_time() - began
    await asyncio.gather(*tasks)
    return taken


async def our_fan_out(n: int) -> float:
    """One seat publishes a task, n seats wait for it and publish an answer each, the first collects them all."""
    first, *rest = seats(n + 1)
    one = count(1)

    async def worker(seat: Seat) -> None:
        await seat.collect(Note, 0, until=one)
        await seat.publish(Note(round=1, text=PAYLOAD))

    tasks = [asyncio.create_task(worker(seat)) for seat in rest]
    await asyncio.sleep(0)
    began = time.process_time()
    await first.publish(Note(text=PAYLOAD))
    await first.collect(Note, 1, until=count(n))
    taken = time.process_time() - began
    await asyncio.gather(*tasks)
    return taken


# -- measuring ------------------------------------------------------------------------------------------------------


def cpu_us(work: Work, units: int) -> float:
    """Return CPU microseconds per unit of one run in a fresh event loop."""
    gc.collect()
    return asyncio.run(work(units)) / units * 1e6


def interleaved(works: dict[str, Work], units: int, repeats: int) -> dict[str, float]:
    """Return the median CPU microseconds per unit of each piece of work, all run in turn."""
    seen: dict[str, list[float]] = {name: [] for name in works}
    for name, work in works.items():
        cpu_us(work, max(2, units // 10))
        seen[name].clear()
    for _ in range(repeats):
        for name, work in works.items():
            seen[name].append(cpu_us(work, units))
    return {name: median(times) for name, times in seen.items()}


def python_calls(work: Work, units: int) -> float:
    """Return how many Python and C function calls a unit takes, counted by `sys.setprofile`."""
    calls = 0

    def count_call(_frame: object, event: str, _arg: object) -> None:
        nonlocal calls
        calls += event in ("call", "c_call")

    async def counted() -> None:
        sys.setprofile(count_call)
        try:
            await work(units)
        finally:
            sys.setprofile(None)

    asyncio.run(counted())
    return calls / units


def in_fresh_process(expression: str) -> float:
    """Evaluate an expression of this file in a fresh interpreter; return the number it prints."""
    code = f"import sys; sys.path.insert(0, {str(Path(__file__).parent)!r}); import core as b; print({expression})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return float(done.stdout)


def peak_mib() -> float:
    """Return this process's peak resident memory in MiB since it began, or since `reset_peak` (Linux)."""
    status = Path("/proc/self/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) / 1024


def reset_peak() -> None:
    """Let peak memory begin anew from what is resident now."""
    Path("/proc/self/clear_refs").write_text("5")


def bytes_a_peer(work: Work, n: int) -> float:
    """Return how far a fan-out to n peers raises peak memory, per peer, seating included."""
    asyncio.run(work(10))
    gc.collect()
    reset_peak()
    before = peak_mib()
    asyncio.run(work(n))
    return (peak_mib() - before) * 1024 * 1024 / n


def peak_of_round_table(questions: int) -> float:
    """Return the peak memory in MiB of a process that asks so many questions at once."""
    asyncio.run(our_round_table()(questions))
    return peak_mib()


def import_seconds(statement: str, repeats: int) -> float:
    """Return the median wall seconds that a fresh interpreter takes longer with a statement than without."""

    def once(code: str) -> float:
        began = time.perf_counter()
        subprocess.run([sys.executable, "-c", code], check=True, stdout=subprocess.DEVNULL)
        return time.perf_counter() - began

    return median(once(statement) - once("pass") for _ in range(repeats))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--small", action="store_true", help="a tenth of the work: does it run at all?")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    args = parser.parse_args()
    hops, questions, peers, repeats = (2_000, 20, 1_000, 3) if args.small else (20_000, 200, 10_000, 9)
    rows: list[tuple[str, str, float, float, str]] = []

    ping = interleaved({"bare": bare_ping_pong, "ours": our_ping_pong}, hops, repeats)
    rows.append(("ping-pong, 200 B", "µs a message", ping["bare"], ping["ours"], "≤ 10, ≤ 3× bare"))
    rows.append(("ping-pong", "Python calls a message", python_calls(bare_ping_pong, 1000),
                 python_calls(our_ping_pong, 1000), "≤ 80"))  # fmt: skip

    with tempfile.TemporaryDirectory() as folder, Log(Path(folder) / "log.db") as log:
        table = interleaved(
            {"bare": bare_round_table, "ours": our_round_table(), "logged": our_round_table(log)}, questions, repeats
        )
    rows.append(("round table 5 × 3, log in memory", "µs a question", table["bare"], table["ours"], "≤ 300"))
    rows.append(("round table 5 × 3, SQLite log", "µs a question", table["bare"], table["logged"], "≤ 600"))
    memory = in_fresh_process(f"b.peak_of_round_table({questions})")
    rows.append(("round table, peak memory", "MiB", in_fresh_process("b.peak_mib()"), memory, "≤ 80"))

    fan = interleaved({"bare": bare_fan_out, "ours": our_fan_out}, peers, repeats)
    rows.append((f"fan-out to {peers:,}", "µs a peer", fan["bare"], fan["ours"], "≤ 12"))
    rows.append((f"fan-out to {peers:,}", "bytes a peer", in_fresh_process(f"b.bytes_a_peer(b.bare_fan_out, {peers})"),
                 in_fresh_process(f"b.bytes_a_peer(b.our_fan_out, {peers})"), "≤ 2,500"))  # fmt: skip

    rows.append(("import waggledance", "s", 0.0, import_seconds("import waggledance", repeats), "< 0.25"))
    rows.append(("from waggledance import Swarm", "s", 0.0,
                 import_seconds("from waggledance import Swarm", repeats), "< 0.25"))  # fmt: skip
    help_command = "import sys; sys.argv = ['waggle', '--help']; from waggledance.cli import main\ntry: main()\nexcept SystemExit: pass"
    rows.append(("waggle --help", "s", 0.0, import_seconds(help_command, repeats), "< 0.4"))

    if args.json:
        print(json.dumps([dict(zip(("work", "unit", "bare", "ours", "goal"), row, strict=True)) for row in rows]))
        return
    print(f"Python {platform.python_version()}, {os.cpu_count()} cores, medians of {repeats}")
    print(f"{'work':34} {'unit':22} {'bare':>9} {'ours':>9} {'ratio':>6}  goal")
    for work, unit, bare, ours, goal in rows:
        ratio = f"{ours / bare:6.1f}" if bare else "     –"
        print(f"{work:34} {unit:22} {bare:9.2f} {ours:9.2f} {ratio}  {goal}")


if __name__ == "__main__":
    main()
