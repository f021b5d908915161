"""`waggle mcp`: a swarm as an MCP server over stdin and stdout; its own, or one on the network whose member this is."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import Coroutine, Mapping
from contextlib import AbstractAsyncContextManager, suppress
from functools import partial
from pathlib import Path
from typing import Any

import msgspec

from waggledance.cli._config import InForce, in_force
from waggledance.cli._journal import opened_log
from waggledance.cli._membership import Membership, joined, memberships, praise_at
from waggledance.cli._printing import say
from waggledance.cli._protocol_from import protocol_from
from waggledance.cli._serve_command import served
from waggledance.core import Budget, Log, UsageError, run_awake
from waggledance.gateways import Desk, Host, MeshThreads, hosted_on_mesh, serve_stdio
from waggledance.gateways._host import DEFAULT
from waggledance.gateways._mcp_gateway import check_installed
from waggledance.mesh import Dialling
from waggledance.tasks import register_protocols


def serve_mcp(flags: Mapping[str, object], membership: Membership | None, *, config: Path | None) -> None:
    """Speak MCP until the client hangs up.

    Args:
        flags: settings from the command line, by key; None is "not given".
        membership: of a swarm on the network, whose members then answer; peers of this process when None.
        config: a waggle.toml.

    Raises:
        UsageError: it cannot be served like that, or a person sits at stdin.
        RunFailed: the package that speaks MCP is not installed.
        NotLetIn: nobody of the swarm answers, or this key is no member.
    """
    if sys.stdin.isatty():
        raise UsageError(
            "MCP is spoken by programs: let your agent start this command, as `waggle mcp`, or serve it over HTTP "
            "with `waggle serve --door mcp`"
        )
    check_installed()
    force = in_force(flags, config=config)
    register_protocols()
    if membership is not None:
        _until_told(_on_mesh(force, membership))
        return
    with opened_log(force) as log:
        _until_told(_here(served(force, memberships(force, None, Dialling()), log)))


def _until_told(serving: Coroutine[Any, Any, None]) -> None:
    """Serve until the client hangs up, or a signal says to end."""

    async def main() -> None:
        task = asyncio.get_running_loop().create_task(serving)
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
        with suppress(asyncio.CancelledError):
            await task

    run_awake(main())


async def _here(served: AbstractAsyncContextManager[Host]) -> None:
    async with served as host:
        try:
            say(f"MCP over stdio: {', '.join(host.swarms)}")
            await serve_stdio(host)
        finally:
            await host.drain(0.0)


async def _on_mesh(force: InForce, membership: Membership) -> None:
    async with joined(membership) as node:
        hosted = hosted_on_mesh(
            node,
            protocol=protocol_from(force),
            budget=Budget(**msgspec.structs.asdict(force.settings.budget)),
            seed=force.settings.ask.seed,
        )
        host = Host({DEFAULT: hosted}, node.log if isinstance(node.log, Log) else None)
        host.subscribe(partial(praise_at, {DEFAULT: node}))
        me, swarm = node.members[node.me].name, node.genesis.name
        say(f"MCP over stdio: {me} of {swarm}, {len(node.members)} members")
        await serve_stdio(host, Desk(MeshThreads(node)))
