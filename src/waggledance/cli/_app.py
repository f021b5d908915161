"""`waggle`: its commands, their flags and their help. Nothing heavy is loaded before a command runs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from waggledance.cli._chat_flags import chat
from waggledance.cli._ending import ending_well
from waggledance.cli._find_flags import rollout
from waggledance.cli._flag import (
    Config,
    Json,
    Log,
    NoLog,
    Protocol,
    Rounds,
    Rule,
    Scrub,
    Seed,
    Topology,
    completing,
    flag,
)
from waggledance.cli._help import ASK, HERE, LOOK_BACK, MEASURE, NETWORK, OPEN, WORK, Command, Commands, Root
from waggledance.cli._id_commands import ids
from waggledance.cli._lab import lab
from waggledance.cli._log_flags import Channel, logs
from waggledance.cli._mcp_flags import mcp
from waggledance.cli._memory_commands import memory
from waggledance.cli._mesh import Client, Connect, Scout, TlsCa, TlsCertificate, TlsKey, dialling, join, mesh, verify
from waggledance.cli._run_flags import run as run_batch
from waggledance.cli._serve_flags import serve
from waggledance.cli._team_flags import team as teams

_SETTINGS = {"help_option_names": ["-h", "--help"]}

app = typer.Typer(
    name="waggle",
    cls=Root,
    help="Swarms of AI agents with no centre: peers propose, hear each other and agree.",
    epilog='Begin with: waggle ask "What is 17 - 8?"   Each command has its own --help.',
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings=_SETTINGS,
)
models = typer.Typer(cls=Commands, help="See which models can be used here, and fetch some.")
config = typer.Typer(cls=Commands, help="See which settings are in force.", no_args_is_help=True)
sandbox = typer.Typer(
    cls=Commands, help="See what the sandbox for commands and generated code can do here.", no_args_is_help=True
)


def run() -> None:
    """Run the command that the arguments name."""
    app()


def _print_version(wanted: bool) -> None:
    if wanted:
        from waggledance import __version__

        typer.echo(f"waggle {__version__}")
        raise typer.Exit


@app.callback()
def waggle(
    version: Annotated[
        bool, typer.Option("--version", help="Print the version.", is_eager=True, callback=_print_version)
    ] = False,
) -> None:
    """Swarms of AI agents with no centre: peers propose, hear each other and agree."""


@app.command(cls=Command, rich_help_panel=ASK)
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
    from waggledance.cli._ask import ask

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
    if over is not None:
        if in_studio:
            from waggledance.core import UsageError

            raise UsageError(
                "the studio shows what a peer of this machine holds: leave --studio out, and see `waggle studio --mesh`"
            )
        if check:
            from waggledance.core import UsageError

            raise UsageError(
                "what a mesh has said is checked afterwards: leave --check out, and see `waggle log check`"
            )
        if practise is not None:
            from waggledance.core import UsageError

            raise UsageError("skills are practised with peers of this machine: leave --practise out, or --mesh")
        from waggledance.cli._mesh_ask import Whom, ask_mesh

        whom = Whom(
            over, as_name, certify or certificate is not None, certificate,
            dialling(None, connect, hub=False, client=client, scout=scout, tls=(tls_ca, tls_certificate, tls_key)),
            team, tuple(skill or ()),
        )  # fmt: skip
        ask_mesh(question, flags, whom, config=config, options=tuple(option or ()), quiet=quiet, as_json=as_json)
        return
    if team is not None or skill:
        from waggledance.core import UsageError

        raise UsageError("a team is formed of members of a swarm on the network: say which with --mesh")
    if certify or certificate is not None:
        from waggledance.core import UsageError

        raise UsageError("a certificate is signed by members of a swarm on the network: say which with --mesh")
    ask(
        question, flags, config=config, options=tuple(option or ()), human=human, quiet=quiet, as_json=as_json,
        explain=explain, check=check, studio=in_studio, practise=practise,
    )  # fmt: skip


app.command(cls=Command, rich_help_panel=ASK)(chat)
app.add_typer(teams, name="team", rich_help_panel=WORK)
app.command("run", cls=Command, rich_help_panel=WORK)(run_batch)
app.command(cls=Command, rich_help_panel=OPEN)(serve)
app.command(cls=Command, rich_help_panel=OPEN)(mcp)
app.command(cls=Command, rich_help_panel=NETWORK)(join)
app.add_typer(mesh, name="mesh", rich_help_panel=NETWORK)
app.command(cls=Command, rich_help_panel=NETWORK)(verify)
app.add_typer(ids, name="id", rich_help_panel=NETWORK)
app.add_typer(rollout, name="rollout", rich_help_panel=NETWORK)
app.add_typer(logs, name="log", rich_help_panel=LOOK_BACK)


@app.command(cls=Command, rich_help_panel=LOOK_BACK)
@ending_well
def replay(
    channel: Channel,
    rule: Annotated[str | None, flag("Decide by another rule instead.", "NAME", names="rule")] = None,
    log: Log = None,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Decide again from the log alone.

    The same rule must give the same decision, or the log is not what it was and this fails loudly with exit code 3.
    With --rule, says what would have been decided.
    """
    from waggledance.cli._replay_command import replay

    replay(channel, rule, log, config, as_json=as_json)


