"""Relay: one peer opens a conversation, and another takes its seat after so many turns.

Source: "relay inference" of Davidson et al. 2025, "The Collaboration Gap", arXiv:2511.02687: a strong agent sets the
tone, a weaker one goes on for less money.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from waggledance.core import Call, Message, Peer, UsageError
from waggledance.peers import WrapperPeer


class Relay(WrapperPeer):
    """A seat of a dialogue that two peers hold, one after the other.

    Args:
        first: who sits while fewer than `handoff` turns have been spoken.
        then: who sits after that.
        handoff: turns of the whole dialogue, ≥ 0; K in the paper, 2 to 8 there.
    """

    def __init__(self, first: Peer, then: Peer, handoff: int) -> None:
        if handoff < 0:
            raise UsageError(f"a seat is handed over after 0 or more turns, got {handoff}")
        super().__init__(then)
        self._first, self._handoff = first, handoff

    @property
    def name(self) -> str:
        return f"{self._first.name}, then {self.peer.name}"

    @property
    def skills(self) -> frozenset[str]:
        return self._first.skills & self.peer.skills

    async def note(self, call: Call, about: str, material: Sequence[Message[Any]]) -> str:
        speaker = self._first if len(material) < self._handoff else self.peer
        return await speaker.note(call, about, material)
