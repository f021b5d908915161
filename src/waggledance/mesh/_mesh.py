"""Asking the mesh: a network whose peers are elsewhere, under the same swarm, the same run, the same protocols.

The asker writes the opening; the members run the protocol that it names, each for itself, and say what they held when
it had ended. From that follows one set of messages. The asker computes the decision from that set as everybody can: it
runs the very protocol over it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, Literal, TypeVar

from waggledance.consensus import Heads
from waggledance.core import (
    NO_COST,
    Channel,
    Cost,
    Judgement,
    Member,
    Message,
    Note,
    Opening,
    PeerId,
    Proposal,
    RunFailed,
    SwarmId,
    UnknownName,
    UsageError,
    Words,
    show,
)
from waggledance.mesh._agreement import Agreement
from waggledance.mesh._entering import NotLetIn
from waggledance.mesh._node import Node
from waggledance.mesh._order_marks import order_mark
from waggledance.mesh._sealed_set import Recorded, SealedSet
from waggledance.mesh._settling import Settling
from waggledance.network import Listener

T = TypeVar("T")
AnyMessage = Message[Any]

WAIT_SECONDS = 600.0


class NobodyHere(RunFailed):
    """None of those who have a vote in a swarm is there."""

    def __init__(self, swarm: str) -> None:
        super().__init__(swarm)
        self.swarm = swarm

    def __str__(self) -> str:
        return f"swarm {self.swarm!r} has nobody here who has a vote: start a member first"


class Mesh:
    """The members of a swarm, reached through one node.

    Args:
        node: the asker's node, started.
        certify: ask the members for a certificate.
        wait_s: how long members may take in all, seconds.
        order: by whose id and for which caller others find the question, where it is an order's; see `Reading`.
    """

    name = "mesh"
    remote = True

    def __init__(
        self,
        node: Node,
        *,
        certify: bool = False,
        wait_s: float = WAIT_SECONDS,
        order: tuple[str, str] | None = None,
    ) -> None:
        if not wait_s > 0:
            raise UsageError(f"members may take some seconds > 0, got {wait_s}")
        self.node, self.certify, self.wait_s = node, certify, wait_s
        self._mark = "" if order is None else f"{order_mark(*order, node.me)}-"

    def answering(self) -> tuple[Member, ...]:
        """Return whom to ask: who has a vote and is not known to be gone; for a certificate, all who have a vote.

        Nobody where none of them but this node's own peer is there.

        Raises:
            NotLetIn: this node's peer is a member no more: nobody would hear it.
        """
        node = self.node
        if node.me not in node.members:
            raise NotLetIn(node.genesis.name, f"{show(node.me)} is a member no more: ask with another key (--as)")
        voters = sorted((member for member in node.members.values() if member.weight), key=lambda member: member.id)
        here = tuple(member for member in voters if member.id not in node.gone and member.id != node.me)
        return tuple(voters) if self.certify and here else here

    def peers(self, members: Sequence[Member] | None = None) -> list[Recorded]:
        """Return members as the peers of a swarm: what they think, they think elsewhere.

        Raises:
            NobodyHere: nobody is there who could be asked.
        """
        asked = self.answering() if members is None else members
        if not asked:
            raise NobodyHere(self.node.genesis.name)
        return [Recorded(member.name) for member in asked]

    def gather(self, swarm: SwarmId, channel: str, names: Sequence[str]) -> MeshGathering:
        """Open a channel for a question with the members of these names. The swarm is the node's own.

        A channel that this node's peer opened in an earlier life is taken up again, under its whole name.

        Raises:
            UnknownName: a name is no member's.
            UsageError: somebody else opened the channel.
        """
        by_name = {member.name: member for member in self.node.members.values()}
        for name in names:
            if name not in by_name:
                raise UnknownName("member", name, by_name)
        if channel in self.node.channels:
            self.said(channel)
        else:
            channel = f"{channel}-{self._mark}{self.node.draw_mark()}"
        return MeshGathering(self, channel, [by_name[name] for name in names])

    def said(self, channel: str) -> tuple[AnyMessage, ...]:
        """Return what is here of a question that this node's peer has asked, causes before effects.

        Raises:
            UsageError: there is no such question here, or somebody else asked it.
        """
        held = self.node.channels.get(channel)
        if held is None or held.opener != self.node.me or not held.copy.said(Opening):
            raise UsageError(f"{show(self.node.me)} has asked nothing in a channel {channel!r:.80} that is known here")
        return held.copy.messages()


class MeshGathering:
    """One question on the mesh, at its asker's node; see `Gathering`."""

    def __init__(self, mesh: Mesh, channel: str, members: Sequence[Member]) -> None:
        node = mesh.node
        self._mesh, self._node = mesh, node
        self.clock, self.asker = node.clock, node.me
        self.members = tuple(member.id for member in members)
        self.certify: Literal["byzantine", "crash"] | None = node.genesis.quorum if mesh.certify else None
        self._sitting = tuple(members)
        self._names = {member.id: member.name for member in members}
        self._held = node.channels[channel] if channel in node.channels else node.open(channel, self.members)
        self._agreement: Agreement | None = None
        self._unsubscribe: list[Callable[[], None]] = []
        self._cut: asyncio.Task[tuple[Heads, list[AnyMessage]]] | None = None
        self._decided: asyncio.Future[Any] = asyncio.get_running_loop().create_future()

    @property
    def certificate(self) -> str:
        made = None if self._agreement is None else self._agreement.certificate
        return "" if made is None else made.to_json()

    @property
    def notes(self) -> tuple[str, ...]:
        certifier = None if self._agreement is None else self._agreement.certifier
        if certifier is None or certifier.certificate is not None:
            return ()
        return (f"no certificate, this is the asker's own count: {certifier.progress()}",)

    @property
    def spent(self) -> Cost:
        said = (m.body for m in self._held.copy.messages() if m.author in self._names)
        return sum((body.cost for body in said if isinstance(body, Proposal | Judgement | Note)), NO_COST)

    def copy(self, peer: PeerId) -> Channel:
        return self._held.copy

    def start(self, peer: PeerId, run: Callable[[Channel], Coroutine[Any, Any, T]]) -> asyncio.Task[T]:
        """Wait until the members have said what they held; then run this member's part over that set."""
        if self._cut is None:
            self._cut = asyncio.get_running_loop().create_task(self._agree())
        return asyncio.get_running_loop().create_task(self._seat(peer, run))

    def subscribe(self, listener: Listener) -> None:
        self._unsubscribe.append(self._held.copy.subscribe(listener))

    def overhear(self, hear: Callable[[Words], None]) -> None:
        """Call `hear` with what members say while they say it, as far as it gets here; see `Overhears`."""
        self._unsubscribe.append(self._node.overhearing.begin(self._held.name, self._names, hear))

    async def close(self) -> None:
        while self._unsubscribe:
            self._unsubscribe.pop()()
        if self._cut is not None:
            self._cut.cancel()
        if self._agreement is not None:
            self._agreement.close()
        if not self._decided.done():
            self._decided.cancel()

    async def _seat(self, peer: PeerId, run: Callable[[Channel], Coroutine[Any, Any, T]]) -> T:
        assert self._cut is not None, "a seat is started first"
        cut, messages = await asyncio.shield(self._cut)
        spoke = {author for author, _, _ in cut}
        if peer not in spoke:
            raise RunFailed(f"{self._names[peer]} said nothing in time")
        if peer != next(member for member in self.members if member in spoke):
            decided: T = await asyncio.shield(self._decided)
            return decided
        try:
            decision = await run(SealedSet(messages, peer))
        except BaseException as why:
            self._decided.set_exception(why)
            raise
        self._decided.set_result(decision)
        return decision

    async def _agree(self) -> tuple[Heads, list[AnyMessage]]:
        """Wait for the certificate, or else for what the members held; return the cut and its messages."""
        copy, node = self._held.copy, self._node
        opening = copy.said(Opening)[0]
        signs = node.on_opening is None
        agreement = self._agreement = Agreement(node.key, opening, copy, self.clock, node.reader.holds, signs=signs)
        wait_s, certify = self._mesh.wait_s, self.certify is not None
        return await Settling(node, copy, agreement, self._sitting, certify=certify, wait_s=wait_s).settled()
