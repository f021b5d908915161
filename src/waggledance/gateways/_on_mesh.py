"""A swarm on the network behind a host's doors: whoever is a member with a vote when an order comes is asked.

The opening fixes who sits at a question, as everywhere on the mesh; who joins or leaves later counts from the next
order on. An order's seconds are how long members may take; where it has none, ten minutes.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from typing import TYPE_CHECKING, Any

import msgspec

from waggledance._replay import decide_again
from waggledance._run import Journal
from waggledance._swarm import Swarm
from waggledance.core import (
    UNIT,
    AnswerKind,
    Budget,
    Decision,
    Member,
    Message,
    Opening,
    Question,
    encode,
    members_of,
    outcome_of,
)
from waggledance.gateways._hosted import Hosted, example_of
from waggledance.gateways._order import Order
from waggledance.protocols import AskProtocol, Default, check_fit, check_spelled

if TYPE_CHECKING:
    from waggledance.mesh import Mesh, Node, Reading


def hosted_on_mesh(
    node: Node,
    *,
    protocol: AskProtocol | Default | None = None,
    certify: bool = False,
    log: Journal | None = None,
    about: str = "",
    budget: Budget | None = None,
    expects: AnswerKind | None = None,
    seed: int = 0,
) -> Hosted:
    """Return a swarm on the network as one that a host serves.

    Args:
        node: the server's own, started; it asks, and needs no vote.
        protocol: what is said when, where an order names nothing; what suits each question by default.
        certify: whether members certify what they decide; see `Decision.certificate`.
        log: where what is said is kept besides, beside what swarms of this process say.
        about: what the swarm is for; the swarm's name when empty.
        budget: see `Hosted`.
        expects: see `Hosted`.
        seed: same seed, same draws.

    Raises:
        UsageError: the protocol cannot be named in an opening, or does not fit.
    """
    from waggledance.mesh import Mesh

    members = _Members(node, protocol, certify=certify, log=log, seed=seed)
    voters = sorted((member for member in node.members.values() if member.weight), key=lambda member: member.id)
    first = members.seated(voters, Mesh(node, certify=certify))
    example = first.protocol_for(example_of(expects or "free"))
    check_fit(example, first.peers)
    check_spelled(example)
    about = about or f"members of {node.genesis.name}"
    return Hosted(
        first, about=about, budget=budget, expects=expects, now=members.now, find=members.find, take_up=members.take_up,
    )  # fmt: skip


class _Members:
    """The members of a swarm on the network, as its host asks them; see `Hosted`."""

    def __init__(
        self, node: Node, protocol: AskProtocol | Default | None, *, certify: bool, log: Journal | None, seed: int
    ) -> None:
        self._node, self._protocol, self._certify, self._log, self._seed = node, protocol, certify, log, seed

    def seated(self, members: Sequence[Member], mesh: Mesh) -> Swarm:
        weights = {member.name: member.weight / UNIT for member in members}
        return Swarm(
            mesh.peers(members), network=mesh, protocol=self._protocol, log=self._log, weights=weights, seed=self._seed
        )

    def now(self, limit: Budget | None, order: Order | None) -> Swarm:
        from waggledance.mesh import Mesh
        from waggledance.mesh._mesh import WAIT_SECONDS

        seconds = WAIT_SECONDS if limit is None or limit.seconds is None else limit.seconds
        known_as = None if order is None else (order.id, order.caller)
        mesh = Mesh(self._node, certify=self._certify, wait_s=seconds, order=known_as)
        return self.seated(mesh.answering(), mesh)

    async def find(self, id: str, caller: str) -> Question:
        async with self._reading(id, caller) as reading:
            return (await reading.found()).said(Opening)[0].body.question

    def take_up(self, order: Order, channel: str) -> AsyncIterator[Message[Any] | Decision]:
        from waggledance.mesh import Mesh
        from waggledance.mesh._channel_names import is_named_by
        from waggledance.mesh._mesh import WAIT_SECONDS

        if not is_named_by(channel, self._node.me):
            return _read(self._reading(order.id, order.caller), self._log)
        said = Mesh(self._node).said(channel)
        opening = said[0].body
        mesh = Mesh(self._node, certify=isinstance(opening.certify, str), wait_s=opening.budget.seconds or WAIT_SECONDS)
        return self.seated(members_of(said), mesh).take_up(said)

    def _reading(self, id: str, caller: str) -> Reading:
        from waggledance.mesh import Reading
        from waggledance.mesh._mesh import WAIT_SECONDS

        return Reading(self._node, id, caller, wait_s=WAIT_SECONDS)


async def _read(reading: Reading, log: Journal | None) -> AsyncGenerator[Message[Any] | Decision]:
    """Yield what members say to an order of another server, and what they have decided."""
    async with reading:
        copy = await reading.found()
        said: asyncio.Queue[Message[Any] | None] = asyncio.Queue()
        unsubscribe = copy.subscribe(lambda message, _raw: said.put_nowait(message))
        for message in copy.messages():
            said.put_nowait(message)
        known = log is not None and copy.name in log
        deciding = asyncio.get_running_loop().create_task(reading.decision())
        deciding.add_done_callback(lambda _: said.put_nowait(None))
        try:
            while (heard := await said.get()) is not None:
                if log is not None and not known:
                    log.append(heard, encode(heard))
                yield heard
            decision = await deciding
            if outcome_of(copy.messages()) is not None:  # it was written down what was decided, and on what
                decision = msgspec.structs.replace(decide_again(copy.messages()), certificate=decision.certificate)
            yield decision
        finally:
            unsubscribe()
            deciding.cancel()
            await asyncio.gather(deciding, return_exceptions=True)
