"""A question run again from its record, with interventions: the same protocol at the same seats.

What does not depend on a change is answered from the record, and live peers are asked for the rest, or nobody is. In
memory the new run bears the name of the origin, so that ties and draws fall as they did, and so that what nothing has
changed keeps its id: a run without interventions gives the recorded messages, byte for byte.
Source: Ma et al. 2025, "DoVer", arXiv:2512.06749, §3 (replay from a step); the exact mode is ours.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterable, Sequence
from typing import Any, TypeVar

import msgspec

from waggledance._run import Run
from waggledance.core import (
    UNSEEN,
    Budget,
    Channel,
    Cost,
    Decision,
    Exchange,
    Message,
    MessageId,
    Opening,
    Peer,
    PeerId,
    Roster,
    RunFailed,
    Table,
    UnknownName,
    UsageError,
    Witness,
)
from waggledance.protocols import PROTOCOLS, AskProtocol, Folding, as_opened, rule_by_name
from waggledance.safety._interventions import Intervention, SwapModel, SwapRule, Unsay, Unseat
from waggledance.safety._recorded_course import Course
from waggledance.safety._recorded_history import Gists, History
from waggledance.safety._recorded_model import memories_of
from waggledance.safety._recorded_peer import Counts, FellSilent, Live, RecordedPeer
from waggledance.safety._replay_copy import SeatCopy
from waggledance.safety._replay_parts import Peers, Replayed, Told, changes_by_message, peer_named, place_of
from waggledance.safety._replay_stage import Stage

AnyMessage = Message[Any]
T = TypeVar("T")


async def replay(
    history: History,
    edits: Sequence[Intervention] = (),
    *,
    at: MessageId | None = None,
    live: Live = "needed",
    peers: Peers | None = None,
    seed: int | None = None,
    budget: Budget | None = None,
    told: Told = lambda message: None,
    witness: Witness = UNSEEN,
    exchanges: Iterable[Exchange] = (),
) -> Replayed:
    """Run a recorded question again; see `intervene`, which reads it from a log and keeps what comes of it.

    Raises:
        UsageError: an intervention names nothing that can be changed, or no such protocol can be run again.
        MissingRecord: a live call would be needed, and none may be made.
    """
    protocol, budget = protocol_of(history.opening.body), budget or history.opening.body.budget
    if isinstance(protocol, Folding):
        from waggledance.safety._replay_plan import replay_plan

        return await replay_plan(
            history, protocol, edits, at=at, live=live, peers=peers, seed=seed, budget=budget, told=told,
            witness=witness,
        )  # fmt: skip
    play = _Play(history, edits, at, live, peers, seed, told, exchanges)
    return await play.run(budget, witness)


class _Play:
    """The parts of one replay, put together."""

    def __init__(
        self,
        history: History,
        edits: Sequence[Intervention],
        at: MessageId | None,
        live: Live,
        peers: Peers | None,
        seed: int | None,
        told: Told,
        exchanges: Iterable[Exchange],
    ) -> None:
        self.history, self.peers, self.seed = history, peers, seed
        self.memories = {} if live == "after" or peers is None else memories_of(exchanges)
        self.live: Live = live
        self.cut = place_of(history, at, live)
        self.by_message = {id: Unsay(id) for id in history.unsaid} | changes_by_message(history, edits)
        self.swapped = {peer_named(history, e.peer): e.model for e in edits if isinstance(e, SwapModel)}
        self.off = {peer_named(history, e.peer) for e in edits if isinstance(e, Unseat)}
        rules = [e.rule for e in edits if isinstance(e, SwapRule)]
        for rule in rules:
            rule_by_name(rule)
        self.opening = self._opened(rules)
        self.protocol = protocol_of(self.opening)
        self.gists = Gists()
        for message in (*history.messages, *history.unsaid.values()):
            self.gists.of(message)
        self.counts = Counts()
        self.stage = Stage(history, self.gists, told)
        self.stage.freed.update(self.swapped)
        self.members = tuple(m for m in history.members if m.id not in self._gone)
        if not self.members:
            raise UsageError("every peer would be taken away: leave at least one")

    async def run(self, budget: Budget, witness: Witness) -> Replayed:
        names = {m.id: m.name for m in self.members}
        opening = self.opening
        table = Table(self.history.question, tuple(names), names, {m.id: m.weight for m in self.members}, opening.seed)
        gathering = _Gathering(self)
        first = self._say_first(gathering)
        peers = tuple(self._seated(id, name) for id, name in names.items())
        run = _Rerun(peers, gathering, table, self.protocol, budget, None, (), first, witness)
        run.forgers = self.history.forgers
        decision = await run.decide()
        return Replayed(tuple(self.stage.messages), decision, self.counts, dict(self.stage.slot_of))

    # -- parts --------------------------------------------------------------------------------------------------

    @property
    def _gone(self) -> set[PeerId]:
        """Who does not sit down at all; who is taken away later does."""
        return self.off if self.cut is None else set()

    def _opened(self, rules: list[str]) -> Opening:
        body = self.history.opening.body
        if not (rules or self._gone):
            return body
        members = tuple(m for m in body.members if m.id not in self._gone)
        return msgspec.structs.replace(body, rule=rules[-1] if rules else body.rule, members=members)

    def course_of(self, peer: PeerId) -> Course:
        until = self.cut if self.live == "after" else None
        if peer in self.swapped or peer in self.off:
            until = -1 if self.cut is None else self.cut
        return Course(self.history, self.gists, peer, until, reseated=bool(self._gone))

    def _seated(self, id: PeerId, name: str) -> Peer:
        course = self.courses[id]
        return RecordedPeer(
            name,
            course,
            self.counts,
            ask=lambda: self._live_peer(id, name),
            live=self.live,
            around=self.stage.live,
            question=self.history.question,
            memory={} if id in self.swapped else self.memories.get(id, {}),
            seed=self.seed,
        )

    def _live_peer(self, id: PeerId, name: str) -> Peer:
        if id in self.off:
            raise FellSilent
        if id not in self._asked:
            if self.peers is None:
                raise UsageError(
                    f"{name} has to be asked anew, and no peers were given to ask: give `peers`, or live='never' to "
                    "see what the record cannot answer"
                )
            self._asked[id] = self.peers(name, self.swapped.get(id, ""))
        return self._asked[id]

    def _say_first(self, gathering: _Gathering) -> tuple[AnyMessage, ...]:
        """Say what the asker said before anybody spoke; let forgers' messages come with their causes."""
        self.courses = {m.id: self.course_of(m.id) for m in self.members}
        self._asked: dict[PeerId, Peer] = {}
        desk = gathering.seat_all()
        first: list[AnyMessage] = []
        for message in self.history.first():
            body: Any = message.body
            if isinstance(body, Opening):
                body = self.opening
            elif isinstance(body, Roster):
                body = msgspec.structs.replace(body, members=tuple(m for m in body.members if m.id not in self._gone))
            first.append(desk.publish(self.history.asker, body, [], message.wall_ms))
        forged = [m for m in self.history.messages if m.author in self.history.forgers]
        self.stage.give(forged)
        return tuple(first)


