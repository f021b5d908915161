"""How fast the studio shows a long log, and how long a message takes from the process that writes it to a viewer.

    python benchmarks/studio.py                  10,000 messages in one channel
    python benchmarks/studio.py --messages 100000

Over real HTTP on this machine; medians of several requests, with the smallest and the largest. The reference in the same
run is what cannot be had faster: reading the rows and decoding the messages, and nothing else.
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import platform
import random
import subprocess
import sys
import tempfile
import threading
import time
import zlib
from collections.abc import Callable
from pathlib import Path
from statistics import median

import httpx

from waggledance.core import (
    UNIT,
    Cost,
    Log,
    Member,
    Message,
    MessageId,
    Opening,
    Proposal,
    Question,
    compose,
    local_peer_id,
    swarm_id,
)
from waggledance.studio import Studio
from waggledance.studio._conversation import opened
from waggledance.studio._log_window import LogWindow
from waggledance.studio._serve import open_port, server_of

PEERS = 10
WORDS = ("bees", "dance", "for", "what", "they", "found", "and", "better", "sites", "get", "longer", "dances")
SWARM, ASKER = swarm_id("benchmark"), local_peer_id("asker")
PACE_S = 0.05


def write_log(path: Path, messages: int, *, channel: str = "long", chars: int = 600, seed: int = 0) -> None:
    """Write one channel: rounds in which every peer answers, after hearing all others."""
    rng = random.Random(seed)
    peers = [local_peer_id(f"p{i}") for i in range(PEERS)]
    members = tuple(Member(peer, f"p{i}", UNIT) for i, peer in enumerate(peers))
    body = Opening(question=Question(text="Where to?"), members=members, protocol="debate", topology="complete",
                   rule="majority")  # fmt: skip
    with Log(path) as log:
        opening, raw = compose(ASKER, body, 1, None, (), 1, 0, SWARM, channel)
        log.append(opening, raw)
        last: dict[int, Message[Proposal]] = {}
        heard: tuple[MessageId, ...] = (opening.id,)
        for n in range(messages - 1):
            i, round = n % PEERS, n // PEERS
            previous = last.get(i)
            if i == 0 and round:
                heard = tuple(sorted(message.id for message in last.values()))
            own = None if previous is None else previous.id
            parents = tuple(id for id in heard if id != own)
            words = " ".join(rng.choices(WORDS, k=chars // 6))[:chars]
            said = Proposal(key=rng.choice("ABC"), text=words, round=round, confidence_ppm=rng.randrange(UNIT),
                            refs=(*(() if own is None else (own,)), *(parents if own is not None else ())),
                            cost=Cost(1, 500, 120, 30, 900))  # fmt: skip
            last[i], raw = compose(peers[i], said, round + 1, own, parents, round + 2, n, SWARM, channel)
            log.append(last[i], raw)


def write_slowly(path: Path, count: int) -> None:
    """Be the other process: publish `count` messages, one every 50 ms, with the time of publishing as its text."""
    peer = local_peer_id("p0")
    with Log(path) as log:
        opening, raw = compose(
            ASKER, Opening(question=Question(text="?"), members=(Member(peer, "p0", UNIT),)), 1, None, (), 1, 0, SWARM,
            "live",
        )  # fmt: skip
        log.append(opening, raw)
        previous = None
        sys.stdin.readline()
        for n in range(1, count + 1):
            time.sleep(PACE_S)
            said = Proposal(key="A", text=str(time.time_ns()))
            message, raw = compose(peer, said, n, previous, (opening.id,) if n == 1 else (), n + 1, 0, SWARM, "live")
            log.append(message, raw)
            previous = message.id
        time.sleep(0.3)


def timed(work: Callable[[], object], times: int = 5) -> str:
    """Return how long some work takes: the median of several runs, and the range."""
    took: list[float] = []
    for _ in range(times):
        gc.collect()
        began = time.perf_counter()
        work()
        took.append((time.perf_counter() - began) * 1_000)
    return f"{median(took):8.1f} ms  ({min(took):.1f} to {max(took):.1f})"


def show(what: str, value: str) -> None:
    print(f"{what:58} {value}")


def bare(path: Path) -> None:
    """Read and decode, and nothing else."""
    window = LogWindow(path)
    window.refresh()
    for row in window.rows("long"):
        opened(row)
    window.close()


def rest(client: httpx.Client) -> None:
    """Read a channel's other pages, as the page does."""
    following: int | None = 300
    while following is not None:
        following = client.get(f"/api/channels/long?from={following}&limit=2500").json()["next"]


