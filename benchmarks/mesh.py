"""What the mesh costs and how soon it notices: signed messages beside raw zenoh and TCP, many peers, certificates, kills.

    python benchmarks/mesh.py [--only pair|many|certificates|failures|start ...] [--peers N] [--rounds N] [--json]

**pair**: two processes on loopback. A message of about 200 bytes of text is published in a channel of one node, signed,
let in at the other's door, logged there on disk, and answered in the same way; raw zenoh and plain asyncio TCP echo
datagrams of 200 bytes in the same run (`transport.py`). One-way: as many messages as fast as back-pressure lets, until
the other side says that it has stored the last.

**many**: N processes, each a node with a scripted peer; time until every one sees every other, memory at rest
(resident, and proportional, which counts a shared page once), and one question to all, answered and certified.

**certificates**: 4, 7 and 16 processes; the time of a vote with and without certificate, and their difference in raw
round trips.

**failures**: 8 processes; how soon the others suspect one that is killed, and one that hangs (SIGSTOP).

**start**: how long a node takes to load a log of 200 and of 2,000 old questions of 34 messages, in CPU time: the first
time, when it reads them all, and from then on.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import platform
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from random import Random
from statistics import median
from time import perf_counter, process_time
from typing import Any

from blake3 import blake3

import transport as raw
from waggledance import Swarm
from waggledance.core import UNIT, Channel, Key, Log, Member, Message, Note, Opening, Outcome, Proposal, Question
from waggledance.mesh import Genesis, Limits, Mesh, Node, Sitting, ZenohTransport, share_one_heap
from waggledance.mesh._channel_names import draw_mark
from waggledance.protocols import Vote
from waggledance.testing import Opinionated

TEXT = "x" * 180
SCRIPT = Path(__file__)
MEETING_SECONDS = 120


def key(i: int) -> Key:
    return Key(blake3(b"benchmark\0%d" % i).digest())


def genesis(n: int) -> Genesis:
    """Return a swarm of members 0 to n - 1 and an asker without a vote, number n."""
    members = [Member(key(i).peer, f"p{i}", UNIT) for i in range(n)] + [Member(key(n).peer, "asker", 0)]
    limits = Limits(messages_s=10**7, bytes_s=10**11, open_channels=10_000)
    return Genesis(name="benchmark", members=tuple(members), limits=limits)


async def node_of(i: int, n: int, folder: str, connect: Sequence[str], listen: Sequence[str] | None = None) -> Node:
    made = genesis(n)
    way = await ZenohTransport.open(key(i).peer, made.swarm, listen=listen, connect=connect)
    node = Node(key(i), made, way, log=Log(Path(folder) / f"{i}.sqlite"))
    await node.start()
    return node


async def child(role: str, i: int, n: int, folder: str, connect: Sequence[str]) -> None:
    """Be one member, until stdin ends."""
    share_one_heap()  # as `waggle join` does
    node = (
        await node_of(i, n, folder, connect[1:], connect[:1])
        if role == "member"
        else await node_of(i, n, folder, connect)
    )
    assert isinstance(node.transport, ZenohTransport)
    print("listening", node.transport.listening[0], flush=True)
    sitting = None
    if role == "echo":
        echo(node, i)
    else:
        sitting = Sitting(node, Opinionated(f"p{i}"))
        while len(node.transport.neighbours()) < n:
            await asyncio.sleep(0.01)
        print("sees", perf_counter(), flush=True)
        watch = asyncio.create_task(report_states(node))
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    if sitting is not None:
        watch.cancel()
        await sitting.close()
    await node.close()


async def report_states(node: Node) -> None:
    """Print when a member's state changes, as this node sees it."""
    before: dict[bytes, str] = {}
    while True:
        now = {peer: state.status for peer, state in node.swim.states().items()}
        for peer, status in now.items():
            if before.get(peer, "alive") != status:
                print("state", node.members[peer].name, status, perf_counter(), flush=True)
        before = now
        await asyncio.sleep(0.01)


