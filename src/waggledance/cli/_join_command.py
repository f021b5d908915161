"""`waggle join`: be a peer of a swarm, until told to stop."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Literal

import msgspec

from waggledance.cli._config import in_force
from waggledance.cli._counted import counted
from waggledance.cli._models_here import models_for
from waggledance.cli._printing import print_json, print_text, say
from waggledance.cli._safe_text import one_line
from waggledance.cli._seating import model_name, seat, tables
from waggledance.core import UNIT, Budget, LoopClock, Member, Message, Opening, Peer, PeerId, UsageError, run_awake
from waggledance.mesh import (
    PROMPTS_SLOT,
    Admission,
    AgentAdapter,
    AgentHere,
    AgentPrompts,
    AgentSkill,
    Capability,
    Dialling,
    Genesis,
    Home,
    Limits,
    ModelClaim,
    Node,
    Price,
    Quota,
    Quotas,
    RolloutHere,
    Sitting,
    Skill,
    Volunteering,
    Way,
    Wear,
    ZenohTransport,
    announce,
    carry_out,
    load_genesis,
    load_key,
    new_key,
    present,
    reachable,
    share_one_heap,
    status_of,
    way_to,
    write_status,
)
from waggledance.models import Model
from waggledance.tasks import register_protocols

TELL_EVERY_SECONDS = 1.0
VOTES_OF_ONE_FOUNDER = 15
"""A single founder decides alone anyhow; several should not each be able to make a quorum of their own keys."""
TAKEN = ("prompts", "skill", "adapter", "data")
"""The kinds of slots that a member lets be filled."""


@dataclass(frozen=True)
class Founding:
    """How a new swarm is founded: its name, who else founds it, and its rules."""

    name: str
    founders: tuple[str, ...]
    """Each ``NAME=KEY`` with the public half of a key, as `waggle id show` prints it."""
    votes: int | None
    """How many votes each founder's invites may grant; None for 15 of a single founder, 1 of each of several."""
    admission: Admission
    quorum: Literal["byzantine", "crash"]


def join(
    what: str | None,
    genesis: Path | None,
    founding: Founding | None,
    flags: Mapping[str, object],
    *,
    key_name: str,
    dialling: Dialling,
    config: Path | None,
    about: str,
    skills: tuple[str, ...],
    tags: tuple[str, ...],
    micro_usd_1k: int,
    quiet: bool,
    as_json: bool,
) -> None:
    """Run a peer of a swarm.

    Args:
        what: an invite, a swarm's name, or an endpoint; None with `genesis` or `founding`.
        genesis: the file of a genesis.
        founding: a swarm to found first.
        flags: settings from the command line, by key; None is "not given".
        key_name: whose key to speak with; the peer is called so.
        dialling: how others are met.
        config: a waggle.toml.
        about: what the peer says of itself, for those who look for somebody.
        skills: what it says it is good at, besides answering.
        tags: what kinds of peer it is, for those who roll something out to such.
        micro_usd_1k: its price, in millionths of a dollar for a thousand tokens.
        quiet: whether to show no progress.
        as_json: whether to print one JSON object a second on stdout.
    """
    force = in_force({**flags, "ask.peers": 1}, config=config)
    home = Home()
    rows = tables(force)
    models = models_for({model_name(row, force) for row in rows}, force)
    seating = seat(rows, models, force, human=False)
    if founding is not None:
        way = _found(home, founding, key_name)
    else:
        way = _way(home, what) if genesis is None else Way(load_genesis(genesis))
    capability = Capability(
        ver=1,
        name=key_name,
        desc=about,
        skills=tuple(
            Skill(id=skill, name=skill, tags=tuple(dict.fromkeys(tags))) for skill in dict.fromkeys(("answer", *skills))
        ),
        models=tuple(ModelClaim(name=name) for name in sorted(models)),
        cost=Price(micro_usd_1k=micro_usd_1k),
    )
    budget = Budget(**msgspec.structs.asdict(force.settings.budget))
    given = msgspec.structs.asdict(force.settings.quota)
    quota = Quota(**{kind: limit for kind, limit in given.items() if limit is not None})
    share_one_heap()
    run_awake(
        _run(home, way, key_name, dialling, seating.peers[0], seating.models, capability, budget, quota,
             quiet=quiet, as_json=as_json)
    )  # fmt: skip


