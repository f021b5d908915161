"""The flags of `waggle ask`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer

from waggledance.cli._ending import ending_well
from waggledance.cli._flag import Config, Json, Log, NoLog, Protocol, Rounds, Rule, Scrub, Seed, Topology, flag
from waggledance.cli._mesh import Client, Connect, Scout, TlsCa, TlsCertificate, TlsKey, dialling

_TEAM = "a team is formed of members of a swarm on the network: say which with --mesh"
_SIGNED = "a certificate is signed by members of a swarm on the network: say which with --mesh"
_AT_A_MESH = {"team": _TEAM, "skill": _TEAM, "certify": _SIGNED, "certificate": _SIGNED}
"""Flags that are for a swarm on the network, and what is said of them elsewhere."""
_HERE = {
    **{
        name.replace("-", "_"): f"its members think with what they have: leave --{name} out, or --mesh"
        for name in ("peers", "model", "tools", "temperature", "max-tokens", "scrub")
    },
    **{
        name.replace("-", "_"): f"a member's log holds what is said on the network: leave --{name} out, or --mesh"
        for name in ("log", "no-log")
    },
    "studio": "the studio shows what a peer of this machine holds: leave --studio out, and see `waggle studio --mesh`",
    "check": "what a mesh has said is checked afterwards: leave --check out, and see `waggle log check`",
    "practise": "skills are practised with peers of this machine: leave --practise out, or --mesh",
    "human": "the members of a swarm on the network answer: leave --human out, or --mesh",
    "explain": "why it is arranged so is explained of peers of this machine: leave --explain out, or --mesh",
}
"""Flags that are for peers of this machine, and what is said of them with ``--mesh``."""


@ending_well
def ask(
    question: Annotated[
        str, typer.Argument(metavar="QUESTION", help="What the swarm should answer; - reads it from stdin.")
    ],
    peers: Annotated[int | None, flag("How many peers to seat, 1 to 64 (default: 5).", "N")] = None,
    model: Annotated[
        list[str] | None,
        flag(
            "What peers think with: embedded, openai:NAME, gguf:FILE, … (see `waggle models`), or a2a:URL for an agent "
            "that is a peer; several are dealt out in turn (default: embedded).",
            "SPEC",
            names="model",
        ),
    ] = None,
    tools: Annotated[
        list[str] | None,
        flag("A tool server that peers may use, [tools.NAME] of waggle.toml; give several.", "NAME"),
    ] = None,
    protocol: Protocol = None,
    rule: Rule = None,
    topology: Topology = None,
    rounds: Rounds = None,
    patience: Annotated[
        float | None,
        flag("How long a round, and a model's answer, may take (default: 120, or the protocol's).", "SECONDS"),
    ] = None,
    answer: Annotated[
        str | None,
        flag(
            "What is asked for: number, choice, yes/no, short, free or code (default: guessed).",
            "KIND",
            names="kind of answer",
        ),
    ] = None,
    option: Annotated[list[str] | None, flag("One option of a question of choice; give two or more.", "TEXT")] = None,
    temperature: Annotated[
        float | None, flag("How freely models draw their words, 0 to 10 (default: the peer's).", "T")
    ] = None,
    max_tokens: Annotated[int | None, flag("Tokens of one answer at most (default: the peer's).", "N")] = None,
    scrub: Scrub = None,
    human: Annotated[bool, typer.Option("--human", help="Seat yourself as one more peer, at this terminal.")] = False,
    budget_tokens: Annotated[int | None, flag("Tokens to spend at most.", "N")] = None,
    budget_calls: Annotated[int | None, flag("Calls of models to make at most.", "N")] = None,
    budget_messages: Annotated[int | None, flag("Messages to publish at most.", "N")] = None,
    budget_usd: Annotated[float | None, flag("Dollars to spend at most, where prices are known.", "USD")] = None,
    seconds: Annotated[float | None, flag("Time to take at most.", "SECONDS")] = None,
    seed: Seed = None,
    over: Annotated[
        str | None,
        typer.Option("--mesh", metavar="SWARM", help="Ask a swarm on the network: its name, an invite or an endpoint."),
    ] = None,
    as_name: Annotated[str, typer.Option("--as", metavar="NAME", help="With --mesh: the key to ask with.")] = "asker",
    certify: Annotated[bool, typer.Option("--certify", help="With --mesh: let members certify the decision.")] = False,
    certificate: Annotated[
        Path | None, typer.Option(metavar="FILE", help="With --mesh: where to write the certificate; means --certify.")
    ] = None,
    team: Annotated[
        int | None,
        typer.Option(metavar="N", min=1, max=64, help="With --mesh: ask N volunteers that suit the question."),
    ] = None,
    skill: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="With --team: what its members can do; give several.")
    ] = None,
    connect: Connect = None,
    client: Client = False,
    scout: Scout = False,
    tls_ca: TlsCa = None,
    tls_certificate: TlsCertificate = None,
    tls_key: TlsKey = None,
    log: Log = None,
    no_log: NoLog = False,
    config: Config = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Show no progress, only the decision.")] = False,
    in_studio: Annotated[
        bool,
        typer.Option("--studio", help="Watch it in the browser while peers talk, and afterwards until Ctrl-C."),
    ] = False,
    explain: Annotated[
        bool, typer.Option("--explain", help="Say why it was arranged like this, and what being surer would cost.")
    ] = False,
    check: Annotated[
        bool, typer.Option("--check", help="Check the built-in contracts while peers talk; see `waggle log check`.")
    ] = False,
    practise: Annotated[
        Path | None,
        flag("A book of skills: two are asked first where a kind of question went well; made if missing.", "FILE"),
    ] = None,
    as_json: Json = False,
) -> None:
    """Let a swarm agree on an answer.

    The answer is the first line of stdout; support, dissent and cost follow. Progress goes to stderr.

    Exit codes: 0 there is an answer, 2 it cannot be asked like that, 3 no peer answered or a contract is broken, 74 the
    log could not be written, 130 interrupted (what was said by then is decided on, printed and kept).
    """
    flags = {
        "ask.peers": peers,
        "ask.model": tuple(model) if model else None,
        "ask.tools": tuple(tools) if tools else None,
        "ask.protocol": protocol,
        "ask.rule": rule,
        "ask.topology": topology,
        "ask.rounds": rounds,
        "ask.patience_s": patience,
        "ask.answer": answer,
        "ask.temperature": temperature,
        "ask.max_tokens": max_tokens,
        "ask.scrub": scrub,
        "ask.seed": seed,
        "budget.tokens": budget_tokens,
        "budget.calls": budget_calls,
        "budget.messages": budget_messages,
        "budget.usd": budget_usd,
        "budget.seconds": seconds,
        "log.path": None if log is None else str(log),
        "log.keep": False if no_log else None,
    }
    if over is None:
        from waggledance.cli._ask import ask

        _check_none(_AT_A_MESH, team=team, skill=skill, certify=certify, certificate=certificate)
        ask(
            question, flags, config=config, options=tuple(option or ()), human=human, quiet=quiet, as_json=as_json,
            explain=explain, check=check, studio=in_studio, practise=practise,
        )  # fmt: skip
        return
    from waggledance.cli._mesh_ask import Whom, ask_mesh

    _check_none(
        _HERE, studio=in_studio, check=check, practise=practise, human=human, explain=explain, peers=peers, model=model,
        tools=tools, temperature=temperature, max_tokens=max_tokens, scrub=scrub, log=log, no_log=no_log,
    )  # fmt: skip
    way = dialling(None, connect, hub=False, client=client, scout=scout, tls=(tls_ca, tls_certificate, tls_key))
    whom = Whom(over, as_name, certify or certificate is not None, certificate, way, team, tuple(skill or ()))
    ask_mesh(question, flags, whom, config=config, options=tuple(option or ()), quiet=quiet, as_json=as_json)


def _check_none(why_not: Mapping[str, str], **given: object) -> None:
    """Refuse flags that are for another place than the one asked.

    Args:
        why_not: by flag, why it has no place here and what to do.
        given: by flag, what was given.

    Raises:
        UsageError: one was given.
    """
    from waggledance.core import UsageError

    for name, value in given.items():
        if not (value is None or value is False or value == []):  # a temperature may be 0
            raise UsageError(why_not[name])
