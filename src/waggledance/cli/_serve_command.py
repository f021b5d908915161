"""`waggle serve`: settings to swarms, swarms behind doors, doors on a port."""

from __future__ import annotations

import os
from collections.abc import AsyncGenerator, Callable, Generator, Mapping
from contextlib import (
    AbstractAsyncContextManager,
    AsyncExitStack,
    ExitStack,
    asynccontextmanager,
    closing,
    contextmanager,
)
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, cast

import msgspec

from waggledance._swarm import Swarm
from waggledance.cli._chat_beside import chat_door
from waggledance.cli._config import InForce, in_force
from waggledance.cli._journal import opened_log
from waggledance.cli._membership import Membership, joined, memberships, praise_at
from waggledance.cli._models_here import models_for
from waggledance.cli._printing import say
from waggledance.cli._protocol_from import protocol_from
from waggledance.cli._registers import names_in
from waggledance.cli._seating import model_name, seat, tables
from waggledance.cli._serve_strangers import own_name, strangers
from waggledance.core import AnswerKind, Budget, Log, Question, RunFailed, UnknownName, UsageError, run_awake
from waggledance.gateways import (
    A2A,
    AGUI,
    Callers,
    CallerSkills,
    Gateway,
    GrpcPlace,
    Host,
    Hosted,
    Keys,
    Limits,
    McpGateway,
    OpenAIDoor,
    Server,
    Strangers,
    app_of,
    desks_of,
    hosted_on_mesh,
)
from waggledance.gateways._a2a_grpc import place_of
from waggledance.gateways._guard import ANYONE
from waggledance.gateways._host import DEFAULT
from waggledance.gateways._loopback import LOOPBACK, is_loopback
from waggledance.mesh import Dialling, Node
from waggledance.models import Model
from waggledance.protocols import AskProtocol, Default, check_fit
from waggledance.tasks import register_protocols

if TYPE_CHECKING:
    from waggledance.studio import StudioDoor

KEYS_VARIABLE = "WAGGLE_API_KEYS"


@dataclass(frozen=True, kw_only=True)
class Opening:
    """How a server is opened; see the flags of `waggle serve`."""

    address: str
    port: int
    doors: tuple[str, ...]
    keys: Path | None
    open_to_all: bool
    rate: int | None
    at_once: int
    max_body: int
    origins: tuple[str, ...]
    names: tuple[str, ...]
    drain_s: float
    studio: bool
    url: str
    webhooks: tuple[str, ...]
    sign_as: str | None
    dids: tuple[str, ...]
    wait_s: float | None
    grpc: str
    practise: Path | None = None
    profiles: Path | None = None


def serve(
    flags: Mapping[str, object],
    opening: Opening,
    dialling: Dialling,
    membership: Membership | None,
    *,
    config: Path | None,
) -> None:
    """Serve until told to end.

    Args:
        flags: settings of the default swarm from the command line, by key; None is "not given".
        opening: where, for whom, how much.
        dialling: how members of swarms on the network are met.
        membership: of the default swarm, where that is one on the network; it is of this process when None.
        config: a waggle.toml.

    Raises:
        UsageError: it cannot be served like that; says what to change.
        NotLetIn: nobody of a swarm on the network answers, or the key is no member.
    """
    force = in_force(flags, config=config)
    if force.file is not None:
        say(f"settings from {force.file}")
    keys, limits = _keys(opening), Limits(body_bytes=opening.max_body, a_minute=opening.rate)
    with opened_log(force) as log, _remembered(opening, keys) as (skills, callers):
        run_awake(_serve(force, opening, served(force, memberships(force, membership, dialling), log,
                                                  at_once=opening.at_once, skills=skills, callers=callers),
                         keys, limits))  # fmt: skip


@contextmanager
def _remembered(opening: Opening, keys: Keys | None) -> Generator[tuple[CallerSkills | None, Callers | None]]:
    """Open what is remembered of callers, as far as the server's owner wants it.

    Raises:
        UsageError: nobody's key says who asks, or a file cannot be used.
    """
    if keys is None and not is_loopback(opening.address) and (opening.practise or opening.profiles):
        raise UsageError("--practise and --profiles keep things apart by the names of callers' keys: give --keys FILE")
    names = (ANYONE,) if keys is None else keys.names
    with ExitStack() as stack:
        skills = callers = None
        if opening.practise is not None:
            skills = stack.enter_context(closing(CallerSkills(opening.practise, names)))
        if opening.profiles is not None:
            callers = stack.enter_context(closing(Callers(opening.profiles, names)))
            say(f"numbers of what callers ask are kept in {opening.profiles}; theirs to see and erase at /profile")
        yield skills, callers


