"""A peer around another: it is asked, and passes on what it does not do itself."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from waggledance.core import Call, Decision, Message, Peer, Proposal, Question, Verdict


class WrapperPeer:
    """A peer that does all as another does. Derive from it and write what differs.

    Args:
        peer: who is asked in the end.

    >>> from waggledance.peers import FunctionPeer
    >>> WrapperPeer(FunctionPeer("ada", lambda question: "4")).name
    'ada'
    """

    def __init__(self, peer: Peer) -> None:
        self.peer = peer

    @property
    def name(self) -> str:
        return self.peer.name

    @property
    def skills(self) -> frozenset[str]:
        return self.peer.skills

    @property
    def draws(self) -> bool:
        """Whether the peer may answer otherwise when it is asked again."""
        return bool(getattr(self.peer, "draws", True))

    @property
    def person(self) -> bool:
        """Whether the peer is a person."""
        return bool(getattr(self.peer, "person", False))

    async def propose(self, call: Call) -> Proposal:
        """Answer as the peer does."""
        return await self.peer.propose(call)

    async def revise(self, call: Call, mine: Message[Proposal], heard: Sequence[Message[Proposal]]) -> Proposal:
        """Answer again as the peer does."""
        return await self.peer.revise(call, mine, heard)

    async def note(self, call: Call, about: str, material: Sequence[Message[Any]]) -> str:
        """Write a note as the peer does."""
        return await self.peer.note(call, about, material)

    async def compare(self, call: Call, a: Message[Proposal], b: Message[Proposal]) -> Verdict:
        """Say which of two proposals is better as the peer does."""
        return await self.peer.compare(call, a, b)

    async def critique(self, call: Call, proposal: Message[Proposal]) -> Verdict:
        """Grade a proposal as the peer does."""
        return await self.peer.critique(call, proposal)

    def remember(self, question: Question, decision: Decision) -> None:
        """Let the peer keep what was decided, if it has a memory."""
        keep: Callable[[Question, Decision], None] | None = getattr(self.peer, "remember", None)
        if keep is not None:
            keep(question, decision)
