"""The flags of `waggle serve`."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from waggledance.cli._ending import ending_well
from waggledance.cli._flag import Log, Models, NoLog, OpenToAll, Protocol, Rounds, Rule, Scrub, Seed, Topology, flag
from waggledance.cli._mesh import Client, Connect, Listen, Scout, TlsCa, TlsCertificate, TlsKey, dialling


class Door(StrEnum):
    """A protocol that the server speaks."""

    OPENAI = "openai"
    A2A = "a2a"
    MCP = "mcp"
    AGUI = "agui"
    CHAT = "chat"


@ending_well
def serve(
    host: Annotated[str, flag("The address to listen on; 127.0.0.1 is this machine alone.", "ADDRESS")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65_535, help="The port; 0 takes a free one.", metavar="N")] = 8000,
    door: Annotated[
        list[Door] | None, typer.Option(help="A protocol to speak; give several (default: all installed but chat).")
    ] = None,
    keys: Annotated[
        Path | None,
        flag("API keys, one a line as: name key; mode 0600 (default: WAGGLE_API_KEYS, or none asked for).", "FILE"),
    ] = None,
    did: Annotated[
        list[str] | None,
        flag(
            "Let in who signs requests as this name on the web, as in did:wba:bees.example; give several; they sign "
            "for --name, or the host of --url.",
            "DID",
        ),
    ] = None,
    open_to_all: OpenToAll = False,
    rate: Annotated[int | None, flag("Requests a minute of one caller (default: any number).", "N")] = None,
    at_once: Annotated[int, typer.Option(min=1, max=100_000, help="Questions at work at once.", metavar="N")] = 1_000,
    max_body: Annotated[int, flag("Bytes of one request.", "BYTES")] = 10 * 1024 * 1024,
    cors_origin: Annotated[
        list[str] | None, flag("Whose web pages may call, as in https://chat.example (default: nobody's).", "ORIGIN")
    ] = None,
    name: Annotated[
        list[str] | None, flag("A host name that we go by; give several (default: the address's own).", "HOST")
    ] = None,
    drain: Annotated[
        float, typer.Option(min=0, help="Told to end, let questions at work take so long.", metavar="SECONDS")
    ] = 30.0,
    url: Annotated[
        str, flag("The address that callers know us by, behind a proxy (default: as they ask for it).", "URL")
    ] = "",
    webhook: Annotated[
        list[str] | None,
        flag(
            "Where notifications of A2A tasks may go: a host or a network, and then nowhere else; loopback lets this "
            "machine be told too (default: any public address).",
            "HOST",
        ),
    ] = None,
    wait: Annotated[
        float | None,
        typer.Option(
            min=0,
            help="How long an A2A caller waits for a task before it gets it unfinished (default: to its end).",
            metavar="SECONDS",
        ),
    ] = None,
    grpc: Annotated[
        str, flag("Speak A2A by gRPC too, at this place, as in 127.0.0.1:50051; needs the extra grpc.", "HOST:PORT")
    ] = "",
    sign_as: Annotated[
        str | None,
        flag("Sign A2A cards with this key of `waggle id`; with an https --url, it is our did:wba's too.", "NAME"),
    ] = None,
    in_studio: Annotated[
        bool, typer.Option("--studio", help="Show it all in the browser, under /studio/; prints the address.")
    ] = False,
    mesh: Annotated[
        str | None,
        flag("Let the members of a swarm on the network answer: its name, an invite or an endpoint.", "SWARM"),
    ] = None,
    as_name: Annotated[
        str, typer.Option("--as", metavar="NAME", help="With --mesh: the key to ask with; made if missing.")
    ] = "server",
    certify: Annotated[
        bool, typer.Option("--certify", help="With --mesh: let members certify what they decide.")
    ] = False,
    listen: Listen = None,
    connect: Connect = None,
    client: Client = False,
    scout: Scout = False,
    tls_ca: TlsCa = None,
    tls_certificate: TlsCertificate = None,
    tls_key: TlsKey = None,
    peers: Annotated[int | None, flag("Peers of the default swarm, 1 to 64 (default: 5).", "N")] = None,
    model: Models = None,
    protocol: Protocol = None,
    rule: Rule = None,
    topology: Topology = None,
    rounds: Rounds = None,
    answer: Annotated[
        str | None, flag("What kind of answers count (default: guessed for each question).", "KIND")
    ] = None,
    temperature: Annotated[float | None, flag("How freely models draw their words, 0 to 10.", "T")] = None,
    max_tokens: Annotated[int | None, flag("Tokens of one peer's answer at most (default: 256).", "N")] = None,
    scrub: Scrub = None,
    seed: Seed = None,
    practise: Annotated[
        Path | None,
        flag("Practise kinds of questions that recur: a folder with a book of skills for each caller.", "FOLDER"),
    ] = None,
    profiles: Annotated[
        Path | None,
        flag("Keep running means of what each caller asks for; numbers, theirs to read and erase at /profile.", "FILE"),
    ] = None,
    budget_tokens: Annotated[int | None, flag("Tokens that one question may cost.", "N")] = None,
    budget_calls: Annotated[int | None, flag("Calls of models that one question may cost.", "N")] = None,
    budget_usd: Annotated[
        float | None, flag("Dollars that one question may cost, where prices are known.", "USD")
    ] = None,
    seconds: Annotated[float | None, flag("Seconds that one question may take.", "SECONDS")] = None,
    log: Log = None,
    no_log: NoLog = False,
    config: Annotated[
        Path | None,
        flag("A waggle.toml, with more swarms as [swarms.NAME] (default: looked for here and above).", "FILE"),
    ] = None,
) -> None:
    """Serve swarms as models, agents and tools: OpenAI's API, A2A, MCP and AG-UI, on one port.

    For OpenAI's clients the address is http://127.0.0.1:8000/v1; the models are waggle/default, waggle/NAME for each
    [swarms.NAME] of waggle.toml, and waggle/PROTOCOL for each protocol. Ended by Ctrl-C or SIGTERM it takes no new
    questions and lets those at work end; a second time it stops them.

    With --mesh the members of a swarm on the network answer, on whatever machines they are; who joins or leaves counts
    from the next question on.

    Exit codes: 0 ended as told, 2 it cannot be served like that, 3 nobody of the swarm let us in, 74 the log
    could not be written.
    """
    from waggledance.cli._membership import Membership
    from waggledance.cli._serve_command import Opening, serve
    from waggledance.core import UsageError

    flags = {
        "ask.peers": peers,
        "ask.model": tuple(model) if model else None,
        "ask.protocol": protocol,
        "ask.rule": rule,
        "ask.topology": topology,
        "ask.rounds": rounds,
        "ask.answer": answer,
        "ask.temperature": temperature,
        "ask.max_tokens": max_tokens,
        "ask.scrub": scrub,
        "ask.seed": seed,
        "budget.tokens": budget_tokens,
        "budget.calls": budget_calls,
        "budget.usd": budget_usd,
        "budget.seconds": seconds,
        "log.path": None if log is None else str(log),
        "log.keep": False if no_log else None,
    }
    opening = Opening(
        address=host, port=port, doors=tuple(map(str, door or ())), keys=keys, open_to_all=open_to_all, rate=rate,
        at_once=at_once, max_body=max_body, origins=tuple(cors_origin or ()), names=tuple(name or ()), drain_s=drain,
        studio=in_studio,
        url=url, webhooks=tuple(webhook or ()), sign_as=sign_as, dids=tuple(did or ()), wait_s=wait, grpc=grpc,
        practise=practise, profiles=profiles,
    )  # fmt: skip
    if mesh is None and certify:
        raise UsageError("--certify is for a swarm on the network: give --mesh SWARM, or certify = true in waggle.toml")
    way = dialling(listen, connect, hub=False, client=client, scout=scout, tls=(tls_ca, tls_certificate, tls_key))
    membership = None if mesh is None else Membership(mesh, as_name, way, certify)
    serve(flags, opening, way, membership, config=config)
