"""The flags of `waggle mcp`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from waggledance.cli._ending import ending_well
from waggledance.cli._flag import Log, Models, NoLog, Protocol, Rounds, Rule, Seed, flag
from waggledance.cli._mesh import Client, Connect, Listen, Scout


@ending_well
def mcp(
    mesh: Annotated[
        str | None,
        flag(
            "Be a member of a swarm on the network: an invite, its name, or an endpoint. Its members answer.", "SWARM"
        ),
    ] = None,
    as_name: Annotated[
        str, typer.Option("--as", metavar="NAME", help="With --mesh: the key to speak with; made if missing.")
    ] = "me",
    listen: Listen = None,
    connect: Connect = None,
    client: Client = False,
    scout: Scout = False,
    peers: Annotated[int | None, flag("Peers of the default swarm, 1 to 64 (default: 5).", "N")] = None,
    model: Models = None,
    protocol: Protocol = None,
    rule: Rule = None,
    rounds: Rounds = None,
    seed: Seed = None,
    budget_tokens: Annotated[int | None, flag("Tokens that one question may cost.", "N")] = None,
    budget_calls: Annotated[int | None, flag("Calls of models that one question may cost.", "N")] = None,
    seconds: Annotated[float | None, flag("Seconds that one question may take.", "SECONDS")] = None,
    log: Log = None,
    no_log: NoLog = False,
    config: Annotated[
        Path | None,
        flag("A waggle.toml, with more swarms as [swarms.NAME] (default: looked for here and above).", "FILE"),
    ] = None,
) -> None:
    """Speak MCP over stdin and stdout: the swarm as tools of whatever agent starts this command.

    The tools are ask, run and log; with --mesh, thread_open, thread_say, thread_wait and thread_close besides, by which
    agents that each start such a command talk with each other, with no server in the middle. Ends when stdin ends. Over
    HTTP the same is at /mcp of `waggle serve`.

    Exit codes: 0 the client has hung up, 2 it cannot be served like that, 3 the swarm could not be reached.
    """
    from waggledance.cli._mcp_command import serve_mcp
    from waggledance.cli._membership import Membership
    from waggledance.mesh import Dialling

    flags = {
        "ask.peers": peers,
        "ask.model": tuple(model) if model else None,
        "ask.protocol": protocol,
        "ask.rule": rule,
        "ask.rounds": rounds,
        "ask.seed": seed,
        "budget.tokens": budget_tokens,
        "budget.calls": budget_calls,
        "budget.seconds": seconds,
        "log.path": None if log is None else str(log),
        "log.keep": False if no_log else None,
    }
    if mesh is None:
        serve_mcp(flags, None, config=config)
        return
    dialling = Dialling(
        listen=tuple(listen) if listen else None,
        connect=tuple(connect or ()),
        mode="client" if client else "peer",
        scouting=scout,
    )
    serve_mcp(flags, Membership(mesh, as_name, dialling), config=config)
