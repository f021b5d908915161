"""Relay: one peer opens a conversation, and another takes its seat after so many turns.

Source: "relay inference" of Davidson et al. 2025, "The Collaboration Gap", arXiv:2511.02687: a strong agent sets the
tone, a weaker one goes on for less money.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from waggledance.core import Call, Message, Peer, Proposal, UsageError, Verdict


class Relay:
    """A seat of a dialogue that two peers hold, one after the other.

    Args:
        first: who sits while fewer than `handoff` turns have been spoken.
        then: who sits after that.
        handoff: turns of the whole dialogue, ≥ 0; K in the paper, 2 to 8 there.
    """

    def __init__(self, first: Peer, then: Peer, handoff: int) -> None:
        if handoff < 0:
            raise UsageError(f"a seat is handed over after 0 or more turns, got {handoff}")
        self.name, self.skills = f"{first.name}, then {then.name}", first.skills & then.skills
        self._first, self._then, self._handoff = first, then, handoff

    async def note(self, call: Call, about: str, material: Sequence[Message[Any]]) -> str:
        speaker = self._first if len(material) < self._handoff else self._then
        return await speaker.note(call, about, material)

    async def propose(self, call: Call) -> Proposal:
        return await self._then.propose(call)

    async def revise(self, call: Call, mine: Message[Proposal], heard: Sequence[Message[Proposal]]) -> Proposal:
        return await self._then.revise(call, mine, heard)

    async def compare(self, call: Call, a: Message[Proposal], b: Message[Proposal]) -> Verdict:
        return await self._then.compare(call, a, b)

    async def critique(self, call: Call, proposal: Message[Proposal]) -> Verdict:
        return await self._then.critique(call, proposal)
