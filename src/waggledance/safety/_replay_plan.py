"""A plan run again from its record: what is done stays done, and what a change reaches is done anew.

A plan goes its way by claims and leases and not by rounds, so it is not run again seat by seat: its decision is a fold
of what was published, and it goes on from any set of messages. A replay keeps the recorded messages but for the work
that the change reaches: the tasks whose results are unsaid, were made by a peer that is another now, or come after what
was changed; and lets the peers go on from there.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterable, Sequence
from dataclasses import replace
from typing import Any, TypeVar, cast

import msgspec

from waggledance._run import IDS_A_CUT, Run
from waggledance.core import (
    UNSEEN,
    Body,
    Budget,
    Call,
    Channel,
    Cost,
    Cut,
    Decision,
    LoopClock,
    Message,
    MessageId,
    Note,
    Opening,
    Outcome,
    Peer,
    PeerId,
    Proposal,
    Roster,
    Table,
    UsageError,
    Verdict,
    Witness,
    compose,
    encode,
    renamed,
)
from waggledance.protocols import AskProtocol, Folding
from waggledance.safety._interventions import Intervention, Reword, SwapModel, SwapRule, Unsay, Unseat
from waggledance.safety._recorded_history import History, slots_of
from waggledance.safety._recorded_peer import Asked, Counts, Live, MissingRecord
from waggledance.safety._replay_copy import reworded
from waggledance.safety._replay_parts import Peers, Replayed, Told, changes_by_message, peer_named, place_of
from waggledance.tasks import (
    Add,
    Done,
    Drop,
    Expand,
    Join,
    Link,
    PlanEdit,
    Planned,
    PlanResult,
    PlanSeal,
    Replace,
    SealBacking,
    TaskId,
    TaskOutcome,
)

AnyMessage = Message[Any]
T = TypeVar("T")


async def replay_plan(
    history: History,
    protocol: AskProtocol,
    edits: Sequence[Intervention],
    *,
    at: MessageId | None,
    live: Live,
    peers: Peers | None,
    seed: int | None,
    budget: Budget,
    told: Told,
    witness: Witness = UNSEEN,
) -> Replayed:
    """Run a recorded plan again; see `replay`.

    Raises:
        UsageError: an intervention is none for a plan.
        MissingRecord: tasks would have to be done anew, and nobody may be asked.
    """
    kept = _Kept(history, edits, place_of(history, at, live), live)
    counts = Counts()
    said = kept.messages()
    counts.recorded = sum(isinstance(op, Done) for m in said if isinstance(m.body, PlanEdit) for op in m.body.ops)
    if not kept.undone and (live == "never" or history.finished):
        decision = cast("Folding", protocol).folded(said)
        said = said if kept.unchanged else _ended(history, said, decision)
        for message in said:
            told(message)
        return Replayed(said, decision, counts, slots_of(said))
    if live == "never":
        goal, who = kept.first_undone()
        raise MissingRecord(history.opening.channel, who, f"do the task {goal[:60]!r}", 0, "a change reaches it")
    members = tuple(m for m in history.members if m.id not in kept.gone)
    if not members:
        raise UsageError("every peer would be taken away: leave at least one")
    gathering = _Gathering(history, tuple(m.id for m in members))
    gathering.subscribe(lambda message, _raw: told(message))
    for message in said:
        gathering.channel.add(message, encode(message))
    seated = tuple(_Counted(m.name, kept.model_of(m.id), peers, counts, seed) for m in members)
    opening = kept.opening
    names = {m.id: m.name for m in members}
    table = Table(history.question, tuple(names), names, {m.id: m.weight for m in members}, opening.seed)
    if isinstance(protocol, Planned):  # what it begins with is there
        protocol = replace(protocol, given=True)
    decision = await _GoingOn(seated, gathering, table, protocol, budget, None, (), said, witness).decide()
    messages = gathering.channel.messages()
    return Replayed(messages, decision, counts, slots_of(messages))


class _Kept:
    """What of a recorded plan stays, with the changes made."""

    def __init__(self, history: History, edits: Sequence[Intervention], at: int | None, live: Live) -> None:
        for edit in edits:
            if not isinstance(edit, Reword | Unsay | SwapModel | Unseat):
                what = (
                    "is decided by its fold, not by a rule" if isinstance(edit, SwapRule) else "takes no interjections"
                )
                raise UsageError(f"a plan {what}: unsay or reword a result, or change who works")
        self._history = history
        self._changes = changes_by_message(history, edits)
        self._models = {peer_named(history, e.peer): e.model for e in edits if isinstance(e, SwapModel)}
        off = {peer_named(history, e.peer) for e in edits if isinstance(e, Unseat)}
        self.gone = off
        self._plan = PlanResult.of(history.messages).plan
        self.undone = self._reached(self._first_reached(off, at, live))
        self._results = {id for task in self.undone if task in self._plan.entries
                         for id in self._plan.entries[task].result}  # fmt: skip
        self.unchanged = not (edits or self.undone)
        opening = history.opening.body
        members = tuple(m for m in opening.members if m.id not in self.gone)
        self.opening: Opening = msgspec.structs.replace(opening, members=members) if self.gone else opening

    def first_undone(self) -> tuple[str, str]:
        """Return the goal of the task that was done first of those that are done anew, and who had done it."""
        names = {m.id: m.name for m in self._history.members}
        entries = [self._plan.entries[task] for task in self.undone]
        last = len(self._history.messages)
        entry = min(entries, key=lambda e: (last if e.done is None else self._history.place[e.done], e.task.id))
        return entry.task.goal, "whoever takes it" if entry.holder is None else names.get(entry.holder, "somebody")

    def model_of(self, peer: PeerId) -> str:
        return self._models.get(peer, "")

    def messages(self) -> tuple[AnyMessage, ...]:
        """Return what stays, told anew: every author's messages numbered without gaps, what they name renamed."""
        history = self._history
        ids: dict[bytes, bytes] = {}
        heads: dict[PeerId, AnyMessage] = {}
        lamport: dict[MessageId, int] = {}
        told: list[AnyMessage] = []
        for message in sorted(history.messages, key=lambda m: (isinstance(m.body, Cut | Outcome), m.lamport, m.id)):
            body = self._body(message)
            if body is None:
                continue
            head = heads.get(message.author)
            parents = tuple(sorted(MessageId(ids[id]) for id in message.parents if id in ids))
            before = [lamport[id] for id in parents] + ([head.lamport] if head is not None else [])
            new, _ = compose(
                message.author, renamed(body, ids), 1 if head is None else head.sequence + 1,
                None if head is None else head.id, parents, 1 + max(before, default=0), message.wall_ms, message.swarm,
                message.channel,
            )  # fmt: skip
            ids[message.id], heads[message.author], lamport[new.id] = new.id, new, new.lamport
            told.append(new)
        return tuple(told)

    def _first_reached(self, off: set[PeerId], at: int | None, live: Live) -> set[TaskId]:
        """Return the tasks that a change reaches itself, not by what comes before them."""
        reached: set[TaskId] = set()
        place = self._history.place
        others = off | set(self._models)
        for id, entry in self._plan.entries.items():
            sources = {entry.done, *entry.result}
            late = at is None or (entry.done is not None and place[entry.done] > at)
            if (
                any(isinstance(self._changes.get(s), Unsay) for s in sources if s is not None)
                or (entry.status == "done" and entry.holder in others and late)
                or (live == "after" and entry.done is not None and late)
            ):
                reached.add(id)
            elif any(isinstance(self._changes.get(s), Reword) for s in entry.result):
                reached.update(entry.after)
        return reached

    def _reached(self, first: Iterable[TaskId]) -> frozenset[TaskId]:
        """Return tasks and all that come after them."""
        found: set[TaskId] = set()
        look = list(first)
        while look:
            id = look.pop()
            if id not in found:
                found.add(id)
                look += self._plan.entries[id].after if id in self._plan.entries else ()
        return frozenset(found)

    def _body(self, message: AnyMessage) -> Body | None:
        """Return what a message now says; None when it is not said."""
        change = self._changes.get(message.id)
        body: Body = message.body
        if isinstance(change, Unsay) or message.author in self.gone:
            return None
        if isinstance(change, Reword):
            return reworded(body, change.text, change.key, self._history.opening.body.question)
        if isinstance(body, Opening):
            return self.opening
        if isinstance(body, Roster):
            return msgspec.structs.replace(body, members=tuple(m for m in body.members if m.id not in self.gone))
        if self.undone:
            return self._worked(message)
        return body if self.unchanged or not isinstance(body, Cut | Outcome) else None

    def _worked(self, message: AnyMessage) -> Body | None:
        """Return what stays of a message when some tasks are done anew."""
        body: Body = message.body
        match body:
            case PlanEdit():
                expands = any(isinstance(op, Expand) and op.task in self.undone for op in body.ops)
                parts = (Add, Link, Join) if expands else ()
                ops = tuple(op for op in body.ops if not (self._is_work(op) or isinstance(op, parts)))
                return msgspec.structs.replace(body, ops=ops) if ops else None
            case TaskOutcome():
                return None if body.task in self.undone else body
            case Note():
                return None if message.id in self._results else body
            case PlanSeal() | SealBacking() | Cut() | Outcome() | Proposal():  # they speak of the end
                return None
            case _:
                return body

    def _is_work(self, op: Any) -> bool:
        """Say whether an operation is about the doing of a task that is done anew."""
        return not isinstance(op, Add | Link | Join | Drop | Replace) and op.task in self.undone


