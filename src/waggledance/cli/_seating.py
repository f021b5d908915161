"""Who sits at the table: names for peers, models dealt out to them in turn."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from itertools import cycle
from types import TracebackType
from typing import TYPE_CHECKING, Any

from waggledance.cli._config import InForce
from waggledance.cli._remote_agents import agent_at, is_agent
from waggledance.cli._settings import PeerTable
from waggledance.core import Peer, UnknownName, UsageError, run_awake
from waggledance.models import Model

if TYPE_CHECKING:
    from waggledance.peers import Toolbox

ANSWER_S = 120.0
"""What an agent's answer may take unless somebody is more patient; as `Agent` has it."""
MAX_PEERS = 64
HUMAN = "you"
_FRIENDLY = """
ada ben cleo dov eva finn gia hugo iris jon kaya liam mona nico olga pia quinn rosa sami tara uma vito wren xara yael
zeno alma bo cora dina eli faye gus hana ivo june kai lena milo nora otto petra rafi suki theo ula vera walt xavi yuki
zara amos bela cyd dara emil flor goro hedy ines juno kofi lars maya
"""
NAMES = tuple(_FRIENDLY.split())
"""Fixed names, so that the same command seats the same peers; 64 of them."""


@dataclass(frozen=True)
class Seating:
    """Peers, what they weigh, and the models to close at the end."""

    peers: tuple[Peer, ...]
    weights: dict[str, float]
    models: tuple[Model, ...]
    described: tuple[dict[str, str | None], ...]
    """One a peer: its name, its model's spec, its persona."""


def tables(force: InForce) -> tuple[PeerTable, ...]:
    """Return one table a peer: those of waggle.toml, or as many as are asked for.

    ``--peers`` and ``--model`` on the command line override ``[[peers]]``.

    Raises:
        UsageError: fewer than 1 or more than 64 peers; or a persona that there is not.
    """
    ask, listed = force.settings.ask, force.settings.peers
    if listed and not force.by_flag("ask.peers") and not force.by_flag("ask.model"):
        if force.origin("ask.peers") != "default" and ask.peers != len(listed):
            raise force.wrong(
                "ask.peers", f"ask.peers is {ask.peers}, but [[peers]] lists {len(listed)}: leave one out"
            )
        twice = [peer.name for i, peer in enumerate(listed) if peer.name in {p.name for p in listed[:i]}]
        if twice:
            at = max(i for i, peer in enumerate(listed) if peer.name == twice[0])
            raise force.wrong(f"peers.{at}", f"two peers are called {twice[0]!r}: give each a name of its own")
        _check_number(len(listed))
        return listed
    force.using("ask.peers", lambda: _check_number(ask.peers))
    if not ask.models or not all(ask.models):
        raise force.wrong(
            "ask.model", 'ask.model names no model; leave it out for the embedded one, or write "embedded"'
        )
    specs = cycle(ask.models)
    return tuple(PeerTable(name=name, model=next(specs)) for name in NAMES[: ask.peers])


def seat(rows: Sequence[PeerTable], models: dict[str, Model], force: InForce, *, human: bool) -> Seating:
    """Make the peers.

    Args:
        rows: one a peer.
        models: by the name that people give it.
        force: settings; their temperature and token limit hold where a peer has none.
        human: whether the person at this terminal is one more peer.
    """
    from waggledance.peers import Agent, HumanPeer

    ask = force.settings.ask
    peers: list[Peer] = []
    boxes: dict[str, Toolbox] = {}
    for i, row in enumerate(rows):
        named = model_name(row, force)
        if is_agent(named, force):
            peers.append(force.using(f"peers.{i}", partial(agent_at, row, named, force)))
            continue
        given = {
            "persona": force.using(f"peers.{i}", partial(_persona, row.persona)),
            "temperature": row.temperature if row.temperature is not None else ask.temperature,
            "max_tokens": row.max_tokens if row.max_tokens is not None else ask.max_tokens,
            "timeout_s": ask.patience_s if ask.patience_s is not None and ask.patience_s > ANSWER_S else None,
        }
        options: dict[str, Any] = {name: value for name, value in given.items() if value is not None}
        options["tools"] = [_box(name, boxes, force) for name in tools_of(row, force)]
        make = partial(Agent, row.name, models[named], **options)
        peers.append(force.using(f"peers.{i}", make))
    if human:
        peers.append(HumanPeer(HUMAN))
    described = [{"name": row.name, "model": model_name(row, force), "persona": row.persona} for row in rows]
    if human:
        described.append({"name": HUMAN, "model": None, "persona": None})
    return Seating(tuple(peers), {row.name: row.weight for row in rows}, tuple(models.values()), tuple(described))


def model_name(row: PeerTable, force: InForce) -> str:
    """Return the name of a peer's model."""
    return row.model or force.settings.ask.models[0]


def tools_of(row: PeerTable, force: InForce) -> tuple[str, ...]:
    """Return the names of a peer's tool servers, each once."""
    return tuple(dict.fromkeys(force.settings.ask.tools if row.tools is None else row.tools))


def _box(name: str, boxes: dict[str, Toolbox], force: InForce) -> Toolbox:
    """Return the toolbox of a name: one for all peers that use it."""
    from waggledance.cli._own_tools import tools_named

    if name not in boxes:
        boxes[name] = force.using("ask.tools", lambda: tools_named(name, force))
    return boxes[name]


def _persona(written: str | None) -> str | None:
    """Return a persona's sentence: a known one by its name, or the text itself."""
    from waggledance.peers import PERSONAS

    if written is None or written in PERSONAS:
        return PERSONAS[written] if written is not None else None
    if " " not in written.strip():
        raise UnknownName("persona of one word (or write a sentence, in the second person)", written, PERSONAS)
    return written


def _check_number(peers: int) -> None:
    if peers < 1:
        raise UsageError(f"{peers} peers cannot answer anything: seat 1 to {MAX_PEERS}, as in --peers 5")
    if peers > MAX_PEERS:
        raise UsageError(
            f"{peers:,} peers are more than this command seats, which is {MAX_PEERS}: each asks a language model "
            "in every round. Larger swarms are made in Python, of functions or in the simulator: "
            "Swarm([FunctionPeer(...), ...], network=Simulated(...)).ask_sync(...)"
        )


class Closing:
    """Lets go of models at the end."""

    def __init__(self, models: Sequence[Model]) -> None:
        self._models = models

    def __enter__(self) -> None: ...

    def __exit__(
        self, kind: type[BaseException] | None, why: BaseException | None, trace: TracebackType | None
    ) -> None:
        async def close() -> None:
            for model in self._models:
                await model.aclose()

        run_awake(close())
