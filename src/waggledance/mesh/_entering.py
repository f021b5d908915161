"""Coming in: from an invite and an endpoint to a node that the others know as a member."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from random import Random

from waggledance.core import Key, Log, PeerFault, RunFailed, SwarmId, UsageError, show
from waggledance.mesh._admission_bodies import Join
from waggledance.mesh._genesis import Genesis, open_genesis
from waggledance.mesh._invite import HeldInvite, check_issuer
from waggledance.mesh._node import Node
from waggledance.mesh._transport import Transport
from waggledance.mesh._wire import EVERYBODY, AskGenesis, TellGenesis, open_datagram, seal

ASK_EVERY_SECONDS = 0.3
ENTER_SECONDS = 15.0


class NotLetIn(RunFailed):
    """Nobody of the swarm answered, or nobody takes this peer for a member; carries why."""

    def __init__(self, swarm: str, why: str) -> None:
        super().__init__(swarm, why)
        self.swarm, self.why = swarm, why

    def __str__(self) -> str:
        return f"swarm {self.swarm}: {self.why}"


async def ask_genesis(key: Key, swarm: SwarmId, transport: Transport, *, within_s: float = ENTER_SECONDS) -> Genesis:
    """Return the genesis of a known swarm, from whomever: its hash is the swarm's id.

    Raises:
        NotLetIn: nobody answered in time.
    """
    found: asyncio.Future[Genesis] = asyncio.get_running_loop().create_future()

    def receive(datagrams: Sequence[bytes]) -> None:
        for datagram in datagrams:
            try:
                _, payload = open_datagram(key.peer, swarm, datagram, lambda _: False)
                if isinstance(payload, TellGenesis) and not found.done():
                    found.set_result(open_genesis(payload.genesis, swarm))
            except (PeerFault, UsageError):
                continue  # anybody may say anything here; only the right bytes count

    transport.listen(receive, lambda peer, up: None)
    ask = seal(key, swarm, EVERYBODY, AskGenesis())
    try:
        async with asyncio.timeout(within_s):
            while not found.done():
                transport.spread(ask)
                await asyncio.wait((found,), timeout=ASK_EVERY_SECONDS)
    except TimeoutError:
        raise NotLetIn(
            swarm.hex(),
            f"nobody of it answered within {within_s:g} s: is a member running, is its endpoint right, and can this "
            "machine reach it?",
        ) from None
    return found.result()


async def enter(
    key: Key,
    genesis: Genesis,
    transport: Transport,
    *,
    invite: HeldInvite | None = None,
    name: str = "",
    log: Log | None = None,
    incarnation: int = 0,
    rng: Random | None = None,
    within_s: float = ENTER_SECONDS,
) -> Node:
    """Start a node, join with the invite where the key is no member yet, and wait until somebody takes it for one.

    A founder that is alone is in at once.

    Raises:
        NotLetIn: the key is no member and there is no invite; or nobody let it in within the time.
        UsageError: the invite is for another swarm, or of somebody who is no member.
    """
    node = Node(key, genesis, transport, log=log, rng=rng, incarnation=incarnation)
    try:
        await node.start()
        if key.peer not in node.members:
            await _join(node, invite, name, within_s)
    except BaseException:
        await node.close()
        raise
    return node


async def _join(node: Node, invite: HeldInvite | None, name: str, within_s: float) -> None:
    """Show the invite, and wait until a member speaks to this peer as to a member."""
    if invite is None:
        raise NotLetIn(
            node.genesis.name,
            f"{show(node.me)} is no member: ask one for an invite, which it makes with `waggle mesh invite`",
        )
    check_issuer(invite.invite, node.swarm, frozenset(node.members))
    node.lobby.copy.publish(node.me, Join.of(invite, node.me, name), [], node.clock.wall_ms())
    try:
        async with asyncio.timeout(within_s):
            while not node.heard_from_members:
                await asyncio.sleep(ASK_EVERY_SECONDS / 3)
                node.knock()
                node.ask_everybody()
    except TimeoutError:
        why = f"nobody let this peer in within {within_s:g} s: "
        if node.me in node.members:
            why += "no member is in reach, or the invite was used or has expired by their clocks. Ask for a new one"
        else:
            refused = [reason for peer, reason in node.membership.refused if peer == node.me]
            why += refused[0] if refused else "it waits for members to admit it"
        raise NotLetIn(node.genesis.name, why) from None
