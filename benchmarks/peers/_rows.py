"""What every program of this folder shares: the fake model, the rows, and the counting of CPU time and memory.

Kept free of every library, so that each program runs in an environment that holds its framework and nothing else.
"""

from __future__ import annotations

import argparse
import asyncio
import importlib.metadata
import json
import os
import secrets
import threading
import time
from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any

ROLES = ("generate", "review", "decide")
TICKS = os.sysconf("SC_CLK_TCK")
PAGE = os.sysconf("SC_PAGE_SIZE")
MARK = "ROWS_BENCHMARK"


async def think(role: str, text: str, delay_s: float) -> str:
    """The fake model: answers after `delay_s`, at once when that is 0."""
    if delay_s:
        await asyncio.sleep(delay_s)
    return f"{role}({text})"


def expected(number: int) -> str:
    """What must come out for row `number`."""
    return f"decide(review(generate(question {number})))"


def rows(count: int) -> Iterator[dict[str, Any]]:
    """What goes in, made as it is read."""
    return ({"id": f"r{number}", "text": f"question {number}"} for number in range(count))


class Tree:
    """CPU time and memory of this process and all that it started, ended ones included as last seen."""

    def __init__(self) -> None:
        self.mark = secrets.token_hex(8)
        os.environ[MARK] = self.mark
        self.ours, self.seen, self.resident_mb = {os.getpid()}, dict[int, float](), list[float]()
        self.over = threading.Event()
        self.watch = threading.Thread(target=self.keep_looking, daemon=True)

    def keep_looking(self) -> None:
        while not self.over.wait(0.1):
            self.look()

    def look(self) -> float:
        """Return the CPU seconds so far."""
        resident = 0
        for place in Path("/proc").iterdir():
            if not place.name.isdigit():
                continue
            try:
                if int(place.name) not in self.ours:
                    if f"{MARK}={self.mark}".encode() not in (place / "environ").read_bytes():
                        continue
                    self.ours.add(int(place.name))
                fields = (place / "stat").read_text().rpartition(")")[2].split()
                self.seen[int(place.name)] = (int(fields[11]) + int(fields[12])) / TICKS
                resident += int((place / "statm").read_text().split()[1]) - int(
                    (place / "statm").read_text().split()[2]
                )
            except (OSError, IndexError):
                continue
        self.seen[os.getpid()] = time.process_time()  # to the microsecond, where /proc counts in ticks
        self.resident_mb.append(resident * PAGE / 1e6)
        return sum(self.seen.values())


def measured(
    work: Callable[[int, int, float], Coroutine[None, None, tuple[float, list[str]]]], package: str = ""
) -> None:
    """Run a program: `work(rows, in_flight, delay_s)` returns the wall seconds and what came out, and is timed itself.

    A first run of a tenth of the rows warms up and is not counted.
    """
    parser = argparse.ArgumentParser()
    parser.add_argument("rows", type=int)
    parser.add_argument("in_flight", type=int)
    parser.add_argument("delay_s", type=float)
    asked = parser.parse_args()
    tree = Tree()
    tree.watch.start()

    async def both() -> dict[str, Any]:
        await work(max(asked.rows // 10, 10), asked.in_flight, asked.delay_s)
        first, before = len(tree.resident_mb), tree.look()
        wall_s, out = await work(asked.rows, asked.in_flight, asked.delay_s)
        cpu_s = tree.look() - before
        resident = tree.resident_mb[first:]
        assert sorted(out) == sorted(expected(number) for number in range(asked.rows)), "rows are missing or wrong"
        return {
            "wall_s": wall_s,
            "cpu_s": cpu_s,
            "peak_mb": max(resident),
            "half_way_mb": max(resident[: len(resident) // 2 + 1]),
        }

    seen = asyncio.run(both())
    tree.over.set()
    print(json.dumps({"version": importlib.metadata.version(package) if package else "", **seen}), flush=True)


async def at_most(
    in_flight: int, count: int, one: Callable[[dict[str, Any]], Coroutine[None, None, str]]
) -> tuple[float, list[str]]:
    """Carry every row by `one`, so many at once; the loop that frameworks without a batch need around them."""
    source, out = rows(count), list[str]()

    async def carry() -> None:
        for row in source:
            out.append(await one(row))

    began = time.perf_counter()
    await asyncio.gather(*(carry() for _ in range(min(in_flight, count))))
    return time.perf_counter() - began, out
