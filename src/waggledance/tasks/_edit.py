"""Edits of a plan: what any peer may publish to change it. What is legal, the fold says (`Plan`), not the author.

The operations of one message are looked at in their order; each that is not legal is refused by itself.

Source: Zhang et al. 2025, "UFO³", arXiv:2511.11332: edits of a mutable constellation, there sent to its one owner.
"""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

import msgspec

from waggledance.core import NO_COST, UNIT, Body, Cost, MessageId, PeerId, UsageError
from waggledance.tasks._condition import check_condition
from waggledance.tasks._task import Task, TaskId

MAX_OPS = 256
MAX_REASON_CHARS = 1_000

_Id = Annotated[bytes, msgspec.Meta(min_length=32, max_length=32)]
_Reason = Annotated[str, msgspec.Meta(max_length=MAX_REASON_CHARS)]
_Lease = Annotated[int, msgspec.Meta(ge=1, le=86_400_000)]


class _Op(msgspec.Struct, frozen=True, gc=False, tag=str.lower):
    """One change."""


class Add(_Op, frozen=True, gc=False):
    """Put a task into the plan; one that is there already stays as it is."""

    task: Task


class Link(_Op, frozen=True, gc=False):
    """Let one task wait for another. It then takes the other's result as an input."""

    before: TaskId
    after: TaskId
    when: str = "ok"
    """``"ok"``: once the first is done; ``"done"``: the same, but if it fails no other task is waited for that might
    take its place; ``"end"``: once it is over, however it went; ``"some"``: the same, but a task all of whose links say
    so is skipped when all that it waited for was skipped; or a named condition on its result, see `condition`. A task
    one of whose conditions can no longer hold is skipped."""
    strength_ppm: Annotated[int, msgspec.Meta(ge=0, le=UNIT)] = UNIT
    """How much of the first the second needs, 0 to 1,000,000: what a choice of topology goes by."""

    def __post_init__(self) -> None:
        check_condition(self.when)


class Join(_Op, frozen=True, gc=False):
    """Let a task begin once so many of those that it waits for are done, or else when all are over as its links say.

    Legal while nobody has begun it, and for who holds it: so a planner says of a task that it breaks up how many parts
    are enough. The last word counts. Results that come after it has begun are not in its inputs.
    """

    task: TaskId
    enough: Annotated[int, msgspec.Meta(ge=1, le=100_000)]
    """How many: k of n."""
    rest: Literal["leave", "drop"] = "leave"
    """What becomes of the others: they go on, or they are skipped, with all that only they waited for. One that yet
    another task waits for goes on in any case."""


class Drop(_Op, frozen=True, gc=False):
    """Take a task out that nobody has begun, with its links."""

    task: TaskId


class Replace(_Op, frozen=True, gc=False):
    """Put another task in the place of one that nobody has begun, or that failed; links stay."""

    task: TaskId
    by: Task


class Claim(_Op, frozen=True, gc=False):
    """Take a ready task: nobody else begins it while the lease runs."""

    task: TaskId
    lease_ms: _Lease
    over: MessageId | None = None
    """The claim or renewal of a peer that has been silent for longer than its lease, which this one takes the place
    of. Whether the lease is over is the claimer's word: clocks differ. A renewal that sorts before makes it illegal."""


class Hedge(_Op, frozen=True, gc=False):
    """Do a task as well that another peer, who still holds it, has been at for long: the first result counts."""

    task: TaskId


class Renew(_Op, frozen=True, gc=False):
    """Go on with a claimed task for another lease."""

    task: TaskId


class Release(_Op, frozen=True, gc=False):
    """Give a claimed task back, without having failed at it."""

    task: TaskId


class Accept(_Op, frozen=True, gc=False):
    """Say that one would take over a task that another peer holds."""

    task: TaskId


class HandOver(_Op, frozen=True, gc=False):
    """Give a claimed task to a peer that accepted it: release and claim in one."""

    task: TaskId
    to: PeerId


class Expand(_Op, frozen=True, gc=False):
    """Give a claimed task back to be put together from parts, which the same message adds and links before it."""

    task: TaskId


class Done(_Op, frozen=True, gc=False):
    """Say that a task is done, and in which notes the result stands."""

    task: TaskId
    result: Annotated[tuple[_Id, ...], msgspec.Meta(max_length=64)] = ()
    """Ids of the author's own notes that together are the result, in that order."""
    cost: Cost = NO_COST


class Fail(_Op, frozen=True, gc=False):
    """Say that a claimed task was tried in vain; it is open again while it has tries left."""

    task: TaskId
    reason: _Reason
    cost: Cost = NO_COST
    final: bool = False
    """Whether there is no use in trying again."""


class Review(_Op, frozen=True, gc=False):
    """Say whether another peer's result passes."""

    task: TaskId
    done: MessageId
    """The message that said it is done."""
    passed: bool
    reason: _Reason = ""
    cost: Cost = NO_COST


Op = (
    Add
    | Link
    | Join
    | Drop
    | Replace
    | Claim
    | Hedge
    | Renew
    | Release
    | Accept
    | HandOver
    | Expand
    | Done
    | Fail
    | Review
)


class PlanEdit(Body, frozen=True, gc=False):
    """Changes of the plan, in one message: 1 to 256 operations."""

    kind: ClassVar[str] = "plan-edit/1"
    ops: tuple[Op, ...]

    def __post_init__(self) -> None:
        if not 1 <= len(self.ops) <= MAX_OPS:
            raise UsageError(f"an edit has 1 to {MAX_OPS} operations, got {len(self.ops)}; publish several")
