"""Threads over MCP: the card's ablation with coins, what a turn reads at 200 messages, and what the door costs.

    python benchmarks/threads.py            300 tasks, 200 calls
    python benchmarks/threads.py --large    5,000 tasks, 2,000 calls

A task: a plan is right with p = 0.4; each of four workers notices a wrong one with p = 0.5 and may say so in the thread
(Ren, Forder, Zang et al. 2025, arXiv:2508.17068, reduced to coins). The world is the one of
`tests/gateways/test_threads_ablation.py`.
"""

from __future__ import annotations

import asyncio
import socket
import sys
import time
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from statistics import median
from typing import Any

import uvicorn
from mcp import Client

from waggledance import FunctionPeer, Swarm
from waggledance.core import Channel, Member, Question, Say, local_peer_id
from waggledance.gateways import Host, Hosted, McpGateway, Order, app_of, thread_of, threads_text
from waggledance.gateways._threads_fold import Close, opening_for
from waggledance.lab import wilson
from waggledance.protocols._reading import tokens

TESTS = Path(__file__).parent.parent / "tests" / "gateways"
WORDS = "The scouts from the north report a dry hollow oak, five metres up, with an entrance to the south."


def ablation(runs: int) -> None:
    spec = spec_from_file_location("ablation", TESTS / "test_threads_ablation.py")
    assert spec is not None
    assert spec.loader is not None
    world: Any = module_from_spec(spec)
    spec.loader.exec_module(world)
    world.RUNS = runs
    alone, few = world.shares(talk=False)
    print("| workers | solved | messages a task |\n|---|---|---|")
    print(f"| say nothing | {alone:.3f} ({interval(alone, runs)}) | {few:.1f} |")
    together, more = world.shares(talk=True)
    print(f"| may object | {together:.3f} ({interval(together, runs)}) | {more:.1f} = {more / few:.2f} × |")


def interval(share: float, runs: int) -> str:
    low, high = wilson(round(share * runs), runs)
    return f"{low:.3f} to {high:.3f}"


def account() -> None:
    """Ten threads of twenty turns, of which so many are closed: what a reader of all of them reads."""
    print("\n| threads closed of 10 | tokens, no budget | tokens, budget 4,000 | turns shown |\n|---|---|---|---|")
    for closed in (0, 5, 9):
        threads = [thread(i, closed=i < closed) for i in range(10)]
        whole, _ = threads_text(threads, "bob", 1_000_000)
        text, shown = threads_text(threads, "bob", 4_000)
        print(f"| {closed} | {tokens(whole):,} | {tokens(text):,} | {sum(map(len, shown.values()))} |")


def thread(number: int, *, closed: bool) -> Any:
    people = [Member(local_peer_id(name), name) for name in ("ann", "bob", "cee")]
    channel = Channel(b"0" * 16, f"thread-{number}")  # type: ignore[arg-type]
    channel.publish(people[0].id, opening_for(f"matter {number}", people), [], number)
    for at in range(20):
        channel.publish(people[at % 3].id, Say(text=WORDS), list(channel.messages())[-1:], number + at)
    if closed:
        asked = channel.publish(people[0].id, Close(summary=f"matter {number} is settled"), [], 0)
        channel.publish(people[1].id, Close(agrees=asked.id), [asked], 0)
    return thread_of(channel.messages())


async def door(calls: int) -> None:
    """One client that asks again and again, over HTTP on loopback, beside the same host asked in process."""
    host = Host({"default": Hosted(Swarm([FunctionPeer(f"p{i}", lambda _question: "4") for i in range(3)]))})
    listening = socket.socket(proto=socket.IPPROTO_TCP)  # else asyncio does not send small packets at once
    listening.bind(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app_of(host, [McpGateway(host)]), log_level="critical", ws="none"))
    serving = asyncio.create_task(server.serve([listening]))
    while not server.started:
        await asyncio.sleep(0.01)

    inside: list[float] = []
    outside: dict[str, list[float]] = {}
    for _ in range(calls):
        began = time.perf_counter()
        await host.start(Order(swarm="default", question=Question(text="2+2?"), closely=False)).decision()
        inside.append(time.perf_counter() - began)
    for mode in ("auto", "legacy"):
        took = outside.setdefault(mode, [])
        async with Client(f"http://127.0.0.1:{listening.getsockname()[1]}/mcp", mode=mode) as client:
            await client.list_tools()
            for _ in range(calls):
                began = time.perf_counter()
                await client.call_tool("ask", {"question": "2+2?"})
                took.append(time.perf_counter() - began)
    server.should_exit = True
    await serving
    print("\n| asked | median ms a question |\n|---|---|")
    print(f"| in process | {1000 * median(inside):.1f} |")
    for mode, took in outside.items():
        era = "2026-07-28" if mode == "auto" else "2025-11-25, a session"
        print(f"| over MCP, {era} | {1000 * median(took):.1f} |")


if __name__ == "__main__":
    large = "--large" in sys.argv[1:]
    ablation(5_000 if large else 300)
    account()
    asyncio.run(door(2_000 if large else 200))
