"""Being present in a swarm: from what a machine keeps (keys, genesis, log, endpoints) to a running node, and back."""

from __future__ import annotations

import socket
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

import msgspec

from waggledance.core import Key, Log, LoopClock, Message, SwarmId, UsageError
from waggledance.mesh._capability import Capability
from waggledance.mesh._entering import ask_genesis, enter
from waggledance.mesh._genesis import Genesis
from waggledance.mesh._home import Home
from waggledance.mesh._invite import PREFIX, HeldInvite, new_invite, read_invite
from waggledance.mesh._key_file import hold_key, load_key, new_key
from waggledance.mesh._node import Node
from waggledance.mesh._records import records_of
from waggledance.mesh._status import read_status
from waggledance.mesh._tls import Tls
from waggledance.mesh._zenoh_config import Mode
from waggledance.mesh._zenoh_endpoints import Endpoint, dialable

ENDPOINTS_A_MEMBER = 4
"""So many of the places are dialled where a member says that it can be reached."""


@dataclass(frozen=True)
class Dialling:
    """How a node meets others; see `ZenohTransport.open`."""

    listen: tuple[str, ...] | None = None
    connect: tuple[str, ...] = ()
    mode: Mode = "peer"
    scouting: bool = False
    tls: Tls | None = None


@dataclass(frozen=True)
class Way:
    """How a swarm is found: what is known of it here, an invite, an endpoint; at least one of them."""

    genesis: Genesis | None = None
    invite: HeldInvite | None = None
    endpoints: tuple[str, ...] = ()

    @property
    def swarm(self) -> SwarmId:
        """The swarm's id."""
        if self.genesis is not None:
            return self.genesis.swarm
        assert self.invite is not None, "a way leads somewhere"
        return SwarmId(self.invite.invite.swarm)

    @property
    def swarm_name(self) -> str:
        """The swarm's name."""
        if self.genesis is not None:
            return self.genesis.name
        assert self.invite is not None, "a way leads somewhere"
        return self.invite.invite.swarm_name


def way_to(home: Home, what: str, *, now_ms: int) -> Way:
    """Return what a person means by an invite, by the name of a swarm that is known here, or by an endpoint.

    Raises:
        UsageError: the invite cannot be used, or no swarm or more than one could be meant.
        UnknownName: no swarm of this name is known here.
    """
    if what.strip().startswith(PREFIX):
        held = read_invite(what, now_ms=now_ms)
        known = held.invite.swarm_name in home.swarms()
        genesis = home.genesis(held.invite.swarm_name) if known else None
        if genesis is not None and genesis.swarm != held.invite.swarm:
            raise UsageError(
                f"the invite is for another swarm called {genesis.name!r} than the one that is known here: "
                "use another WAGGLEDANCE_HOME"
            )
        return Way(genesis, held, held.invite.endpoints)
    if "/" not in what:
        return Way(home.genesis(what))
    Endpoint.parse(what)
    swarms = home.swarms()
    met = [s for s in swarms if any(what in home.peer(s, key).state().endpoints for key in home.ids())] or list(swarms)
    if len(met) != 1:
        raise UsageError(
            f"{len(met)} swarms are known here{': ' + ', '.join(met) if met else ''}, so {what} does not say which "
            "is meant: give the swarm's name, or an invite"
        )
    return Way(home.genesis(met[0]), None, (what,))


@asynccontextmanager
async def present(
    home: Home, way: Way, key_name: str, dialling: Dialling, *, name: str = "", keep_log: bool = True
) -> AsyncGenerator[Node]:
    """Be present in a swarm as long as the context is open; joins first where the key is no member yet.

    A key that is not here is made. One that is no member and has no invite is brought in, without a vote, by a key of
    this machine that is one.

    Args:
        home: where keys and swarms are kept.
        way: how the swarm is found.
        key_name: the key to speak with.
        dialling: how others are met.
        name: how this peer is called when it joins; the key's name when empty.
        keep_log: whether what is said is kept on disk.

    Raises:
        KeyInUse: another process speaks with this key.
        NotLetIn: nobody of the swarm answers, or nobody lets this key in.
        UsageError: see `way_to` and `ZenohTransport.open`.
    """

    file = home.key_file(key_name)
    key = load_key(file) if file.exists() else new_key(file)
    lock = hold_key(file)
    try:
        async with _node(home, way, key, key_name, name or key_name, dialling, keep_log=keep_log) as node:
            yield node
    finally:
        lock.release()


