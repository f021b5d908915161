"""Doing one task: what whoever does it is given, and what must come of it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast, get_args

from waggledance.core import NO_COST, AnswerKind, Cost, Message, Meter, Note, Question, RunFailed, Seat
from waggledance.peers._confidence import confidence
from waggledance.tasks._edit import Op
from waggledance.tasks._task import Task, TaskId

if TYPE_CHECKING:
    from waggledance.tasks._plan import Plan

_ANSWERS = frozenset[str](get_args(AnswerKind)) - {"choice", "package"}
"""Kinds of answers that need no options: a task of such a kind expects that."""


@dataclass(frozen=True)
class Result:
    """What came of a task."""

    text: str
    cost: Cost = NO_COST
    edits: tuple[Op, ...] = ()
    """What it changes in the plan: `Add`, `Link`, `Drop`, `Replace`, published in one message with the task's end, so
    that a peer that dies leaves both or neither."""


@dataclass(frozen=True)
class Work:
    """One try at a task, at one peer's seat."""

    task: Task
    seat: Seat
    plan: Plan
    """The plan as it was when the task was claimed, and as it grows; read it, and edit it by publishing only."""
    inputs: Mapping[TaskId, str]
    """The results of the tasks that this one comes after, in the order of ids."""
    notes: tuple[Message[Note], ...]
    """The same results as they were published, for prompts: others' words, to be fenced."""
    meter: Meter
    """Counts what this try may cost; the run's own limits are the seat's."""
    faults: tuple[str, ...] = ()
    """What was found wrong with what this try has made so far."""

    @property
    def past(self) -> tuple[str, ...]:
        """Why earlier tries at this task failed, and what was wrong with this one so far; the newest last."""
        before = self.plan.entries[self.task.id].reasons if self.task.id in self.plan.entries else ()
        return (*before, *self.faults)

    async def ask(
        self, text: str = "", *, expects: AnswerKind | None = None, notes: Sequence[Message[Note]] | None = None
    ) -> Result:
        """Ask this seat's peer, with the inputs as notes to go by.

        Args:
            text: what to ask; the task's goal when empty.
            expects: how the answer is read; by the task's kind when None, as free text where that is no kind of answer.
            notes: what to go by instead of the inputs.

        Raises:
            RunFailed: the peer could not answer, a budget is spent, or the answer is not of the kind expected.
        """
        kind = self.task.kind
        expects = expects or (cast("AnswerKind", kind) if kind in _ANSWERS else "free")
        self.meter.admit_call()
        said = await self.seat.work(
            Question(text=text or self.task.goal, expects=expects), self.notes if notes is None else notes
        )
        self.meter.charge(said.cost)
        if said.key is None:
            raise RunFailed(said.lapse or f"no answer of the kind {expects!r}")
        if expects == "free":  # how sure it is of it is no part of what it made
            return Result(confidence(said.text)[1].rstrip(), said.cost)
        return Result(said.text if expects == "code" else said.key, said.cost)

    async def note(self, about: str, material: Sequence[Message[Any]] = (), *, text: str = "") -> Result:
        """Ask this seat's peer for words about the task that are no answer to it, such as a plan.

        Args:
            about: what is wanted; a peer with a model has a prompt for it, ``note_…`` in ``peers/prompts/``.
            material: what to make it from: others' words, to be fenced.
            text: what it is about; the task's goal when empty.

        Raises:
            RunFailed: the peer had nothing to say, or a budget is spent.
            UsageError: the peer does not write such notes.
        """
        self.meter.admit_call()
        said = await self.seat.note(about, material, question=Question(text=text or self.task.goal, expects="free"))
        self.meter.charge(said.cost)
        if not said.text:
            raise RunFailed(said.lapse or f"no words for the note {about!r}")
        return Result(said.text, said.cost)


Executor = Callable[[Work], Awaitable[Result]]
"""Does a task. Raises `RunFailed` when it could not; whatever else it raises counts as a failed try as well."""


async def by_peer(work: Work) -> Result:
    """Let the peer at this seat do the task: its goal is the question, its inputs are notes."""
    return await work.ask()