class _Gathering:
    """A replay as a network: copies that hear what was heard then."""

    certify = None
    certificate = ""
    spent: Cost | None = None
    notes: tuple[str, ...] = ()

    def __init__(self, play: _Play) -> None:
        self._play = play
        self.clock = play.stage
        self.asker = play.history.asker
        self.members = tuple(m.id for m in play.members)
        self._copies: dict[PeerId, SeatCopy] = {}

    def seat_all(self) -> SeatCopy:
        """Give everybody a copy; return the asker's."""
        play = self._play
        for who in self.members:
            self._copies[who] = SeatCopy(play.stage, play.courses[who], play.by_message)
        course = Course(play.history, play.gists, self.asker)
        self._copies[self.asker] = SeatCopy(play.stage, course, play.by_message)
        return self._copies[self.asker]

    def copy(self, peer: PeerId) -> Channel:
        return self._copies[peer]

    def start(self, peer: PeerId, run: Callable[[Channel], Coroutine[Any, Any, T]]) -> asyncio.Task[T]:
        return asyncio.get_running_loop().create_task(run(self._copies[peer]))

    def subscribe(self, listener: Callable[[AnyMessage, bytes], None]) -> None:
        self._copies[self.asker].subscribe(listener)

    async def close(self) -> None:
        await self._play.stage.close()


class _Rerun(Run):
    """A run whose seats may fall silent where they did, and which decides even if nobody answers."""

    forgers: frozenset[PeerId] = frozenset()

    async def _run_seat(self, i: int, opening: AnyMessage, channel: Channel) -> Decision:
        peer = self._peers[i]
        if self.gathering.members[i] in self.forgers:
            raise RunFailed(f"{peer.name} wrote two messages with one number: its words stay as they were")
        try:
            return await super()._run_seat(i, opening, channel)
        except FellSilent:
            raise RunFailed(f"{peer.name} fell silent, as it had") from None

    def _raise_if_nobody_answered(self, decision: Decision) -> None:
        """Let an empty history be one."""


def protocol_of(opening: Opening) -> AskProtocol:
    """Return the protocol that an opening names, for running it again.

    Raises:
        UsageError: this program knows none of that name.
    """
    name = opening.protocol.partition("(")[0]
    if name not in PROTOCOLS:
        from waggledance.tasks import register_protocols

        register_protocols()
    try:
        return as_opened(opening)
    except UnknownName as why:
        raise UsageError(f"the channel cannot be run again: {why}") from why