async def _serve(
    force: InForce, opening: Opening, served: AbstractAsyncContextManager[Host], keys: Keys | None, limits: Limits
) -> None:
    async with served as host, strangers(opening) as named:
        server = _server(host, opening, keys, limits, force, named)
        for name, hosted in host.swarms.items():
            say(f"waggle/{name}: {', '.join(hosted.names) or 'nobody is there yet'}")
        say(f"serving at http://{server.address}/v1; end with Ctrl-C")
        await server.serve()


@asynccontextmanager
async def served(
    force: InForce, networked: Mapping[str, Membership], log: Log | None, *, at_once: int = 1_000,
    skills: CallerSkills | None = None, callers: Callers | None = None,
) -> AsyncGenerator[Host]:  # fmt: skip
    """Make the swarms that settings describe, here and on the network, and close models and nodes at the end.

    Args:
        force: settings, with ``[swarms.NAME]``.
        networked: which of the swarms are on the network; see `memberships`.
        log: where messages are kept.
        at_once: see `Host`.
        skills: what the swarms have practised, for each caller.
        callers: see `Host`.

    Raises:
        UsageError: a swarm's settings make no sense together.
        NotLetIn: nobody of a swarm on the network answers, or the key is no member.
    """
    register_protocols()
    forces = {DEFAULT: force, **{name: force.of_swarm(name) for name in force.settings.swarms}}
    here = {name: one for name, one in forces.items() if name not in networked}
    models = models_for({model_name(row, one) for one in here.values() for row in tables(one)}, force)
    async with AsyncExitStack() as stack:
        for model in models.values():
            stack.push_async_callback(model.aclose)
        swarms = {name: hosted(name, one, models, log) for name, one in here.items()}
        nodes: dict[str, Node] = {}
        for name, membership in networked.items():
            nodes[name] = node = await stack.enter_async_context(joined(membership))
            how = _how(name, forces[name])
            swarms[name] = hosted_on_mesh(
                node, certify=membership.certify, log=log, seed=forces[name].settings.ask.seed,
                **msgspec.structs.asdict(how)
            )  # fmt: skip
        of = None if skills is None else skills.of
        practising = {name: replace(swarms[name], skills=of) for name in forces}
        host = Host(practising, log, at_once=at_once, callers=callers)
        host.subscribe(partial(praise_at, nodes))
        yield host


def _server(
    host: Host, opening: Opening, keys: Keys | None, limits: Limits, force: InForce, named: Strangers | None
) -> Server:
    names = opening.names or (LOOPBACK if is_loopback(opening.address) else ())
    pace = limits.pace()

    def by_grpc() -> GrpcPlace | None:
        if not opening.grpc:
            return None
        return GrpcPlace(opening.grpc, keys=keys, strangers=named, limits=limits, pace=pace)

    doors = _doors(host, opening, keys, by_grpc)
    studio = _studio(host, opening, force, locked=_asks(opening, keys)) if opening.studio else None
    opened = [*doors, *own_name(opening), *([] if studio is None else [studio])]
    app = app_of(
        host, opened, keys=keys, limits=limits, origins=opening.origins, hosts=names, pace=pace, strangers=named
    )
    server = Server(app, host, address=opening.address, port=opening.port, drain_s=opening.drain_s)
    if studio is not None:
        say(f"watch it at {studio.address(opening.address, server.port)}")
    return server


def _asks(opening: Opening, keys: Keys | None) -> bool:
    """Say whether callers have to show who they are."""
    return keys is not None or bool(opening.dids)


def _studio(host: Host, opening: Opening, force: InForce, *, locked: bool) -> StudioDoor:
    """Return the studio; where callers show who they are it asks for its token, for it shows what all of them ask."""
    from waggledance.cli._fork_command import LivePeers
    from waggledance.studio import StudioDoor

    return StudioDoor(host, address=opening.address, locked=locked, peers=lambda: LivePeers(force), names=opening.names)


