"""A node's directory: whom it would ask, from the records in its lobby, what it saw of their work, and who is here.

A record counts while its lease holds, and a lease runs from when this node last heard the author, on this node's clock.
Who is taken for dead, or has left, is not found; who is suspected comes after those who are not.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import TYPE_CHECKING

from waggledance.core import MessageId, PeerId
from waggledance.mesh._directory import Match, Need, Observed, rank
from waggledance.mesh._feedback import Feedback, Settled, edges_of, observed_by, task_of
from waggledance.mesh._node import Node
from waggledance.mesh._records import Record, records_of
from waggledance.mesh._reputation import merits

if TYPE_CHECKING:
    from waggledance.topology import Embed

MEET_SECONDS = 1.5


class Finder:
    """Finds members that meet a need, as one node sees them.

    Args:
        node: whose lobby and channels are looked at.
        embed: how texts become vectors; `by_meaning()` when None.
        seed: whose draws decide which needs go to newcomers; see `rank`.
    """

    def __init__(self, node: Node, *, embed: Embed | None = None, seed: int = 0) -> None:
        self._node, self.embed, self._seed = node, embed, seed
        self._tasks: dict[str, Settled] = {}
        self._merit: tuple[bytes, dict[PeerId, int]] = (b"", {})

    async def meet(self, within_s: float = MEET_SECONDS) -> None:
        """Wait until everybody who is not known to be gone has given a sign of life, as after a start; ask for one.

        Args:
            within_s: how long at most, seconds.
        """
        node = self._node
        until = node.clock.now() + within_s
        while node.clock.now() < until:
            gone = {peer for peer, state in node.swim.states().items() if state.status in ("dead", "left")}
            if node.members.keys() - gone - {node.me} <= node.last_heard().keys():
                return
            node.ask_everybody()
            await asyncio.sleep(within_s / 10)

    def find(self, need: Need) -> list[Match]:
        """Return the members that meet a need, the one to ask first; oneself is not among them.

        Raises:
            UsageError: see `rank`.
        """
        matches = rank(
            need, self.records(), observed=self.observed(), merit=self.merit(), embed=self.embed, seed=self._seed
        )
        states = self._node.swim.states()
        suspect = {match.peer for match in matches if states[match.peer].status == "suspect"}
        return sorted(matches, key=lambda match: match.peer in suspect)  # a stable sort: the order stays otherwise

    def records(self) -> tuple[Record, ...]:
        """Return the records of other members whose lease holds and who are not known to be gone."""
        node = self._node
        states = node.swim.states()
        here = {p for p in node.members if p != node.me and p in states and states[p].status in ("alive", "suspect")}
        live = records_of(node.lobby.copy.messages()).live(node.last_heard(), node.clock.now())
        return tuple(record for record in live if record.author in here)

    def tasks(self) -> Mapping[MessageId, Settled]:
        """Return the decided questions that this node holds, by id."""
        for name, held in self._node.channels.items():
            if name not in self._tasks and held.is_over:
                settled = task_of(held.copy.messages())
                if settled is not None:
                    self._tasks[name] = settled
        return {task.id: task for task in self._tasks.values()}

    def observed(self) -> dict[PeerId, Observed]:
        """Return how others did at this node's own questions."""
        return observed_by(self._node.me, self._node.lobby.copy.said(Feedback), self.tasks())

    def merit(self) -> dict[PeerId, int]:
        """Return others' reputation in this node's eyes, parts per million; walked anew only for new feedback."""
        edges = edges_of(self._node.lobby.copy.said(Feedback), self.tasks())
        if self._merit[0] != edges.cut:
            self._merit = (edges.cut, merits(self._node.me, edges.weights, edges.cut))
        return self._merit[1]
