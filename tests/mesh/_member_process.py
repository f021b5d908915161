"""A member of a swarm in a process of its own: reads one JSON command a line, writes one JSON answer a line.

python _member_process.py '{"key": "p0", "swarm": "bees", "home": "…", "connect": ["tcp/127.0.0.1:7447"], …}'
"""

from __future__ import annotations

import asyncio
import json
import os
import resource
import signal
import sys
from pathlib import Path
from typing import Any

from waggledance import Swarm
from waggledance.core import UNIT, Call, LoopClock, Note, Proposal, WaggleError
from waggledance.mesh import (
    Capability,
    Dialling,
    Home,
    Mesh,
    Node,
    Sitting,
    ZenohTransport,
    announce,
    load_key,
    new_invite,
    present,
    share_one_heap,
    way_to,
)
from waggledance.protocols import Vote
from waggledance.testing import Opinionated


class SkewedClock(LoopClock):
    """Real time, with a wall clock that is wrong."""

    def __init__(self, ahead_ms: int) -> None:
        self._ahead_ms = ahead_ms

    def wall_ms(self) -> int:
        return super().wall_ms() + self._ahead_ms


class Slow(Opinionated):
    """Thinks for a while."""

    def __init__(self, name: str, think_s: float) -> None:
        super().__init__(name)
        self._think_s = think_s

    async def propose(self, call: Call) -> Proposal:
        await asyncio.sleep(self._think_s)
        return await super().propose(call)


def states(node: Node) -> dict[str, str]:
    return {node.members[p].name: state.status for p, state in node.swim.states().items() if p in node.members}


def report(node: Node, sitting: Sitting) -> dict[str, Any]:
    transport = node.transport
    assert isinstance(transport, ZenohTransport)
    channels = node.channels.values()
    return {
        "name": node.members[node.me].name,
        "pid": os.getpid(),
        "listening": transport.listening,
        "members": sorted(member.name for member in node.members.values()),
        "weights": {member.name: member.weight for member in node.members.values()},
        "states": states(node),
        "digests": {held.name: held.digest().hex() for held in channels},
        "messages": sum(held.size for held in channels),
        "forked": sorted({node.members[p].name for held in channels for p in held.forked if p in node.members}),
        "alarms": node.alarms,
        "refused": node.refusals(),
        "ended": sitting.ended,
    }


async def ask(node: Node, command: dict[str, Any]) -> dict[str, Any]:
    mesh = Mesh(node, certify=command.get("certify", False), wait_s=command.get("wait_s", 60))
    members = mesh.answering()
    swarm = Swarm(
        mesh.peers(members), network=mesh, protocol=Vote(patience_s=command.get("patience_s", 10)),
        weights={member.name: member.weight / UNIT for member in members},
    )  # fmt: skip
    decision = await swarm.ask(command["question"])
    return {
        "status": decision.status,
        "key": decision.key,
        "channel": decision.channel,
        "silent": sorted(decision.name(peer) for peer in decision.silent),
        "certificate": decision.certificate,
        "notes": decision.notes,
        "seconds": decision.seconds,
    }


async def obey(command: dict[str, Any], node: Node, sitting: Sitting, home: Home, key: str) -> dict[str, Any]:
    match command["do"]:
        case "ask":
            return await ask(node, command)
        case "invite":
            transport = node.transport
            assert isinstance(transport, ZenohTransport)
            made = new_invite(
                load_key(home.key_file(key)), node.genesis, endpoints=command.get("endpoints", transport.listening),
                now_ms=LoopClock().wall_ms() - command.get("ago_ms", 0), weight=command.get("weight", 0),
            )  # fmt: skip
            return {"invite": made.text}
        case "note":
            node.lobby.copy.publish(node.me, Note(about="greeting", text=command["text"]), [], node.clock.wall_ms())
            return {}
        case "spread":
            node.transport.spread(bytes.fromhex(command["datagram"]))
            return {}
        case "states":
            return dict(states(node))
        case _:
            return report(node, sitting)


def say(answer: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(answer) + "\n")
    sys.stdout.flush()


async def live(settings: dict[str, Any]) -> None:
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    home, key = Home(Path(settings["home"])), settings["key"]
    way = way_to(home, settings["swarm"], now_ms=LoopClock().wall_ms())
    listen = settings.get("listen")
    dialling = Dialling(
        None if listen is None else tuple(listen), tuple(settings.get("connect", ())), settings.get("mode", "peer")
    )
    async with present(home, way, key, dialling) as node:
        if "clock_ahead_ms" in settings:
            node.clock = SkewedClock(settings["clock_ahead_ms"])
        if "file_limit" in settings:
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (settings["file_limit"], resource.RLIM_INFINITY))
        transport = node.transport
        assert isinstance(transport, ZenohTransport)
        announce(node, Capability(ver=1, name=key, where=transport.listening))
        sitting = Sitting(node, Slow(key, settings.get("think_s", 0.0)))
        commands = asyncio.StreamReader()
        pipe, _ = await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(commands), sys.stdin)
        say({"listening": transport.listening, "key": node.me.hex()})

        async def answer(command: dict[str, Any]) -> None:
            try:
                said = await obey(command, node, sitting, home, key)
            except WaggleError as fault:
                said = {"error": type(fault).__name__, "says": str(fault)}
            say({**said, "to": command["number"]})

        tasks: set[asyncio.Task[None]] = set()
        ending = loop.create_task(stop.wait())
        while True:
            reading = loop.create_task(commands.readline())
            await asyncio.wait((reading, ending), return_when=asyncio.FIRST_COMPLETED)
            if stop.is_set() or not (line := reading.result()):
                reading.cancel()
                break
            task = loop.create_task(answer(json.loads(line)))
            tasks.add(task)
            task.add_done_callback(tasks.discard)
        for task in tasks:
            task.cancel()
        await asyncio.gather(reading, *tasks, return_exceptions=True)
        await sitting.close()
        pipe.close()


if __name__ == "__main__":
    share_one_heap()  # as `waggle join` does
    try:
        asyncio.run(live(json.loads(sys.argv[1])))
    except WaggleError as fault:
        say({"error": type(fault).__name__, "says": str(fault)})
        sys.exit(2)