def _ended(history: History, said: tuple[AnyMessage, ...], decision: Decision) -> tuple[AnyMessage, ...]:
    """Return a plan's messages with what the asker writes down of it at the end."""
    channel = Channel(history.opening.swarm, history.opening.channel)
    for message in said:
        channel.add(message, encode(message))
    wall_ms = max(message.wall_ms for message in said)
    used = decision.used
    cuts = [channel.publish(history.asker, Cut(ids=used[start : start + IDS_A_CUT]), [], wall_ms)
            for start in range(0, max(1, len(used)), IDS_A_CUT)]  # fmt: skip
    outcome = Outcome(
        status=decision.status, key=decision.key, rule=decision.rule, decision=decision.id, notes=decision.notes
    )
    return (*said, *cuts, channel.publish(history.asker, outcome, list(cuts), wall_ms))


class _Gathering:
    """One channel in this process, with the people of a record."""

    certify = None
    certificate = ""
    spent: Cost | None = None
    notes: tuple[str, ...] = ()

    def __init__(self, history: History, members: tuple[PeerId, ...]) -> None:
        self.clock = LoopClock()
        self.asker, self.members = history.asker, members
        self.channel = Channel(history.opening.swarm, history.opening.channel)

    def copy(self, peer: PeerId) -> Channel:
        return self.channel

    def start(self, peer: PeerId, run: Callable[[Channel], Coroutine[Any, Any, T]]) -> asyncio.Task[T]:
        return asyncio.get_running_loop().create_task(run(self.channel))

    def subscribe(self, listener: Callable[[AnyMessage, bytes], None]) -> None:
        self.channel.subscribe(listener)

    async def close(self) -> None:
        self.channel.close()


