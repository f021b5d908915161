"""What came of a plan: every task's result, what failed and why, and what it cost. Nothing that was done is lost."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import msgspec

from waggledance.core import NO_COST, Cost, Message, PeerId, UsageError, members_of, opening_of
from waggledance.tasks._entry import Entry, Status
from waggledance.tasks._plan import Plan
from waggledance.tasks._task import TaskId

_TOLD = 8
"""Of what is unfinished, so many are named; the rest is counted."""
_TOLD_FIRST: tuple[Status, ...] = ("failed", "review", "claimed", "open")


class PlanResult(msgspec.Struct, frozen=True, kw_only=True):
    """The end of a plan, or as far as it got."""

    plan: Plan
    names: dict[PeerId, str] = {}
    cost: Cost = NO_COST
    seconds: float = 0.0
    channel: str = ""
    notes: tuple[str, ...] = ()
    """What a reader should know: a budget ran out, nobody could do a task."""
    certificate: str = ""
    """A certificate of the result as JSON text, which anyone can check; empty where none was made."""
    wanted: tuple[TaskId, ...] | None = None
    """The tasks that the plan is for; those that no other waits for when None."""

    @classmethod
    def of(
        cls,
        messages: Sequence[Message[Any]],
        *,
        cost: Cost = NO_COST,
        seconds: float = 0.0,
        notes: tuple[str, ...] = (),
        certificate: str = "",
    ) -> PlanResult:
        """Return the end of the plan in a channel's messages: of one that has just ended, or out of a log.

        Raises:
            UsageError: they are no run's: there is no opening among them.
        """
        opening = opening_of(messages)
        if opening is None:
            raise UsageError("these messages have no opening, so nobody knows whose plan it is; give a whole channel")
        members = members_of(messages)
        return cls(
            plan=Plan.fold(messages, [member.id for member in members]),
            names={member.id: member.name for member in members},
            cost=cost,
            seconds=seconds,
            channel=opening.channel,
            notes=notes,
            certificate=certificate,
        )

    @property
    def complete(self) -> bool:
        """Whether every task is done or was skipped."""
        return self.plan.complete

    @property
    def results(self) -> dict[TaskId, str]:
        """The results of the tasks that the plan is for, as far as they are there, in the order of ids."""
        goals = self.plan.goals() if self.wanted is None else self.wanted
        return {id: text for id in goals if (text := self.plan.result(id)) is not None}

    @property
    def text(self) -> str:
        """The result: of one goal its own, of several each under its goal."""
        results = self.results
        if len(results) == 1:
            return next(iter(results.values()))
        return "\n\n".join(f"{self.plan.entries[id].task.goal}\n{text}" for id, text in results.items())

    @property
    def unfinished(self) -> tuple[Entry, ...]:
        """The tasks that are neither done nor skipped, in the order of ids."""
        entries = self.plan.entries
        return tuple([entries[id] for id in sorted(entries) if entries[id].status not in ("done", "skipped")])

    @property
    def left(self) -> tuple[str, ...]:
        """What is unfinished and why, in words: what failed first, then what was begun, and how many others there are.

        Others are what nobody has begun, mostly because it waits for what failed, and what is past the first eight.
        """
        entries = sorted(self.unfinished, key=lambda entry: _TOLD_FIRST.index(entry.status))
        begun = [entry for entry in entries if entry.status != "open" or entry.reasons]
        told = (begun or entries)[:_TOLD]
        others = Counter(entry.status for entry in entries) - Counter(entry.status for entry in told)
        lines = [f"{one.status}: {one.task}{f': {one.reasons[-1]}' if one.reasons else ''}" for one in told]
        counted = [f"{others[status]} more {status}" for status in _TOLD_FIRST if others[status]]
        return (*lines, f"and {', '.join(counted)}") if counted else tuple(lines)

    def __str__(self) -> str:
        """Return the result, and behind it what is unfinished and why."""
        lines = [self.text or "no result", *(f"  {said}" for said in self.left)]
        lines += [f"  topology: {said}" for said in self.plan.topologies if f"topology: {said}" not in self.notes]
        return "\n".join([*lines, *(f"  note: {note}" for note in self.notes)])

    def to_json(self) -> str:
        """Return one JSON object: the result, and every task with status, worker, cost and result."""
        tasks = [
            {
                "id": id.hex(),
                "goal": entry.task.goal,
                "kind": entry.task.kind,
                "status": entry.status,
                "by": None if entry.holder is None else self.names.get(entry.holder, entry.holder.hex()[:8]),
                "after": [link.before.hex() for link in entry.before],
                "parent": None if entry.task.parent is None else entry.task.parent.hex(),
                "result": self.plan.result(id),
                "reasons": list(entry.reasons),
                "cost": msgspec.to_builtins(entry.cost),
            }
            for id, entry in sorted(self.plan.entries.items())
        ]
        plain: dict[str, Any] = {
            "complete": self.complete,
            "text": self.text,
            "tasks": tasks,
            "refused": [str(refusal) for refusal in self.plan.refused],
            "shape": msgspec.to_builtins(self.plan.shape()),
            "topology": list(self.plan.topologies) or ["data-flow"],
            "notes": list(self.notes),
            "cost": msgspec.to_builtins(self.cost),
            "seconds": round(self.seconds, 3),
            "channel": self.channel,
        }
        return msgspec.json.encode(plain).decode()
