"""Reading a question that somebody else asked: its decision, found by the order's id, where its asker is gone.

The members hold the channel, and everything in it is signed: whoever may read it can compute the decision, as they do.
A reader writes nothing, and is no part of the question: no quorum, no seal, no outcome. What it may read it proves by
knowing the order; see `order_mark`. So that nobody passes something else off as the order, it reads a channel only of
the member for whom the mark was made, and takes a certificate only of the swarm's own quorum.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any, Self

import msgspec

from waggledance.core import (
    NO_COST,
    Decision,
    Door,
    Judgement,
    Message,
    Note,
    Opening,
    PeerFault,
    Proposal,
    RunFailed,
    encode,
)
from waggledance.mesh._agreement import Agreement
from waggledance.mesh._channel_names import is_named_by
from waggledance.mesh._mesh_copy import MeshCopy
from waggledance.mesh._node import Node
from waggledance.mesh._order_marks import MAX_SOUGHT, AskOrder, mark_in, order_mark, sought_by
from waggledance.mesh._sealed_set import decide_over
from waggledance.mesh._settling import Settling, asks_the_swarm
from waggledance.mesh._wire import seal
from waggledance.network import Give, have

AnyMessage = Message[Any]

FIND_SECONDS = 3.0
"""How long an order is looked for."""
AGAIN_SECONDS = 0.5
"""How often members are asked for what is new."""
MAX_BYTES = 64 * 1024 * 1024
"""Of one question, as far as it is read."""


class OrderUnknown(RunFailed):
    """Nobody who is here knows an order."""

    def __init__(self, id: str) -> None:
        super().__init__(id)
        self.id = id

    def __str__(self) -> str:
        return f"no member of the swarm that is here knows an order {self.id[:80]!r} of this caller"


class Reading:
    """One order that another member asked, as long as the context is open.

    Args:
        node: the reader's.
        id: the order's.
        caller: whose order it is, as its gateway knows them.
        wait_s: how long members may take in all, seconds.
    """

    def __init__(self, node: Node, id: str, caller: str, *, wait_s: float) -> None:
        self._node, self._id, self._wait_s = node, id, wait_s
        askers = sorted(node.members.keys() - {node.me})[:MAX_SOUGHT]
        self._marks = {order_mark(id, caller, asker): asker for asker in askers}
        self._sought = tuple(sorted(map(sought_by, self._marks)))
        self._door: Door | None = None
        self._bytes = 0
        self._opened: asyncio.Future[Message[Opening]] = asyncio.get_running_loop().create_future()
        self._asking: asyncio.Task[None] | None = None
        self.certificate = ""
        """The certificate that the members made, as JSON text; empty while there is none."""

    async def __aenter__(self) -> Self:
        self._node.readings.add(self)
        self._asking = asyncio.get_running_loop().create_task(self._ask())
        return self

    async def __aexit__(self, *_: object) -> None:
        self._node.readings.discard(self)
        assert self._asking is not None, "entered before it is left"
        self._asking.cancel()
        await asyncio.gather(self._asking, return_exceptions=True)
        if self._door is not None:
            self._door.channel.close()

    async def found(self) -> MeshCopy:
        """Return what is here of the order's channel, a copy that grows, once its opening is.

        Raises:
            OrderUnknown: nobody who is here knows the order.
        """
        try:
            async with asyncio.timeout(FIND_SECONDS):
                await asyncio.shield(self._opened)
        except TimeoutError:
            raise OrderUnknown(self._id) from None
        return self._copy

    async def decision(self) -> Decision:
        """Wait until the members have come to an end, and return what they decided, computed anew.

        Raises:
            OrderUnknown: nobody who is here knows the order.
            RunFailed: nobody who sits at the question said anything.
        """
        copy, node = await self.found(), self._node
        opening = self._opened.result()
        certify = isinstance(opening.body.certify, str) and asks_the_swarm(node, opening.body)
        agreement = Agreement(node.key, opening, copy, node.clock, node.reader.holds, certify=certify, signs=False)
        try:
            settling = Settling(node, copy, agreement, opening.body.members, certify=certify, wait_s=self._wait_s)
            _, messages = await settling.settled()
            made = agreement.certificate
        finally:
            agreement.close()
        self.certificate = "" if made is None else made.to_json()
        notes = ("no certificate, this is the reader's own count",) if certify and made is None else ()
        return self._completed(await decide_over(opening, messages, node.clock), opening, notes)

    def _completed(self, decision: Decision, opening: Message[Opening], notes: Sequence[str]) -> Decision:
        """Add what the whole channel tells."""
        said = self._copy.messages()
        answered = {m.author for m in said if m.id in set(decision.used) and getattr(m.body, "key", "") is not None}
        members = opening.body.members
        return msgspec.structs.replace(
            decision,
            notes=(*decision.notes, *notes),
            silent=tuple(member.id for member in members if member.id not in answered),
            cost=sum((m.body.cost for m in said if isinstance(m.body, Proposal | Judgement | Note)), NO_COST),
            seconds=max(0, max(m.wall_ms for m in said) - opening.wall_ms) / 1_000,
            names={member.id: member.name for member in members},
            channel=opening.channel,
            certificate=self.certificate,
        )

    @property
    def _copy(self) -> MeshCopy:
        assert self._door is not None, "found first"
        assert isinstance(self._door.channel, MeshCopy), "a reading's own"
        return self._door.channel

    # -- asking, and what comes ---------------------------------------------------------------------------------

    async def _ask(self) -> None:
        node = self._node
        while True:
            here = None if self._door is None else have(self._copy)
            asked = node.members.keys() if here is None else {m.id for m in self._opened.result().body.members}
            for peer in sorted(asked - {node.me} - node.gone):
                node.transport.send(peer, seal(node.key, node.swarm, peer, AskOrder(self._sought, here)))
            await asyncio.sleep(AGAIN_SECONDS)

    def take(self, given: Give) -> bool:
        """Take what a member gives; say whether it belongs here."""
        asker = self._marks.get(mark_in(given.ch))
        if asker is None or not is_named_by(given.ch, asker) or (self._door and given.ch != self._door.channel.name):
            return False
        opened: list[AnyMessage] = []
        for frame in given.frames:
            self._bytes += len(frame)
            if self._bytes > MAX_BYTES:
                break
            try:
                opened.append(self._node.reader.open(frame))
            except PeerFault as fault:
                self._node.refused[fault.reason] += 1
        door = self._door or self._door_for(given.ch, opened)
        if door is not None:
            for message in opened:
                door.admit(message, encode(message))
            self._look(door)
        return True

    def _door_for(self, channel: str, opened: Sequence[AnyMessage]) -> Door | None:
        """Return what lets messages of an order's channel in, if its opening is among them."""
        node, asker = self._node, self._marks[mark_in(channel)]
        first = next((m for m in opened if isinstance(m.body, Opening) and m.author == asker and m.sequence == 1), None)
        if first is None or first.channel != channel or first.swarm != node.swarm:
            return None
        sitting = frozenset(member.id for member in first.body.members)
        if not sitting <= node.membership.ever:
            return None
        copy = MeshCopy(node.swarm, channel, _nothing, node.transport)

        def admits(message: AnyMessage) -> bool:
            opens = not isinstance(message.body, Opening) or message.id == first.id
            return opens and (message.author == asker or message.author in sitting)

        return Door(copy, admits=admits, clock=node.clock, verify=node.reader.holds)

    def _look(self, door: Door) -> None:
        """Go on with a channel once its opening is in, signed by who asked."""
        openings = door.channel.said(Opening)
        if openings and not self._opened.done():
            self._door = door
            self._opened.set_result(openings[0])


def _nothing() -> None:
    """Nothing is written here."""