def hosted(name: str, force: InForce, models: dict[str, Model], log: Log | None) -> Hosted:
    """Return a swarm as its settings want it; what does not fit together is said now, not at the first question."""
    how = _how(name, force)
    seating = seat(tables(force), models, force, human=False)
    swarm = Swarm(seating.peers, protocol=how.protocol, log=log, weights=seating.weights, seed=force.settings.ask.seed)
    check_fit(swarm.protocol_for(Question(text="?", expects="free")), seating.peers)
    return Hosted(swarm, about=how.about, budget=how.budget, expects=how.expects)


class _How(msgspec.Struct, frozen=True):
    """What a swarm's settings say of how it answers, wherever its members are."""

    about: str
    budget: Budget
    expects: AnswerKind | None
    protocol: AskProtocol | Default


def _how(name: str, force: InForce) -> _How:
    table, kind = force.settings.swarms.get(name), force.settings.ask.answer
    if kind is not None and kind not in names_in("kind of answer"):
        raise UnknownName("kind of answer", kind, names_in("kind of answer"))
    return _How(
        about=table.about if table is not None else "",
        budget=Budget(**msgspec.structs.asdict(force.settings.budget)),
        expects=cast("AnswerKind | None", kind),
        protocol=protocol_from(force),
    )


def _keys(opening: Opening) -> Keys | None:
    """Return who may come in.

    Raises:
        UsageError: other machines can reach us and no keys are given.
    """
    if opening.keys is not None:
        return Keys.read(opening.keys)
    text = os.environ.get(KEYS_VARIABLE, "")
    if text.strip():
        return Keys.of_text(text, KEYS_VARIABLE)
    places = [opening.address, *([place_of(opening.grpc)[0]] if opening.grpc else [])]
    reached = next((place for place in places if not is_loopback(place)), None)
    if not opening.open_to_all and not opening.dids and reached is not None:
        raise UsageError(
            f"other machines can reach {reached}, and no API keys are given: give --keys FILE or "
            f"{KEYS_VARIABLE}, let callers in by name with --did, or let everybody ask with --open"
        )
    return None


def _doors(host: Host, opening: Opening, keys: Keys | None, by_grpc: Callable[[], GrpcPlace | None]) -> list[Gateway]:
    """Return the doors that are wanted; without a wish, those whose packages are installed."""
    makers: dict[str, Callable[[], Gateway]] = {
        "openai": lambda: OpenAIDoor(host),
        "a2a": lambda: _a2a(host, opening, keys, by_grpc()),
        "mcp": lambda: McpGateway(host, desks_of(keys, host.log)),
        "agui": lambda: AGUI(host),
        "chat": lambda: chat_door(host),
    }
    if opening.grpc and opening.doors and "a2a" not in opening.doors:
        raise UsageError("--grpc is a way into the door a2a, which is not opened: give --door a2a too")
    doors: list[Gateway] = []
    for name in opening.doors or [door for door in makers if door != "chat"]:  # people come by another, when wanted
        if name not in makers:
            raise UnknownName("door", name, makers)
        try:
            doors.append(makers[name]())
        except RunFailed as why:
            if opening.doors or (opening.grpc and name == "a2a"):
                raise UsageError(str(why)) from why
            say(f"door {name} stays closed: {why}")
    return doors


def _a2a(host: Host, opening: Opening, keys: Keys | None, place: GrpcPlace | None) -> A2A:
    from waggledance.gateways import Webhooks
    from waggledance.mesh import Home, load_key

    allow = tuple(where for where in opening.webhooks if where != "loopback")
    key = None if opening.sign_as is None else load_key(Home().known_key_file(opening.sign_as))
    webhooks = Webhooks(allow=allow, loopback=len(allow) < len(opening.webhooks))
    if place is not None:
        say(f"A2A by gRPC at {place.address}:{place.port}")
    return A2A(
        host, url=opening.url, keyed=keys is not None, named=bool(opening.dids), webhooks=webhooks, key=key,
        wait_s=opening.wait_s, grpc=place,
    )  # fmt: skip
