"""What a swarm is set up with: every key of `waggle.toml`, its type and its default, in one place.

The same structs check the file, read the environment and name the rows of ``waggle config show``.
"""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

Count = Annotated[int, Meta(ge=0)]
Amount = Annotated[float, Meta(ge=0)]
Variable = Annotated[str, Meta(pattern="^[A-Za-z_][A-Za-z0-9_]*$")]
Name = Annotated[str, Meta(min_length=1, max_length=64)]


class Ask(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The table ``[ask]``: who answers, and how they come to agree."""

    peers: int = 5
    """How many peers are seated, 1 to 64."""
    model: str | tuple[str, ...] = "embedded"
    """What the peers think with; several are dealt out in turn."""
    protocol: str | None = None
    """What is said when; what won at equal spend for the kind of question when None."""
    rule: str | None = None
    """How many opinions become one; the protocol's own when None."""
    topology: str | None = None
    """Who hears whom; the protocol's own when None."""
    rounds: Annotated[int, Meta(ge=0, le=100)] | None = None
    """How often peers hear each other; the protocol's own when None."""
    patience_s: Amount | None = None
    """Seconds a round waits for those who are late; the protocol's own when None."""
    answer: str | None = None
    """Kind of answer; guessed from the question when None."""
    temperature: Annotated[float, Meta(ge=0, le=10)] | None = None
    max_tokens: Annotated[int, Meta(ge=1)] | None = None
    """Tokens of one answer at most."""
    scrub: bool | None = None
    """Whether private details are taken out of what models are sent; of what leaves for an endpoint when None."""
    seed: int = 0
    tools: tuple[str, ...] = ()
    """Tool servers that peers may use while they think: names of ``[tools.NAME]``."""

    @property
    def models(self) -> tuple[str, ...]:
        """The models' specs, always as a tuple."""
        return (self.model,) if isinstance(self.model, str) else self.model


class Limits(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The table ``[budget]``: what one question may cost at most; None is no limit."""

    tokens: Count | None = None
    calls: Count | None = None
    messages: Count | None = None
    seconds: Amount | None = None
    usd: Amount | None = None


class HourTable(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The table ``[quota]``: what each asker may cost a peer on the network in an hour, all its questions together."""

    tokens: Count | None = None
    """2,000,000 when None."""
    calls: Count | None = None
    """10,000 when None."""


class Keeping(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The table ``[log]``: where messages are kept."""

    path: str | None = None
    """The log's file, relative to waggle.toml; the user's data folder when None."""
    keep: bool = True
    """Whether anything is written at all."""


class ModelTable(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A table ``[models.NAME]``: a model of one's own, used as NAME. Keys stand in the environment, never here."""

    kind: Literal["openai", "gguf", "embedded", "recorded", "scripted", "a2a"]
    """``a2a`` is no model but an agent elsewhere: who thinks with it is that agent, with `base_url` and `key_env`."""
    model: str | None = None
    """``openai`` and ``embedded``: the model's name there, NAME when None; ``scripted``: its answers, ``yes|no``."""
    path: str | None = None
    """``gguf`` and ``recorded``: the file, relative to waggle.toml."""
    base_url: str | None = None
    """``openai``: where the endpoint is, as in ``"http://localhost:8000/v1"``."""
    key_env: Variable | None = None
    """``openai``: which environment variable holds the key."""
    headers: dict[str, str] | None = None
    """``openai``: sent with every request; ``"$NAME"`` stands for the value of an environment variable."""
    tries: Annotated[int, Meta(ge=1)] | None = None
    """``openai``: how often to ask in all, when rate limits or server errors come."""
    concurrency: Annotated[int, Meta(ge=1)] | None = None
    """``openai``: requests at once."""
    threads: Annotated[int, Meta(ge=1)] | None = None
    """``gguf`` and ``embedded``: CPU threads."""
    slots: Annotated[int, Meta(ge=1)] | None = None
    """``gguf`` and ``embedded``: conversations at once."""
    context_tokens: Annotated[int, Meta(ge=1)] | None = None
    """``gguf`` and ``embedded``: the longest conversation."""
    delay_s: Amount | None = None
    """``scripted``: seconds before each answer."""


class ToolsTable(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A table ``[tools.NAME]``: an MCP server whose tools peers may use. Keys stand in the environment, never here."""

    command: tuple[str, ...] = ()
    """What starts it, for stdio, as in ``["npx", "-y", "some-server"]``."""
    url: str = ""
    """Where it is, for Streamable HTTP; either this or a command."""
    env: dict[str, str] | None = None
    """Set in the server's environment; ``"$NAME"`` stands for the value of a variable of ours."""
    headers: dict[str, str] | None = None
    """Sent with every request over HTTP; ``"$NAME"`` as in `env`."""
    allow: tuple[str, ...] | None = None
    """Which of its tools may be used, by the server's names; all when None."""
    within_s: Amount = 30.0
    """Seconds that one call may take."""


class PeerTable(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One ``[[peers]]``: a peer by name. With any of them, exactly these are seated."""

    name: Name
    model: str | None = None
    """``[ask] model`` when None."""
    persona: str | None = None
    temperature: Annotated[float, Meta(ge=0, le=10)] | None = None
    max_tokens: Annotated[int, Meta(ge=1)] | None = None
    weight: Annotated[float, Meta(ge=0, le=1e6)] = 1.0
    """Voting weight."""
    tools: tuple[str, ...] | None = None
    """``[ask] tools`` when None."""


class SwarmTable(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A table ``[swarms.NAME]``: a swarm that `waggle serve` serves as ``waggle/NAME``; ``[ask]`` where None."""

    about: str = ""
    """What it is for, in a sentence."""
    peers: int | None = None
    """How many peers; with this or a model, ``[[peers]]`` are not seated in it."""
    model: str | tuple[str, ...] | None = None
    protocol: str | None = None
    rule: str | None = None
    topology: str | None = None
    rounds: Annotated[int, Meta(ge=0, le=100)] | None = None
    patience_s: Amount | None = None
    answer: str | None = None
    temperature: Annotated[float, Meta(ge=0, le=10)] | None = None
    max_tokens: Annotated[int, Meta(ge=1)] | None = None
    seed: int | None = None
    tools: tuple[str, ...] | None = None
    mesh: str | None = None
    """A swarm on the network whose members answer: its name, an invite or an endpoint; of this process when None."""
    key: Name | None = None
    """With `mesh`: the key to ask with, made if missing; ``server-NAME`` when None."""
    certify: bool | None = None
    """With `mesh`: whether members certify what they decide; they do not when None."""


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A whole `waggle.toml`."""

    ask: Ask = Ask()
    budget: Limits = Limits()
    quota: HourTable = HourTable()
    log: Keeping = Keeping()
    models: dict[Name, ModelTable] = {}
    tools: dict[Name, ToolsTable] = {}
    peers: tuple[PeerTable, ...] = ()
    swarms: dict[Name, SwarmTable] = {}


FLAGS = {
    "ask.peers": "--peers",
    "ask.model": "--model",
    "ask.protocol": "--protocol",
    "ask.rule": "--rule",
    "ask.topology": "--topology",
    "ask.rounds": "--rounds",
    "ask.patience_s": "--patience",
    "ask.answer": "--answer",
    "ask.temperature": "--temperature",
    "ask.max_tokens": "--max-tokens",
    "ask.scrub": "--scrub",
    "ask.seed": "--seed",
    "ask.tools": "--tools",
    "budget.tokens": "--budget-tokens",
    "budget.calls": "--budget-calls",
    "budget.messages": "--budget-messages",
    "budget.seconds": "--seconds",
    "budget.usd": "--budget-usd",
    "quota.tokens": "--quota-tokens",
    "quota.calls": "--quota-calls",
    "log.path": "--log",
    "log.keep": "--no-log",
}
"""Every setting that a flag and an environment variable can override, by its key in waggle.toml."""


def environment_variable(key: str) -> str:
    """Return the name of the variable that sets a key.

    >>> environment_variable("ask.peers"), environment_variable("budget.tokens"), environment_variable("log.path")
    ('WAGGLE_PEERS', 'WAGGLE_BUDGET_TOKENS', 'WAGGLE_LOG')
    """
    table, field = key.split(".")
    special = {"log.path": "WAGGLE_LOG", "log.keep": "WAGGLE_LOG_KEEP"}
    return special.get(key) or (f"WAGGLE_{field}" if table == "ask" else f"WAGGLE_{table}_{field}").upper()