def echo(node: Node, me: int) -> None:
    """Answer pings, and say when the last of a flood is stored."""
    loop, copy = asyncio.get_running_loop(), node.lobby.copy

    def hear(message: Message[Any], _raw: bytes) -> None:
        if message.author != node.me and isinstance(message.body, Note) and message.body.about != "flood":
            answer = Note(about="pong", text=TEXT)
            loop.call_soon(lambda: copy.publish(node.me, answer, [message], 0))

    copy.subscribe(hear)


async def start(role: str, i: int, n: int, folder: str, connect: Sequence[str]) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable, str(SCRIPT), "--child", role, str(i), str(n), folder, *connect,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    )  # fmt: skip


def free_ports(n: int) -> list[int]:
    with ExitStack() as held:
        sockets = [held.enter_context(socket.socket()) for _ in range(n)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]


async def line_of(process: asyncio.subprocess.Process, word: str) -> list[str]:
    assert process.stdout is not None
    while line := (await process.stdout.readline()).decode().split():
        if line[0] == word:
            return line[1:]
    raise RuntimeError(f"a member ended before it said {word!r}")


async def end(processes: Sequence[asyncio.subprocess.Process]) -> None:
    for process in processes:
        if process.returncode is None:
            process.send_signal(signal.SIGCONT)
            process.kill()
    await asyncio.gather(*(process.wait() for process in processes))


# -- two processes --------------------------------------------------------------------------------------------------


