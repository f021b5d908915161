"""How who follows a question from outside knows that it has come to its end: by the certificate, or by the seals."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from math import inf
from typing import Any

from waggledance.consensus import Heads, Seal, cut_of_seals, quorum
from waggledance.core import Member, Message, Opening, PeerId
from waggledance.mesh._agreement import Agreement
from waggledance.mesh._mesh_copy import MeshCopy
from waggledance.mesh._node import Node

AnyMessage = Message[Any]

LATE_SECONDS = 2.0
"""How long those who seem to be here are waited for after enough have said what they held."""
CERTIFY_SECONDS = 30.0
"""How long a certificate is waited for after enough have said what they held."""
LOOK_SECONDS = 0.25
"""How often it is looked who is still there, while nothing comes in."""


class Settling:
    """The end of one question, as one who has no say in it sees it.

    Args:
        node: the follower's.
        copy: its copy of the question's channel.
        agreement: its part in the agreement.
        members: who sits at the question.
        certify: whether to wait for a certificate.
        wait_s: how long to wait in all, seconds.
    """

    def __init__(
        self,
        node: Node,
        copy: MeshCopy,
        agreement: Agreement,
        members: Iterable[Member],
        *,
        certify: bool,
        wait_s: float,
    ) -> None:
        sitting = tuple(members)
        self._node, self._copy, self._agreement, self._certify, self._wait_s = node, copy, agreement, certify, wait_s
        self._weights: Mapping[PeerId, int] = {member.id: member.weight for member in sitting}
        self._needed = quorum(sitting, node.genesis.quorum).needed
        self._grown = asyncio.Event()

    async def settled(self) -> tuple[Heads, list[AnyMessage]]:
        """Wait for the certificate, or else for what the members held; return the cut and its messages."""
        unsubscribe = self._copy.subscribe(self._look_at)
        self._agreement.ended.add_done_callback(lambda _: self._grown.set())
        try:
            await self._ended()
        finally:
            unsubscribe()
        return self._found()

    async def _ended(self) -> None:
        clock = self._node.clock
        until, enough_at = clock.now() + self._wait_s, inf
        while self._agreement.certificate is None:
            sealed = self._sealed()
            if sealed >= self._weights.keys() and not self._certify:
                return
            everybody = sealed | self._node.gone >= self._weights.keys()
            if enough_at == inf and (everybody or self._weight(sealed) >= self._needed):
                enough_at = clock.now()
            ends = min(until, enough_at + self._late_seconds(sealed))
            if clock.now() >= ends:
                return
            await self._until_grown(min(ends, clock.now() + LOOK_SECONDS))

    def _found(self) -> tuple[Heads, list[AnyMessage]]:
        agreement = self._agreement
        if agreement.certificate is not None:
            cut = agreement.certificate.decided.cut
        else:
            cut = cut_of_seals([m.body.heads for m in self._copy.said(Seal) if m.author in self._weights])
        messages = agreement.messages(cut) if cut else None
        if messages is None:  # nobody came to an end, or not all that was sealed is here: decide on what is
            cut = agreement.heads()
            messages = agreement.messages(cut)
        assert messages is not None, "the heads of what is here are here"
        return cut, messages

    def _look_at(self, message: AnyMessage, _raw: bytes) -> None:
        if isinstance(message.body, Seal):  # nothing else that is said brings the end nearer
            self._grown.set()

    def _sealed(self) -> frozenset[PeerId]:
        return frozenset(m.author for m in self._copy.said(Seal)) & self._weights.keys()

    def _late_seconds(self, sealed: frozenset[PeerId]) -> float:
        """Return how long to wait once enough have answered: for the certificate, where those who live can make it.

        Who is gone changes no quorum: where a part of it is gone, nothing can come but who was late.
        """
        living = sealed | (self._weights.keys() - self._node.gone)
        return CERTIFY_SECONDS if self._certify and self._weight(living) >= self._needed else LATE_SECONDS

    def _weight(self, peers: Iterable[PeerId]) -> int:
        return sum(self._weights[peer] for peer in peers)

    async def _until_grown(self, at: float) -> None:
        """Return when something new is here, or at a moment."""
        self._grown.clear()
        try:
            async with asyncio.timeout(max(0.0, at - self._node.clock.now())):
                await self._grown.wait()
        except TimeoutError:
            return


def asks_the_swarm(node: Node, opening: Opening) -> bool:
    """Say whether a question's certificate would be the swarm's: of all who have a vote, by its own quorum.

    An asker who could choose the members could have a decision certified by its friends.
    """
    asked = {member.id: member.weight for member in opening.members if member.weight}
    voters = {member.id: member.weight for member in node.members.values() if member.weight}
    return asked == voters and opening.certify == node.genesis.quorum