@asynccontextmanager
async def _node(
    home: Home, way: Way, key: Key, key_name: str, name: str, dialling: Dialling, *, keep_log: bool
) -> AsyncGenerator[Node]:
    """Open transport and log, learn the genesis if it is not known here, and enter."""
    from waggledance.mesh._zenoh_transport import ZenohTransport

    folder = home.peer(way.swarm_name, key_name)
    known = dialable(_known_here(home, way.swarm_name, key_name), encrypted=dialling.tls is not None)
    dials = tuple(dict.fromkeys((*dialling.connect, *way.endpoints, *known)))
    transport = await ZenohTransport.open(
        key.peer, way.swarm, listen=dialling.listen, connect=[e for e in dials if e not in (dialling.listen or ())],
        mode=dialling.mode, scouting=dialling.scouting, tls=dialling.tls,
    )  # fmt: skip
    log: Log | None = None
    try:
        genesis = way.genesis or await ask_genesis(key, way.swarm, transport)
        home.keep_genesis(genesis)
        log = Log(folder.log) if keep_log else None
        invite = way.invite or _from_this_machine(home, genesis, key)
        life = folder.begin_life().incarnation
        node = await enter(key, genesis, transport, invite=invite, name=name, log=log, incarnation=life)
        try:
            yield node
        finally:
            folder.remember(endpoints_of(node), incarnation=node.swim.incarnation)
            await node.close()
    finally:
        await transport.close()
        if log is not None:
            log.close()


def endpoints_of(node: Node) -> tuple[str, ...]:
    """Return where other members say they can be reached."""
    records = records_of(node.lobby.copy.messages()).by_author
    others = [record for peer, record in records.items() if peer != node.me]
    return tuple(where for record in others for where in record.capability.where[:ENDPOINTS_A_MEMBER])


def announce(node: Node, capability: Capability) -> Message[Capability] | None:
    """Publish what a peer says it can do, as its next version; None when that is what it said last."""
    said = [m for m in node.lobby.copy.said(Capability) if m.author == node.me]
    last = max(said, key=lambda m: m.body.ver, default=None)
    if last is not None and msgspec.structs.replace(capability, ver=last.body.ver) == last.body:
        return None
    version = 1 if last is None else last.body.ver + 1
    body = msgspec.structs.replace(capability, ver=version)
    return node.lobby.copy.publish(node.me, body, [], node.clock.wall_ms())


def reachable(listening: Sequence[str]) -> tuple[str, ...]:
    """Return endpoints as others may dial them: for "all addresses", the one by which this machine goes out."""
    return tuple(_dialled(Endpoint.parse(endpoint)) for endpoint in listening)


def _dialled(endpoint: Endpoint) -> str:
    if endpoint.host not in ("0.0.0.0", "[::]"):  # noqa: S104  (read, not bound)
        return str(endpoint)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # sends nothing: asks which address would be used
            host = probe.getsockname()[0]
        except OSError:
            host = "127.0.0.1"
    return str(Endpoint(endpoint.scheme, host, endpoint.port))


def _known_here(home: Home, swarm: str, key_name: str) -> tuple[str, ...]:
    """Return where members were reached by this machine's peers; where one runs at this moment comes first."""
    others = [home.peer(swarm, name) for name in home.ids() if name != key_name]
    running = [status for peer in others if (status := read_status(peer.status)) is not None]
    known = [home.peer(swarm, key_name), *others]
    listening = (endpoint for status in running for endpoint in status.listening)
    return (*listening, *(endpoint for peer in known for endpoint in peer.state().endpoints))


def _from_this_machine(home: Home, genesis: Genesis, guest: Key) -> HeldInvite | None:
    """Return an invite by a founder whose key is kept here, for a key of the same machine; None where there is none."""
    if genesis.founder(guest.peer) is not None or genesis.admission == "closed":
        return None
    for name in home.ids():
        key = load_key(home.known_key_file(name))
        if genesis.founder(key.peer) is not None:
            return new_invite(key, genesis, endpoints=(), now_ms=LoopClock().wall_ms(), days=1)
    return None