async def _run(
    home: Home,
    way: Way,
    key_name: str,
    dialling: Dialling,
    peer: Peer,
    models: tuple[Model, ...],
    capability: Capability,
    budget: Budget,
    quota: Quota,
    *,
    quiet: bool,
    as_json: bool,
) -> None:
    from waggledance.peers import Agent

    register_protocols()
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    try:
        async with present(home, way, key_name, dialling) as node:
            transport = node.transport
            assert isinstance(transport, ZenohTransport), "a present node speaks over zenoh"
            listening = reachable(transport.listening)
            announce(node, msgspec.structs.replace(capability, where=listening))
            folder = home.peer(node.genesis.name, key_name)
            quotas = Quotas(quota, node.clock.wall_ms, folder.quotas)
            sitting = Sitting(node, peer, budget=budget, quotas=quotas)
            volunteering = Volunteering(node, sitting)
            here = AgentHere(node, sitting, peer) if isinstance(peer, Agent) else None
            rollouts = _rollouts(node, folder.folder, here)
            name = node.members[node.me].name if node.me in node.members else key_name
            if not quiet:
                _greet(node, name, listening)
                sitting.on_question = _say_question
            file = folder.status
            told: set[str] = set()
            try:
                while not stop.is_set():
                    status = status_of(
                        node, name=name, listening=listening, links=len(transport.links()), ended=sitting.ended
                    )
                    write_status(file, status)
                    quotas.keep()
                    for line in carry_out(node, file.parent):
                        say(line)
                    if node.me in node.membership.left:
                        break
                    for alarm in status.alarms:
                        if alarm not in told:
                            told.add(alarm)
                            say(f"waggle: {alarm}")
                    if as_json:
                        print_json(status)
                    with contextlib.suppress(TimeoutError):
                        async with asyncio.timeout(TELL_EVERY_SECONDS):
                            await stop.wait()
            finally:
                file.unlink(missing_ok=True)
                volunteering.close()
                await rollouts.close()
                await sitting.close()
                if here is not None:
                    await here.aclose()
    finally:
        for model in models:
            await model.aclose()
    if not quiet:
        say("left; come back with the same command")


def _rollouts(node: Node, folder: Path, here: AgentHere | None) -> RolloutHere:
    """Return the member's part in roll-outs: an agent uses prompts, skills and adapters at once; files others."""
    wears: dict[str, Wear] = {}
    tailors: dict[str, Callable[[str], Wear]] = {}
    if here is not None:
        wears[PROMPTS_SLOT] = AgentPrompts(here)
        tailors["skill"] = partial(AgentSkill, here)
        tailors["adapter"] = lambda slot: AgentAdapter(here, slot, folder / "adapters" / slot.partition("/")[2])
    return RolloutHere(node, folder, wears=wears, tailors=tailors, takes=TAKEN)


def _way(home: Home, what: str | None) -> Way:
    if what is None:
        known = home.swarms()
        if len(known) == 1:
            return Way(home.genesis(known[0]))
        raise UsageError(
            "say which swarm: an invite, the name of one that is known here, or --new NAME to found one"
            + (f" (known here: {', '.join(known)})" if known else "")
        )
    return way_to(home, what, now_ms=LoopClock().wall_ms())


def _found(home: Home, founding: Founding, key_name: str) -> Way:
    """Found a swarm, and keep its genesis; the one that was founded here before, if it is the very same."""
    file = home.key_file(key_name)
    key = load_key(file) if file.exists() else new_key(file)
    votes = founding.votes if founding.votes is not None else 1 if founding.founders else VOTES_OF_ONE_FOUNDER
    genesis = Genesis(
        name=founding.name,
        members=(Member(key.peer, key_name, UNIT), *(_founder(text) for text in founding.founders)),
        admission=founding.admission,
        quorum=founding.quorum,
        limits=Limits(granted_weight=votes * UNIT),
    )
    if founding.name in home.swarms() and home.genesis(founding.name).swarm != genesis.swarm:
        raise UsageError(
            f"another swarm called {founding.name!r} is known here: join it without --new, or take another name"
        )
    home.keep_genesis(genesis)
    return Way(genesis)


def _founder(text: str) -> Member:
    name, _, public = text.partition("=")
    try:
        return Member(PeerId(bytes.fromhex(public)), name, UNIT)
    except ValueError:
        raise UsageError(f"a founder is NAME=KEY, with the key that `waggle id show` prints; got {text!r}") from None


def _greet(node: Node, name: str, listening: tuple[str, ...]) -> None:
    others = len(node.members) - 1
    say(f"{name} is in swarm {node.genesis.name} with {others} other{'s' if others != 1 else ''}, "
        f"listening on {', '.join(listening) or 'nothing (a client)'}")  # fmt: skip
    say(f"invite others with:  waggle mesh invite {node.genesis.name} --as {name} --vote")
    say("ask it with:         waggle ask --mesh " + node.genesis.name + ' "…"')
    print_text(f"swarm {node.genesis.name} {node.swarm.hex()}")


def _say_question(opening: Message[Opening]) -> None:
    body = opening.body
    say(f"asked: {one_line(body.question.text, 100)}  ({body.protocol}, {counted(len(body.members), 'peer')})")
