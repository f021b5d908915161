"""What the plan knows of one task: where it stands, who holds it, what it waits for, what came of it."""

from __future__ import annotations

from typing import Literal

import msgspec

from waggledance.core import NO_COST, Cost, MessageId, PeerId
from waggledance.tasks._condition import holds
from waggledance.tasks._edit import Join, Link
from waggledance.tasks._task import Task, TaskId

Status = Literal["open", "claimed", "review", "done", "failed", "skipped"]
"""``open``: nobody has begun; ``claimed``: somebody is at it; ``review``: done, if others find so; the rest is over."""

OVER = frozenset(("done", "failed", "skipped"))


class Entry(msgspec.Struct, frozen=True, gc=False):
    """One task in the plan, as of the edits so far. Never changed: a new one takes its place."""

    task: Task
    status: Status = "open"
    before: tuple[Link, ...] = ()
    """The links that lead here."""
    after: tuple[TaskId, ...] = ()
    """The tasks that wait for this one."""
    waits: int = 0
    """How many of the links that lead here do not hold yet."""
    came: int = 0
    """How many of those that it comes after are done, as its links want them."""
    join: Join | None = None
    """How many of them are enough to begin, and what becomes of the rest; None where all are wanted."""
    expanded: bool = False
    """Whether it has been broken into parts, whose results it is now put together from."""
    holder: PeerId | None = None
    """Who is at it, or did it."""
    claim: MessageId | None = None
    """The claim that holds, or its newest renewal."""
    lease_ms: int = 0
    claimants: frozenset[PeerId] = frozenset()
    """Everybody who ever claimed it, in vain or not: what they bring late is taken."""
    willing: frozenset[PeerId] = frozenset()
    """Who would take it over."""
    done: MessageId | None = None
    """The message that brought the result that stands, or is under review."""
    result: tuple[MessageId, ...] = ()
    """The notes of that result."""
    passed: frozenset[PeerId] = frozenset()
    rejected: frozenset[PeerId] = frozenset()
    """The reviewers of that result."""
    failed_by: tuple[PeerId, ...] = ()
    """Who tried in vain, once for each time."""
    reasons: tuple[str, ...] = ()
    """Why it failed, was rejected or skipped; the newest last."""
    cost: Cost = NO_COST
    """What all tries have cost so far."""

    @property
    def ready(self) -> bool:
        """Whether somebody could begin now."""
        return self.status == "open" and (not self.waits or 0 < self.enough <= self.came)

    @property
    def enough(self) -> int:
        """How many of those that it comes after must be done for it to begin; 0 for all."""
        return 0 if self.join is None else self.join.enough

    @property
    def waiting(self) -> bool:
        """Whether what it comes after is not far enough for it to begin."""
        return self.waits > 0 and not 0 < self.enough <= self.came

    @property
    def over(self) -> bool:
        return self.status in OVER


def link_holds(link: Link, first: Entry, result: str) -> bool | None:
    """Say whether a link lets its second task begin: True, False for never, None for not yet.

    Args:
        link: the link.
        first: the task that it comes from.
        result: that task's result, when it is done.
    """
    match first.status:
        case "done":
            return holds(link.when, result)
        case "skipped":
            return link.when in ("end", "some")
        case "failed":
            if link.when == "done":
                return False
            return True if link.when in ("end", "some", "fail") else None  # another task may yet take its place
        case _:
            return None
