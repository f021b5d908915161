"""A plan: the fold of everybody's published edits. The same messages give the same plan, in whatever order they came.

Edits are applied in the order of (epoch, logical clock, id). An epoch is what one seal covers that a quorum backs: the
first seal and all that it builds on is epoch 0, what the second one adds is epoch 1, and what no seal covers yet comes
last. So a late edit with a small clock changes nothing that is sealed: it is refused as one that came after it.

A message that sorts behind all others, as most do, costs one operation. One that sorts before some takes the fold back
to a copy made before that place, every 64 messages, and on from there.

Source: Zhang et al. 2025, "UFO³: Weaving the Digital Agent Galaxy", arXiv:2511.11332: its constellation, there owned
and locked by one orchestrator; here a fold, so there is no owner and no lock.
"""

from __future__ import annotations

from bisect import bisect
from collections.abc import Collection, Iterable, Mapping, Sequence
from itertools import accumulate
from operator import itemgetter
from types import MappingProxyType
from typing import Any, cast

import msgspec
from msgspec.structs import replace

from waggledance.core import Message, MessageId, Note, PeerId
from waggledance.tasks._draft import Draft
from waggledance.tasks._edit import Add, Drop, Join, Link, PlanEdit, Replace
from waggledance.tasks._entry import Entry
from waggledance.tasks._seal_votes import SealVotes
from waggledance.tasks._seals import PlanSeal, SealBacking, Seals
from waggledance.tasks._shape import Shape, shape_of
from waggledance.tasks._task import REPLAN, Task, TaskId

COPY_EVERY = 64
COPIES_KEPT = 8
"""Older ones go: what sorts before 512 messages that are here makes the fold begin again."""
LATE = "; a seal had settled what was before, without this"
"""Behind the reason why an edit that came late was refused."""
_UNSEALED = 1 << 62

AnyMessage = Message[Any]
_Place = tuple[int, int, MessageId]


class Refusal(msgspec.Struct, frozen=True):
    """An operation that was not legal where it stands."""

    message: MessageId
    author: PeerId
    index: int
    """Which operation of the message, from 0."""
    op: str
    """Its kind, such as ``"claim"``."""
    reason: str

    def __str__(self) -> str:
        return f"{self.op} refused: {self.reason}"


