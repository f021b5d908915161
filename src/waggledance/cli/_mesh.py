"""`waggle join`, `waggle mesh`, `waggle verify`: their flags and their help."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from waggledance.cli._ending import ending_well
from waggledance.cli._help import Commands

if TYPE_CHECKING:
    from waggledance.mesh import Dialling

mesh = typer.Typer(
    cls=Commands, help="See how swarms on the network are doing, and invite peers to them.", no_args_is_help=True
)

Json = Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else on stdout.")]
Swarm = Annotated[
    str | None, typer.Argument(metavar="SWARM", help="A swarm that is known here; may be left out if it is one.")
]
As = Annotated[str | None, typer.Option("--as", metavar="NAME", help="The key whose peer is meant.")]
Listen = Annotated[
    list[str] | None,
    typer.Option(
        metavar="ENDPOINT",
        help="Where to take connections, such as tcp/0.0.0.0:7447 (default: a free one, for this machine only).",
    ),
]
Connect = Annotated[
    list[str] | None, typer.Option(metavar="ENDPOINT", help="Whom to dial, besides those that are known.")
]
Client = Annotated[bool, typer.Option("--client", help="Take no connections: dial hubs, as from behind a gateway.")]
Scout = Annotated[bool, typer.Option("--scout", help="Find members on the local network by multicast.")]
TlsCa = Annotated[Path | None, typer.Option(metavar="FILE", help="Certificates that links must show.")]
TlsCertificate = Annotated[Path | None, typer.Option(metavar="FILE", help="This peer's certificate for links.")]
TlsKey = Annotated[Path | None, typer.Option(metavar="FILE", help="The key of that certificate.")]


@ending_well
def join(
    what: Annotated[
        str | None,
        typer.Argument(metavar="SWARM", help="An invite, the name of a swarm that is known here, or an endpoint."),
    ] = None,
    new: Annotated[str | None, typer.Option(metavar="NAME", help="Found a swarm of this name.")] = None,
    genesis: Annotated[
        Path | None, typer.Option(metavar="FILE", help="The genesis of a swarm that this machine does not know yet.")
    ] = None,
    founder: Annotated[
        list[str] | None, typer.Option(metavar="NAME=KEY", help="With --new: who else founds it; see `waggle id show`.")
    ] = None,
    votes: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            min=0,
            help="With --new: votes that each founder's invites may grant (15 of one, 1 of several).",
        ),
    ] = None,
    admission: Annotated[
        Literal["closed", "invited", "quorum"], typer.Option(help="With --new: who comes in later.")
    ] = "invited",
    quorum: Annotated[
        Literal["byzantine", "crash"], typer.Option(help="With --new: whether members may lie, or only fall silent.")
    ] = "byzantine",
    as_name: Annotated[
        str, typer.Option("--as", metavar="NAME", help="The key to speak with; made if missing.")
    ] = "me",
    model: Annotated[
        str | None, typer.Option(metavar="SPEC", help="What the peer thinks with, as in waggle ask.")
    ] = None,
    listen: Listen = None,
    connect: Connect = None,
    hub: Annotated[bool, typer.Option("--hub", help="Be a hub that clients behind gateways meet at.")] = False,
    client: Client = False,
    scout: Scout = False,
    tls_ca: TlsCa = None,
    tls_certificate: TlsCertificate = None,
    tls_key: TlsKey = None,
    about: Annotated[str, typer.Option(metavar="TEXT", help="What the peer says of itself.")] = "",
    skill: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="Something it is good at; give several.")
    ] = None,
    tag: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="A kind of peer it is, for roll-outs; give several.")
    ] = None,
    price: Annotated[int, typer.Option(metavar="N", min=0, help="Millionths of a dollar for 1,000 tokens.")] = 0,
    temperature: Annotated[
        float | None, typer.Option(metavar="T", help="How freely the model draws its words.")
    ] = None,
    max_tokens: Annotated[int | None, typer.Option(metavar="N", help="Tokens of one answer at most.")] = None,
    budget_tokens: Annotated[
        int | None, typer.Option(metavar="N", help="Tokens that one question may cost here.")
    ] = None,
    budget_calls: Annotated[
        int | None, typer.Option(metavar="N", help="Calls that one question may cost here.")
    ] = None,
    quota_tokens: Annotated[
        int | None, typer.Option(metavar="N", help="Tokens that each asker may cost here in an hour (2000000).")
    ] = None,
    quota_calls: Annotated[
        int | None, typer.Option(metavar="N", help="Calls that each asker may cost here in an hour (10000).")
    ] = None,
    config: Annotated[
        Path | None, typer.Option(metavar="FILE", help="A waggle.toml (default: looked for here and above).")
    ] = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Show no progress.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print its status as one JSON object a second.")] = False,
) -> None:
    """Be a peer of a swarm on the network, until interrupted: answer what others ask, certify what they decide.

    The first time with an invite, or with --new; afterwards the swarm's name is enough.

    Exit codes: 0 it ended when told to, 2 it cannot join like that, 3 nobody let it in, 74 it could not write.
    """
    from waggledance.cli._join_command import Founding, join
    from waggledance.core import UsageError

    if new is None and founder:
        raise UsageError("--founder is for a new swarm: give --new NAME too")
    if sum(given is not None for given in (new, what, genesis)) > 1:
        raise UsageError("say one of these: a swarm to join, --new NAME to found one, or --genesis FILE")
    flags = {
        "ask.model": (model,) if model else None,
        "ask.temperature": temperature,
        "ask.max_tokens": max_tokens,
        "budget.tokens": budget_tokens,
        "budget.calls": budget_calls,
        "quota.tokens": quota_tokens,
        "quota.calls": quota_calls,
    }
    join(
        what, genesis, None if new is None else Founding(new, tuple(founder or ()), votes, admission, quorum), flags,
        key_name=as_name, dialling=dialling(listen, connect, hub=hub, client=client, scout=scout,
                                            tls=(tls_ca, tls_certificate, tls_key)),
        config=config, about=about, skills=tuple(skill or ()), tags=tuple(tag or ()), micro_usd_1k=price, quiet=quiet,
        as_json=as_json,
    )  # fmt: skip


@mesh.command("status")
@ending_well
def mesh_status(swarm: Swarm = None, as_json: Json = False) -> None:
    """Say how the peers of this machine are doing: members, questions, refusals, alarms."""
    from waggledance.cli._mesh_commands import show_status

    show_status(swarm, as_json=as_json)


@mesh.command("genesis")
@ending_well
def mesh_genesis(swarm: Swarm = None) -> None:
    """Print a swarm's genesis, to mail: who founded it, and its rules. Nothing in it is secret."""
    from waggledance.cli._mesh_commands import show_genesis

    show_genesis(swarm)


