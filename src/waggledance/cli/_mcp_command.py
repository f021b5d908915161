"""`waggle mcp`: a swarm as an MCP server over stdin and stdout; its own, or one on the network whose member this is."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import Coroutine, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from waggledance._swarm import Swarm
from waggledance.cli._config import InForce, in_force
from waggledance.cli._journal import opened_log
from waggledance.cli._models_here import models_for
from waggledance.cli._printing import say
from waggledance.cli._protocol_from import protocol_from
from waggledance.cli._seating import model_name, tables
from waggledance.cli._serve_command import hosted
from waggledance.core import Budget, Log, LoopClock, Question, UsageError
from waggledance.gateways import Desk, Host, Hosted, MeshThreads, serve_stdio
from waggledance.gateways._host import DEFAULT
from waggledance.mesh import Dialling, Home, Mesh, present, way_to
from waggledance.models import Model
from waggledance.tasks import register_protocols


@dataclass(frozen=True)
class Membership:
    """As whom this process is a member of which swarm on the network, and how it meets the others."""

    what: str
    """An invite, a swarm's name, or an endpoint."""
    key_name: str
    dialling: Dialling


def serve_mcp(flags: Mapping[str, object], membership: Membership | None, *, config: Path | None) -> None:
    """Speak MCP until the client hangs up.

    Args:
        flags: settings from the command line, by key; None is "not given".
        membership: of a swarm on the network, whose members then answer; peers of this process when None.
        config: a waggle.toml.

    Raises:
        UsageError: it cannot be served like that, or a person sits at stdin.
        NotLetIn: nobody of the swarm answers, or this key is no member.
    """
    if sys.stdin.isatty():
        raise UsageError(
            "MCP is spoken by programs: let your agent start this command, as `waggle mcp`, or serve it over HTTP "
            "with `waggle serve --door mcp`"
        )
    force = in_force(flags, config=config)
    register_protocols()
    if membership is not None:
        _until_told(_on_mesh(force, membership))
        return
    forces = {DEFAULT: force, **{name: force.of_swarm(name) for name in force.settings.swarms}}
    models = models_for({model_name(row, one) for one in forces.values() for row in tables(one)}, force)
    with opened_log(force) as log:
        host = Host({name: hosted(name, one, models, log) for name, one in forces.items()}, log)
        _until_told(_here(host, tuple(models.values())))


def _until_told(serving: Coroutine[Any, Any, None]) -> None:
    """Serve until the client hangs up, or a signal says to end."""

    async def main() -> None:
        task = asyncio.get_running_loop().create_task(serving)
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
        with suppress(asyncio.CancelledError):
            await task

    asyncio.run(main())


async def _here(host: Host, models: tuple[Model, ...]) -> None:
    try:
        say(f"MCP over stdio: {', '.join(host.swarms)}")
        await serve_stdio(host)
    finally:
        await host.drain(0.0)
        for model in models:
            await model.aclose()


async def _on_mesh(force: InForce, membership: Membership) -> None:
    home = Home()
    way = way_to(home, membership.what, now_ms=LoopClock().wall_ms())
    async with present(home, way, membership.key_name, membership.dialling) as node:
        mesh = Mesh(node)
        members = mesh.answering()
        protocol, _ = protocol_from(force, Question(text="?", expects="short"), human=False)
        swarm = Swarm(
            mesh.peers(members),
            network=mesh,
            protocol=protocol,
            weights={member.name: member.weight / 1e6 for member in members},
            seed=force.settings.ask.seed,
        )
        budget = Budget(**msgspec.structs.asdict(force.settings.budget))
        log = node.log if isinstance(node.log, Log) else None
        host = Host({DEFAULT: Hosted(swarm, about=f"members of {way.swarm_name}", budget=budget)}, log)
        say(f"MCP over stdio: {node.members[node.me].name} of {way.swarm_name}, {len(node.members)} members")
        await serve_stdio(host, Desk(MeshThreads(node)))