def lag(folder: Path, count: int) -> str:
    """Return how long messages take from another process to a viewer."""
    path = folder / "live.db"
    writer = subprocess.Popen(
        [sys.executable, __file__, "--write", str(path), "--messages", str(count)], stdin=subprocess.PIPE, text=True
    )
    while not path.exists():
        time.sleep(0.05)
    studio = Studio(path)
    server = server_of(studio)
    lags: list[float] = []
    with open_port("127.0.0.1", 0) as port:
        thread = threading.Thread(target=server.run, args=([port],))
        thread.start()
        address = f"http://127.0.0.1:{port.getsockname()[1]}"
        while True:
            try:
                if httpx.get(f"{address}/api/channels/live").status_code == 200:
                    break
            except httpx.TransportError:
                pass
            time.sleep(0.05)
        with httpx.stream("GET", f"{address}/api/channels/live/live?after=0", timeout=30) as answer:
            assert writer.stdin is not None
            writer.stdin.write("go\n")
            writer.stdin.flush()
            for line in answer.iter_lines():
                if line.startswith('data: {"id"'):
                    lags.append((time.time_ns() - int(json.loads(line[6:])["text"])) / 1e6)
                if line.startswith("event: end") or len(lags) == count:
                    break
        writer.communicate()
        server.should_exit = True
        thread.join()
    lags.sort()
    return f"{median(lags):8.1f} ms  (95 %: {lags[int(0.95 * len(lags))]:.1f}, most: {lags[-1]:.1f}; n {len(lags)})"


def main() -> None:
    flags = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    flags.add_argument("--messages", type=int, default=10_000)
    flags.add_argument("--write", type=Path, help=argparse.SUPPRESS)
    given = flags.parse_args()
    if given.write is not None:
        write_slowly(given.write, given.messages)
        return
    print(
        f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}; {given.messages:,} messages"
    )
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "log.db"
        write_log(path, given.messages)
        show("the log", f"{path.stat().st_size / 1e6:8.1f} MB")
        show("reference: rows read and decoded", timed(lambda: bare(path), 3))
        studio = Studio(path)
        server = server_of(studio)
        with open_port("127.0.0.1", 0) as port:
            thread = threading.Thread(target=server.run, args=([port],))
            thread.start()
            with httpx.Client(base_url=f"http://127.0.0.1:{port.getsockname()[1]}", timeout=120) as client:
                show("list of channels, the first time", timed(lambda: client.get("/api/channels"), 1))
                show("list of channels, again", timed(lambda: client.get("/api/channels")))
                show("a channel's first 300 messages", timed(lambda: client.get("/api/channels/long?limit=300"), 1))
                show("  and the rest, with the decision", timed(lambda: rest(client), 1))
                show("a page of 10,000 messages", timed(lambda: client.get("/api/channels/long")))
                answer = client.get("/api/channels/long")
                body = answer.content
                packer = zlib.compressobj(1, wbits=31)
                began = time.perf_counter()
                packed = packer.compress(body) + packer.flush()
                took = (time.perf_counter() - began) * 1_000
                show("  its JSON", f"{len(body) / 1e6:8.1f} MB  (packed {len(packed) / 1e6:.1f} MB in {took:.0f} ms)")
                mark = {"if-none-match": answer.headers["etag"]}
                show("  and when the browser has it", timed(lambda: client.get("/api/channels/long", headers=mark)))
                id = answer.json()["messages"][5]["id"]
                show("a message opened", timed(lambda: client.get(f"/api/messages/long/{id}")))
                show("a word that is nowhere", timed(lambda: client.get("/api/search?q=wasps"), 3))
                show("a word that is everywhere", timed(lambda: client.get("/api/search?q=dance"), 3))
                window = studio.archive
                show("a look at a log that has not changed", timed(window.refresh, 50))
            server.should_exit = True
            thread.join()
        show("from another process to a viewer", lag(Path(folder), 60))


if __name__ == "__main__":
    main()