async def one_pair(trips: int, messages: int) -> tuple[float, float, float]:
    """Return p50 and p99 of a round trip in microseconds, and messages a second stored at the other side."""
    with tempfile.TemporaryDirectory() as folder:
        other = await start("echo", 0, 1, folder, ())
        (where,) = await line_of(other, "listening")
        node = await node_of(1, 1, folder, [where])
        copy, came = node.lobby.copy, asyncio.Event()
        last: list[Message[Any]] = []

        def hear(message: Message[Any], _raw: bytes) -> None:
            if message.author != node.me:
                last[:] = [message]
                came.set()

        copy.subscribe(hear)
        while not node.heard_from_members:
            node.ask_everybody()
            await asyncio.sleep(0.05)
        try:
            took: list[float] = []
            for _ in range(trips + trips // 10):
                came.clear()
                began = perf_counter()
                copy.publish(node.me, Note(about="ping", text=TEXT), last, 0)
                await came.wait()
                took.append(perf_counter() - began)
            took = sorted(took[trips // 10 :])
            flood = Note(about="flood", text=TEXT)
            came.clear()
            began = perf_counter()
            for number in range(messages):
                copy.publish(node.me, flood, [], 0)
                if number % 64 == 63:
                    await asyncio.sleep(0)
                    if node.transport.congested:
                        await node.transport.room()
            copy.publish(node.me, Note(about="ping", text=TEXT), [], 0)
            await came.wait()
            rate = messages / (perf_counter() - began)
        finally:
            await end([other])
            await node.close()
    return took[len(took) // 2] * 1e6, took[len(took) * 99 // 100] * 1e6, rate


async def pair(rounds: int, trips: int, messages: int) -> dict[str, Any]:
    seen: dict[str, list[tuple[float, float, float]]] = {"tcp": [], "zenoh": [], "node": []}
    for _ in range(rounds):
        for engine in ("tcp", "zenoh"):
            seen[engine].append(await raw.one_round(engine, trips, messages, 200))
        seen["node"].append(await one_pair(trips, messages))
    middle = {e: [median(column) for column in zip(*figures, strict=True)] for e, figures in seen.items()}
    return {
        "rows": {e: {"p50_us": m[0], "p99_us": m[1], "per_s": m[2]} for e, m in middle.items()},
        "p50_to_zenoh": middle["node"][0] / middle["zenoh"][0],
        "rate_to_zenoh": middle["node"][2] / middle["zenoh"][2],
    }


# -- many processes -------------------------------------------------------------------------------------------------


class Members:
    """So many processes, and the asker in this one."""

    def __init__(self, n: int, folder: str) -> None:
        self.n, self.folder = n, folder
        self.processes: list[asyncio.subprocess.Process] = []
        self.all_seen_s = 0.0

    async def __aenter__(self) -> Members:
        where = [f"tcp/127.0.0.1:{port}" for port in free_ports(self.n)]
        for i in range(self.n):  # each knows where those before it listen, as members that met before do
            dials = [where[i], *where[:i]]
            self.processes.append(await start("member", i, self.n, self.folder, dials))
        await asyncio.gather(*(line_of(process, "listening") for process in self.processes))
        began = perf_counter()
        self.asker = await node_of(self.n, self.n, self.folder, where)
        async with asyncio.timeout(MEETING_SECONDS):
            seen = await asyncio.gather(*(line_of(process, "sees") for process in self.processes))
        self.all_seen_s = max(float(at) for (at,) in seen) - began
        return self

    async def __aexit__(self, *_: object) -> None:
        await end(self.processes)
        await self.asker.close()

    async def ask(self, *, certify: bool) -> float:
        mesh = Mesh(self.asker, certify=certify)
        swarm = Swarm(mesh.peers(), network=mesh, protocol=Vote())
        began = perf_counter()
        decision = await swarm.ask("2+2?")
        took = perf_counter() - began
        assert decision.key is not None
        assert bool(decision.certificate) == certify, decision.notes
        return took

    def memory_mb(self) -> tuple[list[float], list[float]]:
        """Return resident and proportional memory of each member, MB."""
        resident, proportional = [], []
        for process in self.processes:
            rollup = Path(f"/proc/{process.pid}/smaps_rollup").read_text()
            fields = dict(line.split(":", 1) for line in rollup.splitlines()[1:])
            resident.append(int(fields["Rss"].split()[0]) / 1024)
            proportional.append(int(fields["Pss"].split()[0]) / 1024)
        return resident, proportional


async def many(n: int) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        async with Members(n, folder) as members:
            await asyncio.sleep(5)
            resident, proportional = members.memory_mb()
            plain, certified = await members.ask(certify=False), await members.ask(certify=True)
            return {
                "peers": n, "all_see_all_s": members.all_seen_s, "resident_mb": max(resident),
                "proportional_mb": max(proportional), "answered_s": plain, "certified_s": certified,
            }  # fmt: skip


async def certificates(round_trip_us: float | None, times: int) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    for n in (4, 7, 16):
        with tempfile.TemporaryDirectory() as folder:
            async with Members(n, folder) as members:
                plain = median([await members.ask(certify=False) for _ in range(times)])
                certified = median([await members.ask(certify=True) for _ in range(times)])
                extra = certified - plain
                rows.append({
                    "members": n, "plain_ms": plain * 1e3, "certified_ms": certified * 1e3,
                    "extra_round_trips": None if round_trip_us is None else extra * 1e6 / round_trip_us,
                })  # fmt: skip
    return rows


async def failures(times: int) -> dict[str, Any]:
    """Return how long after a kill, and after a stop, the others suspect the member: first and last of them, seconds."""
    found: dict[str, list[tuple[float, float]]] = {"killed": [], "hung": []}
    for _ in range(times):
        for how, number in (("killed", signal.SIGKILL), ("hung", signal.SIGSTOP)):
            with tempfile.TemporaryDirectory() as folder:
                async with Members(8, folder) as members:
                    await asyncio.sleep(2)
                    began = perf_counter()
                    members.processes[3].send_signal(number)
                    others = [p for i, p in enumerate(members.processes) if i != 3]
                    at = await asyncio.gather(*(suspected(process, "p3") for process in others))
                    found[how].append((min(at) - began, max(at) - began))
    return {how: {"first_s": median([f for f, _ in seen]), "all_s": median([a for _, a in seen])}
            for how, seen in found.items()}  # fmt: skip


async def suspected(process: asyncio.subprocess.Process, name: str) -> float:
    while True:
        who, status, at = await asyncio.wait_for(line_of(process, "state"), 60)
        if who == name and status in ("suspect", "dead"):
            return float(at)


# -- starting ------------------------------------------------------------------------------------------------------


def write_old_questions(made: Genesis, file: Path, questions: int) -> None:
    """Write a log of questions that are over: an opening, 32 answers, an outcome each."""
    asker, rng = made.members[0], Random(0)
    with Log(file) as log:
        for _ in range(questions):
            copy = Channel(made.swarm, f"q-{draw_mark(asker.id, rng)}")
            copy.subscribe(log.append)
            opening = Opening(question=Question(text="2+2?"), members=made.members, protocol="vote", rule="majority")
            opened = copy.publish(asker.id, opening, [], 0)
            for number in range(4):
                for member in made.members[:8]:
                    copy.publish(member.id, Proposal(key="4", round=number), [opened], 0)
            over = Outcome(status="decided", key="4", rule="majority", decision=bytes(32))
            copy.publish(asker.id, over, [], 0)


async def starts(questions: int) -> dict[str, float]:
    """Return the CPU seconds of loading such a log, for the first and for the second time."""
    made, took = genesis(8), list[float]()
    with tempfile.TemporaryDirectory() as folder:
        write_old_questions(made, Path(folder) / "0.sqlite", questions)
        way = await ZenohTransport.open(key(0).peer, made.swarm)
        for _ in range(2):
            with Log(Path(folder) / "0.sqlite") as log:
                node = Node(key(0), made, way, log=log)
                began = process_time()
                node.channels.load()
                took.append(process_time() - began)
                node.channels.close()
        await way.close()
    return {"questions": questions, "first_s": took[0], "then_s": took[1]}


# -- command line ---------------------------------------------------------------------------------------------------


async def measure(given: argparse.Namespace) -> dict[str, Any]:
    wanted = given.only or ["pair", "many", "certificates", "failures", "start"]
    figures: dict[str, Any] = {"machine": platform.platform()}
    if "pair" in wanted:
        figures["pair"] = await pair(given.rounds, given.trips, given.messages)
    if "certificates" in wanted:
        round_trip = figures["pair"]["rows"]["zenoh"]["p50_us"] if "pair" in figures else None
        figures["certificates"] = await certificates(round_trip, 5)
    if "failures" in wanted:
        figures["failures"] = await failures(given.rounds)
    if "start" in wanted:
        figures["start"] = [await starts(questions) for questions in (200, 2_000)]
    if "many" in wanted:
        figures["many"] = await many(given.peers)
    return figures


def show(figures: dict[str, Any]) -> None:
    if "pair" in figures:
        print("two processes, 200 bytes      p50 µs    p99 µs   messages/s")
        for engine, row in figures["pair"]["rows"].items():
            print(f"  {engine:24}{row['p50_us']:>10,.0f}{row['p99_us']:>10,.0f}{row['per_s']:>13,.0f}")
        print(f"  node to raw zenoh: p50 {figures['pair']['p50_to_zenoh']:.2f}× (goal ≤ 2), goal ≥ 15,000 messages/s")
    if "many" in figures:
        row = figures["many"]
        print(f"{row['peers']} processes: all see all after {row['all_see_all_s']:.2f} s (goal < 3); at rest "
              f"{row['resident_mb']:.0f} MB resident, {row['proportional_mb']:.0f} MB proportional (goal ≤ 45); a "
              f"question answered in {row['answered_s']:.2f} s, certified in {row['certified_s']:.2f} s (goal < 5)")  # fmt: skip
    for row in figures.get("certificates", []):
        trips = "" if row["extra_round_trips"] is None else f", {row['extra_round_trips']:.0f} raw round trips more"
        print(f"{row['members']} members: vote {row['plain_ms']:.0f} ms, certified {row['certified_ms']:.0f} ms{trips}")
    for row in figures.get("start", []):
        print(
            f"a log of {row['questions']:,} old questions loaded in {row['first_s']:.3f} s of CPU, then {row['then_s']:.3f}"
        )
    for how, row in figures.get("failures", {}).items():
        goal = "0.5" if how == "killed" else "6"
        print(f"{how}: first suspected after {row['first_s']:.2f} s (goal < {goal}), by all after {row['all_s']:.2f} s")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", choices=["pair", "many", "certificates", "failures", "start"])
    parser.add_argument("--peers", type=int, default=50)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--trips", type=int, default=2_000)
    parser.add_argument("--messages", type=int, default=20_000)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--child", nargs="+", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.child:
        role, i, n, folder, *dials = given.child
        asyncio.run(child(role, int(i), int(n), folder, dials))
        return
    figures = asyncio.run(measure(given))
    if given.json:
        print(json.dumps(figures))
    else:
        show(figures)


if __name__ == "__main__":
    main()
