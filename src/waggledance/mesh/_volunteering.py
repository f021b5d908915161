"""A member's side of beacons: it volunteers when its record fits what is needed and it has room for one more question.

It looks at beacons as they come into its lobby. One whose team stands already, or whose author is taken for dead, is
not answered; what an old beacon that comes late by repair costs is one message.
"""

from __future__ import annotations

import asyncio
from typing import Any

from waggledance.core import Message
from waggledance.mesh._directory import meets
from waggledance.mesh._node import Node
from waggledance.mesh._records import records_of
from waggledance.mesh._sitting import Sitting
from waggledance.mesh._volunteers import Beacon, Team, Volunteer


class Volunteering:
    """Answers beacons for a peer.

    Args:
        node: the peer's node; what the peer can do is what its record in the lobby says.
        sitting: knows whether there is room.
    """

    def __init__(self, node: Node, sitting: Sitting) -> None:
        self._node, self._sitting = node, sitting
        self._loop = asyncio.get_running_loop()
        self._unsubscribe = node.lobby.copy.subscribe(self._on)

    def close(self) -> None:
        """Answer no more. Only once."""
        self._unsubscribe()

    def _on(self, message: Message[Any], _raw: bytes) -> None:
        if isinstance(message.body, Beacon) and message.author != self._node.me:
            self._loop.call_soon(self._answer, message)

    def _answer(self, beacon: Message[Beacon]) -> None:
        if self._sitting.has_room and self._fits(beacon):
            node = self._node
            node.lobby.copy.publish(node.me, Volunteer(beacon=beacon.id), [beacon], node.clock.wall_ms())

    def _fits(self, beacon: Message[Beacon]) -> bool:
        node, lobby = self._node, self._node.lobby.copy
        author = node.swim.states().get(beacon.author)
        if author is None or author.status in ("dead", "left"):
            return False
        if any(team.body.beacon == beacon.id for team in lobby.said(Team)):
            return False
        if any(m.author == node.me and m.body.beacon == beacon.id for m in lobby.said(Volunteer)):
            return False
        mine = records_of(lobby.messages()).by_author.get(node.me)
        return mine is not None and meets(mine, beacon.body.need)