class Plan:
    """Tasks, their links, who is at what and what came of it, as of the messages taken so far.

    Args:
        members: whose seals count, and by a majority of whom at least; a plan of nobody's is never sealed.
    """

    def __init__(self, members: Collection[PeerId] = ()) -> None:
        self._all: dict[MessageId, AnyMessage] = {}
        self._edits: list[Message[PlanEdit]] = []
        self._places: list[_Place] = []
        self._seals = Seals(members)
        self._chain: tuple[Message[PlanSeal], ...] = ()
        """The seals that count."""
        self._tops: list[int] = []
        """The highest logical clock of an edit in each epoch or before."""
        self._epoch: dict[MessageId, int] = {}
        """Of every message that a seal covers."""
        self._unseen: set[MessageId] = set()
        """What seals cover and is not here yet."""
        self._draft = Draft()
        self._refused: list[Refusal] = []
        self._copies: list[tuple[int, int, Draft]] = [(0, 0, self._draft.copy())]
        """How many edits and how many refusals had been folded, and the draft as it was then."""
        self._folded = 0

    @classmethod
    def fold(cls, messages: Iterable[AnyMessage], members: Collection[PeerId] = ()) -> Plan:
        """Return the plan that messages make; those that are no part of one are not looked at."""
        plan = cls(members)
        plan.take(messages)
        return plan

    # -- growing ------------------------------------------------------------------------------------------------

    def take(self, messages: Iterable[AnyMessage]) -> None:
        """Take more messages, in any order; one that is here already changes nothing."""
        fresh: list[tuple[_Place, AnyMessage]] = []
        to_seal, here, epoch = False, self._all, self._epoch
        for message in messages:
            id, body = message.id, message.body
            if id in here:
                continue
            here[id] = message
            to_seal |= id in self._unseen
            if isinstance(body, PlanEdit):
                fresh.append(((epoch.get(id, _UNSEALED), message.lamport, id), message))  # `_place`, without a call
            elif isinstance(body, Note):
                self._take_note(cast("Message[Note]", message))
            elif isinstance(body, PlanSeal | SealBacking):
                self._seals.take(message)
                to_seal |= self._seals.chain() != self._chain
        fresh.sort(key=itemgetter(0))
        if fresh and (not self._places or self._places[-1] < fresh[0][0]):
            self._places += [place for place, _ in fresh]
            self._edits += [message for _, message in fresh]
        else:
            for place, message in fresh:
                self._insert(place, message)
        if to_seal:
            self._seal()
        self._go_on()

    def _take_note(self, note: Message[Note]) -> None:
        self._draft.notes[note.id] = note
        if note.id in self._draft.missing:  # a result was refused for want of it
            self._go_back(0)

    def _place(self, message: AnyMessage) -> _Place:
        return (self._epoch.get(message.id, _UNSEALED), message.lamport, message.id)

    def _insert(self, place: _Place, message: Message[PlanEdit]) -> None:
        at = bisect(self._places, place)
        self._places.insert(at, place)
        self._edits.insert(at, message)
        if at < self._folded:
            self._go_back(at)

    def _go_back(self, at: int) -> None:
        """Take the fold back to a copy that holds no edit from this place on."""
        while self._copies and self._copies[-1][0] > at:
            self._copies.pop()
        if not self._copies:
            self._copies.append((0, 0, self._draft.emptied()))
        folded, refused, draft = self._copies[-1]
        self._folded, self._draft = folded, draft.copy()
        del self._refused[refused:]

    def _go_on(self) -> None:
        """Apply the edits that are not folded in yet, a copy's worth at a time."""
        edits, apply = self._edits, self._draft.apply
        while self._folded < len(edits):
            upto = self._folded - self._folded % COPY_EVERY + COPY_EVERY
            for message in edits[self._folded : upto]:
                for index, op in enumerate(message.body.ops):
                    why = apply(message, op)
                    if why is not None:
                        name = type(op).__name__.lower()
                        self._refused.append(Refusal(message.id, message.author, index, name, why))
            self._folded = min(upto, len(edits))
            if self._folded == upto > len(edits) - COPY_EVERY * COPIES_KEPT:
                self._copies.append((upto, len(self._refused), self._draft.copy()))
                if len(self._copies) > COPIES_KEPT:
                    del self._copies[0]

    def _seal(self) -> None:
        """Give every message the epoch of the first seal that builds on it, and bring the edits into that order."""
        self._epoch, self._unseen, self._chain = {}, set(), self._seals.chain()
        for epoch, seal in enumerate(self._chain):
            ahead: list[MessageId] = [seal.id]
            while ahead:
                id = ahead.pop()
                if id in self._epoch:
                    continue
                message = self._all.get(id)
                if message is None:
                    self._unseen.add(id)
                    continue
                self._epoch[id] = epoch
                ahead += _built_on(message)
        before = self._edits
        self._edits = sorted(before, key=self._place)
        self._places = [self._place(message) for message in self._edits]
        tops = {epoch: clock for epoch, clock, _ in self._places}  # the highest, as they are sorted
        self._tops = list(accumulate([tops.get(epoch, 0) for epoch in range(len(self._chain))], max))
        moved = next((i for i, (a, b) in enumerate(zip(before, self._edits, strict=True)) if a is not b), len(before))
        if moved < self._folded:
            self._go_back(moved)

    # -- reading ------------------------------------------------------------------------------------------------

    @property
    def entries(self) -> Mapping[TaskId, Entry]:
        """Every task in the plan, and where it stands."""
        return MappingProxyType(self._draft.entries)

    @property
    def refused(self) -> tuple[Refusal, ...]:
        """The operations that were not legal where they stand, in the order of the fold."""
        if not self._chain:
            return tuple(self._refused)
        return tuple([replace(r, reason=f"{r.reason}{LATE}") if self._is_late(r) else r for r in self._refused])

    def _is_late(self, refusal: Refusal) -> bool:
        """Say whether an edit would have stood before something that was sealed without it."""
        sealed = min(self._epoch.get(refusal.message, _UNSEALED), len(self._tops))
        return sealed > 0 and self._all[refusal.message].lamport <= self._tops[sealed - 1]

    def ready(self) -> list[Task]:
        """Return the tasks that somebody could begin now: the highest priority first, then by deadline, then by id."""
        entries = self._draft.entries
        return sorted([entries[id].task for id in self._draft.ready], key=_urgency)

    def busy(self) -> list[Entry]:
        """Return the tasks that somebody is at, or that wait for reviews, by id."""
        return [self._draft.entries[id] for id in sorted(self._draft.busy)]

    @property
    def over(self) -> bool:
        """Whether nobody is at anything and nobody could begin anything; always so of an empty plan."""
        return not (self._draft.ready or self._draft.busy)

    @property
    def complete(self) -> bool:
        """Whether every task is done or was skipped."""
        return all(entry.status in ("done", "skipped") for entry in self._draft.entries.values())

    def result(self, task: TaskId) -> str | None:
        """Return the text of a task's result, when it is done or under review."""
        entry = self._draft.entries[task]
        return None if entry.done is None else self._draft.result(entry)

    def result_notes(self, task: TaskId) -> tuple[Message[Note], ...]:
        """Return the notes that a task's result stands in."""
        return tuple([self._draft.notes[id] for id in self._draft.entries[task].result])

    def inputs(self, task: TaskId) -> dict[TaskId, str]:
        """Return the results that a task takes: of all tasks that lead to it and are done, in the order of ids."""
        first = sorted([link.before for link in self._draft.entries[task].before])
        return {id: self._draft.result(e) for id in first if (e := self._draft.entries[id]).status == "done"}

    def goals(self) -> list[TaskId]:
        """Return the tasks that no other waits for, by id: what the plan is for. To revise it is no such task, and
        neither is a step that was done before the task that it is a step of.
        """
        entries = self._draft.entries.items()
        return sorted([id for id, e in entries if not (e.after or e.task.kind == REPLAN or self._is_step(e))])

    def _is_step(self, entry: Entry) -> bool:
        whole = None if entry.task.parent is None else self._draft.entries.get(entry.task.parent)
        if whole is None or whole.done is None or not entry.over:
            return False
        return entry.done is None or self._place(self._all[entry.done]) < self._place(self._all[whole.done])

    def would_refuse(self, ops: Sequence[Add | Link | Join | Drop | Replace]) -> dict[int, str]:
        """Return which of these edits would not be legal if they came now, in this order, each with the reason."""
        draft = self._draft.copy()
        return {n: why for n, op in enumerate(ops) if (why := draft.begin_with(op)) is not None}

    @property
    def sealed(self) -> int:
        """How many seals count."""
        return len(self._chain)

    @property
    def seals(self) -> tuple[Message[PlanSeal], ...]:
        """The seals that count, in the order of their numbers."""
        return self._chain

    @property
    def last_seal(self) -> MessageId | None:
        """The last seal that counts."""
        return self._chain[-1].id if self._chain else None

    @property
    def seal_votes(self) -> SealVotes:
        """How members have voted on the seal that would be the next to count."""
        return self._seals.votes(self.sealed)

    def open_seals(self) -> list[Message[PlanSeal]]:
        """Return the seals that may be the next one to count and whose whole past is here, by id."""
        return [seal for seal in self._seals.open(self.sealed, self.last_seal) if self._holds_past(seal)]

    def _holds_past(self, message: AnyMessage) -> bool:
        ahead, seen = [message.id], set[MessageId]()
        while ahead:
            id = ahead.pop()
            if id in seen or id in self._epoch:
                continue
            seen.add(id)
            found = self._all.get(id)
            if found is None:
                return False
            ahead += _built_on(found)
        return not self._unseen

    @property
    def topologies(self) -> tuple[str, ...]:
        """What peers say of which arrangement they chose, and why, each once and sorted; nothing by data flow."""
        return tuple(sorted({note.body.text for note in self._draft.notes.values() if note.body.about == "topology"}))

    def shape(self) -> Shape:
        """Return how long, how wide and how tightly coupled the plan is."""
        return shape_of(self._draft.entries)


def _built_on(message: AnyMessage) -> list[MessageId]:
    return [*message.parents, *((message.previous,) if message.previous is not None else ())]


def _urgency(task: Task) -> tuple[int, int, TaskId]:
    return (-task.priority, task.deadline_ms if task.deadline_ms is not None else 1 << 62, task.id)
