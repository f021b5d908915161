"""Doing one task: what whoever does it is given, and what must come of it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast, get_args

from waggledance.core import NO_COST, AnswerKind, Cost, Message, Meter, Note, Question, RunFailed, Seat
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

    @property
    def past(self) -> tuple[str, ...]:
        """Why earlier tries at this task failed, the newest last."""
        return self.plan.entries[self.task.id].reasons if self.task.id in self.plan.entries else ()

    async def ask(self, text: str = "", *, expects: AnswerKind | None = None) -> Result:
        """Ask this seat's peer, with the inputs as notes to go by.

        Args:
            text: what to ask; the task's goal when empty.
            expects: how the answer is read; by the task's kind when None, as free text where that is no kind of answer.

        Raises:
            RunFailed: the peer could not answer, a budget is spent, or the answer is not of the kind expected.
        """
        kind = self.task.kind
        expects = expects or (cast("AnswerKind", kind) if kind in _ANSWERS else "free")
        self.meter.admit_call()
        said = await self.seat.work(Question(text=text or self.task.goal, expects=expects), self.notes)
        self.meter.charge(said.cost)
        if said.key is None:
            raise RunFailed(said.lapse or f"no answer of the kind {expects!r}")
        return Result(said.text if expects in ("free", "code") else said.key, said.cost)


Executor = Callable[[Work], Awaitable[Result]]
"""Does a task. Raises `RunFailed` when it could not; whatever else it raises counts as a failed try as well."""


async def by_peer(work: Work) -> Result:
    """Let the peer at this seat do the task: its goal is the question, its inputs are notes."""
    return await work.ask()