@mesh.command("peers")
@ending_well
def mesh_peers(swarm: Swarm = None, as_name: As = None, as_json: Json = False) -> None:
    """List the members of a swarm, and what they say they can do."""
    from waggledance.cli._mesh_commands import show_peers

    show_peers(swarm, as_name, as_json=as_json)


@mesh.command("watch")
@ending_well
def mesh_watch(swarm: Swarm = None, as_name: As = None) -> None:
    """Watch who comes and goes and what is asked, until interrupted."""
    from waggledance.cli._mesh_commands import watch

    watch(swarm, as_name)


Who = Annotated[str, typer.Argument(metavar="WHO", help="A name, or how a key begins; see `waggle mesh status`.")]
Of = Annotated[str | None, typer.Option("--swarm", metavar="SWARM", help="A swarm that is known here.")]


@mesh.command("admit")
@ending_well
def mesh_admit(
    who: Who,
    vote: Annotated[float, typer.Option(metavar="W", min=0, help="The vote it gets; 0 to ask and answer only.")] = 1.0,
    swarm: Of = None,
    as_name: As = None,
) -> None:
    """Vote to admit a peer, or to change a member's vote; it counts once a quorum says the same."""
    from waggledance.cli._mesh_commands import order

    order(swarm, as_name, "admit", who, vote, "")


@mesh.command("revoke")
@ending_well
def mesh_revoke(
    who: Who,
    reason: Annotated[str, typer.Option(metavar="TEXT", help="Why, for the others to read.")] = "",
    swarm: Of = None,
    as_name: As = None,
) -> None:
    """Vote to put a member out, such as one whose key was stolen; it counts once a quorum says so, for good."""
    from waggledance.cli._mesh_commands import order

    order(swarm, as_name, "revoke", who, 0, reason)


@mesh.command("leave")
@ending_well
def mesh_leave(swarm: Swarm = None, as_name: As = None) -> None:
    """Let a peer of this machine leave its swarm, for good: its key cannot come back."""
    from waggledance.cli._mesh_commands import order

    order(swarm, as_name, "leave", "", 0, "")


@mesh.command("invite")
@ending_well
def mesh_invite(
    swarm: Swarm = None,
    as_name: As = None,
    vote: Annotated[bool, typer.Option("--vote", help="Let the guest vote; founders only.")] = False,
    guest: Annotated[str, typer.Option("--for", metavar="NAME", help="How the guest is called.")] = "",
    days: Annotated[int, typer.Option(metavar="N", help="How long it is good.")] = 7,
    endpoint: Annotated[
        list[str] | None, typer.Option(metavar="ENDPOINT", help="Where members are reached (default: where they say).")
    ] = None,
    as_json: Json = False,
) -> None:
    """Print an invite for one peer."""
    from waggledance.cli._mesh_commands import invite

    invite(swarm, as_name, vote=vote, guest=guest, days=days, endpoints=tuple(endpoint or ()), as_json=as_json)


@ending_well
def verify(
    file: Annotated[str, typer.Argument(metavar="FILE", help="A certificate; - reads it from stdin.")],
    genesis: Annotated[
        Path | None, typer.Option(metavar="FILE", help="The swarm's genesis: its founders' keys are trusted.")
    ] = None,
    swarm: Annotated[
        str | None, typer.Option(metavar="SWARM", help="A swarm that is known here: its members' keys are trusted.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Check a certificate offline: that a quorum signed exactly this answer.

    Exit codes: 0 it holds, 2 it cannot be read, 3 it proves nothing.
    """
    from waggledance.cli._verify_command import verify

    verify(file, genesis, swarm, as_json=as_json)


def dialling(
    listen: list[str] | None,
    connect: list[str] | None,
    *,
    hub: bool,
    client: bool,
    scout: bool,
    tls: tuple[Path | None, Path | None, Path | None],
) -> Dialling:
    """Return how others are met, from flags.

    Raises:
        UsageError: they contradict each other, or one of three TLS files is missing.
    """
    from waggledance.core import UsageError
    from waggledance.mesh import Dialling, Tls

    if hub and client:
        raise UsageError("a hub takes connections and a client takes none: choose one")
    ca, certificate, key = tls
    if any(tls) and not (ca and certificate and key):
        raise UsageError("encrypted links need all three: --tls-ca, --tls-certificate and --tls-key")
    return Dialling(
        listen=tuple(listen) if listen else None,
        connect=tuple(connect or ()),
        mode="router" if hub else "client" if client else "peer",
        scouting=scout,
        tls=Tls(ca, certificate, key) if ca and certificate and key else None,
    )
