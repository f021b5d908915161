"""`waggle mesh find|card|reputation` and `waggle rollout`: their flags and their help."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from waggledance.cli._ending import ending_well
from waggledance.cli._help import Commands
from waggledance.cli._mesh import As, Client, Connect, Json, Scout, Swarm, TlsCa, TlsCertificate, TlsKey, dialling, mesh

rollout = typer.Typer(
    cls=Commands, help="Bring new prompts, skills or adapters to the peers they are for.", no_args_is_help=True
)

NOT_DONE = 3
SwarmOption = Annotated[
    str | None,
    typer.Option("--swarm", metavar="SWARM", help="A swarm that is known here; may be left out if it is one."),
]
Asker = Annotated[str, typer.Option("--as", metavar="NAME", help="The key to speak with.")]


@mesh.command("find")
@ending_well
def mesh_find(
    text: Annotated[str, typer.Argument(metavar="TEXT", help="What is looked for, in words.")] = "",
    skill: Annotated[list[str] | None, typer.Option(metavar="NAME", help="What it can do; give several.")] = None,
    tag: Annotated[list[str] | None, typer.Option(metavar="NAME", help="A tag that it has; give several.")] = None,
    max_price: Annotated[
        int | None, typer.Option(metavar="N", min=0, help="Millionths of a dollar for 1,000 tokens at most.")
    ] = None,
    swarm: SwarmOption = None,
    as_name: Asker = "asker",
    connect: Connect = None,
    client: Client = False,
    scout: Scout = False,
    tls_ca: TlsCa = None,
    tls_certificate: TlsCertificate = None,
    tls_key: TlsKey = None,
    as_json: Json = False,
) -> None:
    """Find the members that suit best, by what they say, what was seen of them, and price; say why.

    Exit codes: 0 somebody was found, 2 it cannot be asked like that, 3 nobody meets it.
    """
    from waggledance.cli._mesh_find import find
    from waggledance.core import well_formed
    from waggledance.mesh import Need

    need = Need(
        text=well_formed(text), skills=tuple(skill or ()), tags=tuple(tag or ()), max_micro_usd_1k=max_price
    )  # fmt: skip
    way = dialling(None, connect, hub=False, client=client, scout=scout, tls=(tls_ca, tls_certificate, tls_key))
    if not find(swarm, need, as_name, way, as_json=as_json):
        raise typer.Exit(NOT_DONE)


@mesh.command("card")
@ending_well
def mesh_card(
    name: Annotated[str | None, typer.Argument(metavar="NAME", help="A peer of this machine, by its key.")] = None,
    swarm: SwarmOption = None,
) -> None:
    """Print a peer of this machine as an A2A agent card, signed with its key."""
    from waggledance.cli._mesh_find import print_card

    print_card(name, swarm)


@mesh.command("reputation")
@ending_well
def mesh_reputation(swarm: Swarm = None, as_name: As = None, as_json: Json = False) -> None:
    """Say how members did: what a peer of this machine saw itself, and MeritRank over all feedback."""
    from waggledance.cli._mesh_find import show_reputation

    show_reputation(swarm, as_name, as_json=as_json)


@rollout.command("start")
@ending_well
def rollout_start(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="What is rolled out.")],
    kind: Annotated[
        Literal["prompts", "skill", "adapter", "data"],
        typer.Option(help="What it is; all but data needs a yes of the swarm."),
    ],
    to: Annotated[list[str], typer.Option(metavar="TAG", help="Whom it is for; of several tags, who has all.")],
    certificate: Annotated[
        Path | None, typer.Option(metavar="FILE", help="The swarm's yes, certified before (default: ask for it now).")
    ] = None,
    print_question: Annotated[
        bool, typer.Option("--print-question", help="Only print what the swarm is to be asked.")
    ] = False,
    wait: Annotated[float, typer.Option(metavar="SECONDS", min=0, help="How long to stay.")] = 300.0,
    swarm: SwarmOption = None,
    as_name: Asker = "asker",
    connect: Connect = None,
    client: Client = False,
    scout: Scout = False,
    tls_ca: TlsCa = None,
    tls_certificate: TlsCertificate = None,
    tls_key: TlsKey = None,
    as_json: Json = False,
) -> None:
    """Bring a file to all peers with these tags: one first, then more, while those who have it are well.

    Exit codes: 0 all have it, 2 it cannot be rolled out like that, 3 the swarm said no, or not all have it by now.
    """
    from waggledance.cli._rollout_commands import Starting, start

    way = dialling(None, connect, hub=False, client=client, scout=scout, tls=(tls_ca, tls_certificate, tls_key))
    starting = Starting(file, kind, tuple(to), swarm, as_name, certificate, way, wait)
    if not start(starting, only_question=print_question, as_json=as_json):
        raise typer.Exit(NOT_DONE)


@rollout.command("status")
@ending_well
def rollout_status(swarm: Swarm = None, as_name: As = None, as_json: Json = False) -> None:
    """Say where every roll-out stands, as a peer of this machine knows it."""
    from waggledance.cli._rollout_commands import show

    show(swarm, as_name, as_json=as_json)