@app.command(cls=Command, rich_help_panel=LOOK_BACK)
@ending_well
def studio(
    log: Log = None,
    over: Annotated[
        str | None,
        typer.Option(
            "--mesh", metavar="SWARM", help="Show what a peer of this machine holds of a swarm on the network."
        ),
    ] = None,
    as_name: Annotated[
        str | None, typer.Option("--as", metavar="NAME", help="With --mesh: which peer (default: one that runs).")
    ] = None,
    host: Annotated[
        str, typer.Option(metavar="HOST", help="What to listen at; other than this machine, a token is asked for.")
    ] = "127.0.0.1",
    port: Annotated[
        int | None, typer.Option(metavar="N", min=0, max=65535, help="Where (default: 8765, or any that is free).")
    ] = None,
    open_page: Annotated[bool, typer.Option("--open", help="Open the page in your browser.")] = False,
    locked: Annotated[
        bool, typer.Option("--locked", help="Ask for the token on this machine, too: others have accounts here.")
    ] = False,
    config: Config = None,
) -> None:
    """Watch swarms at work in the browser, live or afterwards, and replay them from any moment.

    Prints the page's address, and serves it until Ctrl-C.
    """
    from waggledance.cli._studio_command import studio

    studio(log, config, over, as_name, host=host, port=port, open_page=open_page, locked=locked)


app.add_typer(memory, name="memory", rich_help_panel=LOOK_BACK)
app.add_typer(lab, name="lab", rich_help_panel=MEASURE)
app.add_typer(models, name="models", rich_help_panel=HERE)
app.add_typer(config, name="config", rich_help_panel=HERE)
app.add_typer(sandbox, name="sandbox", rich_help_panel=HERE)


@models.callback(invoke_without_command=True)
@ending_well
def list_models(
    context: typer.Context,
    check: Annotated[bool, typer.Option("--check", help="Really ask each usable model one tiny question.")] = False,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """See which models can be used here, and fetch some."""
    if context.invoked_subcommand is None:
        from waggledance.cli._models_commands import list_models

        list_models(config, check=check, as_json=as_json)


@models.command("get")
@ending_well
def models_get(
    name: Annotated[
        str,
        typer.Argument(
            metavar="NAME", help="A model's name, as in `waggle models`.", autocompletion=completing("weights")
        ),
    ],
    as_json: Json = False,
) -> None:
    """Fetch a model's weights: pinned and checked; goes on where an earlier try ended."""
    from waggledance.cli._models_commands import get_model

    get_model(name, as_json=as_json)


@config.command("show")
@ending_well
def config_show(config: Config = None, as_json: Json = False) -> None:
    """Print every setting and where it came from: default, waggle.toml, environment."""
    from waggledance.cli._config_command import show_config

    show_config(config, as_json=as_json)


@sandbox.command("check")
@ending_well
def sandbox_check(as_json: Json = False) -> None:
    """Print what the sandbox enforces on this machine, by what, and what it cannot enforce here."""
    from waggledance.cli._sandbox_commands import check_sandbox

    check_sandbox(as_json=as_json)
