"""Threads on a mesh: every member holds its own replica, signed by its authors; whoever opened one may be gone."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING

from waggledance.core import THREAD, Channel, Clock, Member, Opening, PeerId

if TYPE_CHECKING:
    from waggledance.mesh import Node

PREFIX = "thread-"
"""What the names of their channels begin with: other channels that rest need not be woken to look."""


class MeshThreads:
    """One member's place: its node's replicas.

    Args:
        node: the member's, started.
    """

    def __init__(self, node: Node) -> None:
        self._node = node
        self.me: PeerId = node.me
        self._listeners: list[Callable[[], None]] = []
        node.on_thread = lambda _held, _opening: self._tell()

    @property
    def clock(self) -> Clock:
        return self._node.clock

    def people(self) -> Mapping[PeerId, Member]:
        return self._node.members

    def channels(self) -> Mapping[str, Channel]:
        found: dict[str, Channel] = {}
        for name in [name for name in self._node.channels if name.startswith(PREFIX)]:
            copy = self._node.channels[name].copy
            if any(opening.body.protocol == THREAD for opening in copy.said(Opening)):
                found[name] = copy
        return found

    def open(self, opening: Opening) -> Channel:
        """Open a channel of this member's own, for the members of the opening.

        Raises:
            PeerFault, RunFailed: as `Node.open`.
        """
        node = self._node
        held = node.open(f"{PREFIX}{node.draw_mark()}", [member.id for member in opening.members])
        held.copy.publish(node.me, opening, [], node.clock.wall_ms())
        return held.copy

    def on_thread(self, listener: Callable[[], None]) -> Callable[[], None]:
        self._listeners.append(listener)
        return partial(self._listeners.remove, listener)

    def _tell(self) -> None:
        for listener in list(self._listeners):
            listener()