class _GoingOn(Run):
    """A run that decides even if nobody answers."""

    def _raise_if_nobody_answered(self, decision: Decision) -> None:
        """Let a plan without a result be one."""


class _Counted:
    """A live peer whose calls are counted; made when it is first asked."""

    skills = frozenset({"propose", "revise", "note", "compare", "critique"})

    def __init__(self, name: str, model: str, peers: Peers | None, counts: Counts, seed: int | None) -> None:
        self.name, self._model, self._peers, self._counts, self._seed = name, model, peers, counts, seed
        self._peer: Peer | None = None

    async def propose(self, call: Call) -> Proposal:
        return await self._asked("propose", call, lambda peer, call: peer.propose(call))

    async def revise(self, call: Call, mine: Message[Proposal], heard: Sequence[Message[Proposal]]) -> Proposal:
        return await self._asked("revise", call, lambda peer, call: peer.revise(call, mine, heard))

    async def note(self, call: Call, about: str, material: Sequence[AnyMessage]) -> str:
        return await self._asked("note", call, lambda peer, call: peer.note(call, about, material))

    async def compare(self, call: Call, a: Message[Proposal], b: Message[Proposal]) -> Verdict:
        return await self._asked("compare", call, lambda peer, call: peer.compare(call, a, b))

    async def critique(self, call: Call, proposal: Message[Proposal]) -> Verdict:
        return await self._asked("critique", call, lambda peer, call: peer.critique(call, proposal))

    async def _asked(self, skill: str, call: Call, ask: Callable[[Peer, Call], Coroutine[Any, Any, T]]) -> T:
        if self._peer is None:
            if self._peers is None:
                raise UsageError(f"{self.name} has to be asked anew, and no peers were given to ask: give `peers`")
            self._peer = self._peers(self.name, self._model)
        self._counts.live.append(Asked(self.name, skill, call.round, f"to do {call.question.text[:60]!r} anew"))
        asked = call if self._seed is None else call.redrawn(self._seed)
        try:
            return await ask(self._peer, asked)
        finally:
            call.cost = asked.cost
            self._counts.spent += asked.cost
