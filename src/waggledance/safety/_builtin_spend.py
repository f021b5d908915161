"""What a run may use up: its budget, and how much work it makes for itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple, cast

import msgspec

from waggledance.core import NO_COST, Budget, Cost, Message, UsageError
from waggledance.safety._causal_past import CausalPast
from waggledance.safety._violation import Violation

AnyMessage = Message[Any]
MAX_TASKS = 10_000
"""Of one plan: more than any that this project has run, and few enough to look at."""
MAX_PARTS = 256
"""Of one task: as many operations as fit into one edit."""


class Spent(NamedTuple):
    """What the messages so far cost, and how many they are."""

    cost: Cost = NO_COST
    messages: int = 0


@dataclass(frozen=True)
class Spend:
    """``spend``: nobody goes on when, by all that it had seen, the budget is spent.

    Calls and messages may come up to their limit and not over it. Tokens and dollars are known when a call has ended,
    so the call that reaches the limit is fine, and the next one is not. Who had not seen what others spent is not to
    blame: the sum is of the causal past.

    A plan that is taken up again after its outcome begins anew.

    Args:
        budget: the limits; those in the channel's opening when None. Seconds are not looked at, as clocks differ.
    """

    budget: Budget | None = None
    name: str = "spend"
    scope: str = "*"

    def start(self) -> Spent:
        """Return that nothing is spent."""
        return Spent()

    def step(self, state: Spent, message: AnyMessage, past: CausalPast) -> Spent | Violation:
        """Add what a message says it cost."""
        kind = message.kind
        if kind in _THE_ASKERS:
            return Spent() if kind == "outcome/1" and past.sealed else state
        limits = self.budget
        if limits is None:
            opening = past.opening
            if opening is None or opening.body.limits is msgspec.UNSET:
                return state
            limits = opening.body.budget
        cost = NO_COST if kind in _RETOLD else cast("Cost", getattr(message.body, "cost", NO_COST))
        before, messages = state.cost, state.messages + 1
        after = before if cost is NO_COST else before + cost
        if limits.messages is not None and messages > limits.messages:
            return Violation(why=f"is message {messages:,}, {limits.messages:,} allowed")
        if cost.calls:
            if limits.calls is not None and after.calls > limits.calls:
                return Violation(why=f"brings calls to {after.calls:,}, {limits.calls:,} allowed")
            if limits.tokens is not None and before.tokens >= limits.tokens:
                return Violation(why=f"costs tokens after {before.tokens:,} were spent, {limits.tokens:,} allowed")
            if limits.usd is not None and before.micro_usd >= limits.usd * 1_000_000:
                return Violation(why=f"costs after {before.micro_usd:,} millionths of a dollar were spent, "
                                     f"{limits.usd * 1_000_000:,.0f} allowed")  # fmt: skip
        return Spent(after, messages)


_THE_ASKERS = frozenset({"opening/1", "question-part/1", "roster/1", "cut/1", "outcome/1", "fork/1"})
"""Kinds of who asks; its messages are not counted against the budget."""

_RETOLD = frozenset({"task-outcome/1"})
"""Kinds that say again what another message has cost."""


class Spawned(NamedTuple):
    """How many tasks there are, and how many parts the task with the most has."""

    tasks: int = 0
    parts: Any = None


@dataclass(frozen=True)
class SpawnLimit:
    """``spawn-limit``: a plan stays small enough: so many tasks, so deep, so many parts of one task.

    Args:
        tasks: the most tasks of a plan.
        depth: the most tasks that one is a part of, one in the other.
        parts: the most parts of one task.

    Raises:
        UsageError: a limit is negative.
    """

    tasks: int = MAX_TASKS
    depth: int = 64
    parts: int = MAX_PARTS
    name: str = "spawn-limit"
    scope: str = "plan-edit/1"

    def __post_init__(self) -> None:
        if min(self.tasks, self.depth, self.parts) < 0:
            raise UsageError(f"limits of a plan are 0 or more, got {self.tasks}, {self.depth}, {self.parts}")

    def start(self) -> Spawned:
        """Return that there are no tasks."""
        from rpds import HashTrieMap

        return Spawned(0, HashTrieMap())

    def step(self, state: Spawned, message: AnyMessage, past: CausalPast) -> Spawned | Violation:
        """Count the tasks that an edit adds; the same one added twice counts twice, as it costs to say it."""
        from waggledance.tasks import Add, Replace

        tasks, parts = state
        for op in getattr(message.body, "ops", ()):
            task = op.task if isinstance(op, Add) else op.by if isinstance(op, Replace) else None
            if task is None:
                continue
            tasks += 1
            if tasks > self.tasks:
                return Violation(why=f"adds task {tasks:,} of the plan, {self.tasks:,} allowed")
            if task.depth > self.depth:
                return Violation(why=f"adds a task at depth {task.depth}, {self.depth} allowed")
            if task.parent is not None:
                of_it = parts.get(task.parent, 0) + 1
                if of_it > self.parts:
                    return Violation(why=f"adds part {of_it} of one task, {self.parts} allowed")
                parts = parts.insert(task.parent, of_it)
        return Spawned(tasks, parts)
