"""What it costs to check contracts: microseconds a message and contract, beside reading the message from its bytes.

    python benchmarks/contracts.py            10,000 messages, best of 5
    python benchmarks/contracts.py --small    1,000 messages, best of 3, for CI

A debate of 5 (or 50) peers without faults, in memory, by the order it was said in, and shuffled; everybody hears
everybody, or in a ring two neighbours. "All twelve" is every built-in contract at once; "one" is each alone, less what
the checker costs without any. The reference is what a door does first with a frame that arrives: `open_frame`, in the
same run. Times are of this process, not of the wall.
"""

from __future__ import annotations

import argparse
import platform
import tracemalloc
from collections.abc import Callable, Sequence
from random import Random
from time import process_time

from waggledance.core import (
    Budget,
    Channel,
    Cost,
    Member,
    Message,
    Opening,
    Proposal,
    Question,
    frame,
    local_peer_id,
    open_frame,
    swarm_id,
)
from waggledance.safety import Checker, Contract, builtin, contract, sum_of

TARGET_US = 5.0


def debate(messages: int, peers: int, *, ring: bool = False) -> list[Message]:
    """Return a debate in which everybody hears everybody, or two neighbours, round after round."""
    channel = Channel(swarm_id("bench"), "q1")
    ids = [local_peer_id(f"p{i}") for i in range(peers)]
    members = tuple(Member(id, f"p{i}") for i, id in enumerate(ids))
    opening = Opening(question=Question(text="2 + 2?"), members=members, protocol=f"debate(rounds={messages})")
    said: list[Message] = [channel.publish(local_peer_id("asker"), opening, [], 0)]
    last, round = [said[0]], 0
    while len(said) < messages:
        before, last = last, []
        for i, id in enumerate(ids):
            heard = [before[i - 1], before[(i + 1) % peers]] if ring and round else before
            refs = tuple(m.id for m in heard if m.kind == "proposal/1")
            cost = Cost(calls=1, prompt_tokens=100, completion_tokens=40, milliseconds=800)
            body = Proposal(round=round, key="4", text="As the others say, it is four.", refs=refs, cost=cost)
            last.append(channel.publish(id, body, heard, 0))
        said += last
        round += 1
    return said[:messages]


def best(repeats: int, work: Callable[..., object], *given: object) -> float:
    """Return the fewest seconds of this process that some work takes."""
    times = list[float]()
    for _ in range(repeats):
        began = process_time()
        work(*given)
        times.append(process_time() - began)
    return min(times)


def opened(frames: Sequence[bytes]) -> list[Message]:
    """Read frames as a door does first."""
    return [open_frame(received) for received in frames]


def heard(said: Sequence[Message], contracts: Sequence[Contract]) -> Checker:
    checker = Checker(contracts)
    for message in said:
        checker.hear(message)
    return checker


def mib_held(said: Sequence[Message], contracts: Sequence[Contract]) -> float:
    """Return what a checker holds that has heard all of this, without the messages."""
    tracemalloc.start()
    kept = heard(said, contracts)
    held, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert kept.compliance().holds
    return held / 2**20


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--small", action="store_true")
    small = parser.parse_args().small
    messages, repeats = (1_000, 3) if small else (10_000, 5)
    print(
        f"{platform.python_implementation()} {platform.python_version()} on {platform.machine()}, "
        f"{messages:,} messages, best of {repeats}\n"
    )
    print(
        "| peers | order | reading a frame | checker alone | all twelve | a message and contract | ÷ reading | target 5 µs |"
    )
    print("|---|---|---|---|---|---|---|---|")
    for peers, ring in ((5, False), (50, False), (50, True)):
        said = debate(messages, peers, ring=ring)
        frames = [frame(m) for m in said]
        reading = best(repeats, opened, frames) / messages * 1e6
        for order in ("as said", "shuffled") if not ring else ("as said",):
            delivered = list(said)
            if order == "shuffled":
                Random(7).shuffle(delivered)
            alone = best(repeats, heard, delivered, []) / messages * 1e6
            whole = best(repeats, heard, delivered, builtin()) / messages * 1e6
            each = whole / len(builtin())
            print(
                f"| {peers}{' in a ring' if ring else ''} | {order} | {reading:.1f} µs | {alone:.1f} µs | {whole:.1f} µs | {each:.2f} µs | "
                f"{each / reading:.2f} | {'met' if each <= TARGET_US else 'missed'} |"
            )
            assert heard(delivered, builtin()).compliance().holds
    said, ring = debate(messages, 5), debate(messages, 50, ring=True)
    budget = Budget(calls=10 * messages, tokens=1000 * messages)
    summed = contract("cheap", sum_of("proposal/1", "cost.calls", per=("author",)).at_most(messages))
    [spend] = (c for c in builtin(budget=budget) if c.name == "spend")
    everybody, neighbours = (best(repeats, heard, order, []) / messages * 1e6 for order in (said, ring))
    print("\n| contract, alone, µs a message | 5 peers | 50 in a ring |\n|---|---|---|")
    alone = [*((c.name, c) for c in builtin()), ("spend, with limits", spend), ("one sum_of", summed)]
    for name, one in alone:
        dense = best(repeats, heard, said, [one]) / messages * 1e6 - everybody
        sparse = best(repeats, heard, ring, [one]) / messages * 1e6 - neighbours
        print(f"| {name} | {max(0.0, dense):.2f} | {max(0.0, sparse):.2f} |", flush=True)
    print(f"\n| held for {messages:,} messages of 5 peers, messages apart | MiB |\n|---|---|")
    for what, contracts in (
        ("no contract", ()), ("the twelve", builtin()), ("the twelve, with a budget", builtin(budget=budget)),
        ("one sum_of", (summed,)),
    ):  # fmt: skip
        print(f"| {what} | {mib_held(said, contracts):.1f} |")


if __name__ == "__main__":
    main()
