"""A plan being folded: one operation after the other, each applied if it is legal here, else refused with the reason.

Invariants, as in the source: a task has one holder at most (I1); links never close a cycle (I2); only what nobody has
begun is changed, except that a failed task may be replaced (I3).

Source: Zhang et al. 2025, "UFO³", arXiv:2511.11332, §4 (invariants of the constellation).
"""

from __future__ import annotations

from waggledance.core import Message
from waggledance.tasks import _draft_shape as shape
from waggledance.tasks import _draft_work as work
from waggledance.tasks._edit import (
    Accept,
    Add,
    Claim,
    Done,
    Drop,
    Expand,
    Fail,
    HandOver,
    Hedge,
    Join,
    Link,
    Op,
    PlanEdit,
    Release,
    Renew,
    Replace,
    Review,
)
from waggledance.tasks._entries import Entries, Why


class Draft(Entries):
    """The tasks of a plan as of some edits, and the next edit. `copy` is cheap."""

    __slots__ = ()

    def copy(self) -> Draft:
        other = self.emptied()
        other.entries, other.ready, other.busy = self.entries.copy(), self.ready.copy(), self.busy.copy()
        other.position, other.placed = self.position.copy(), self.placed
        return other

    def emptied(self) -> Draft:
        """Return a draft without a task that shares this one's notes."""
        other = Draft()
        other.notes, other.missing = self.notes, self.missing
        return other

    def apply(self, message: Message[PlanEdit], op: Op) -> Why:
        """Apply one operation of a message, or return why it is refused."""
        match op:
            case Add():
                return shape.add(self, op)
            case Link():
                return shape.link(self, op)
            case Claim():
                return work.claim(self, message, op)
            case Renew():
                return work.renew(self, message, op)
            case Done():
                return work.done(self, message, op)
            case Review():
                return work.review(self, message, op)
            case Fail():
                return work.fail(self, message, op)
            case Release():
                return work.release(self, message, op)
            case Expand():
                return work.expand(self, message, op)
            case Join():
                return shape.join(self, op, message.author)
            case Drop():
                return shape.drop(self, op)
            case Replace():
                return shape.replace_task(self, op)
            case Hedge():
                return work.hedge(self, message, op)
            case Accept():
                return work.accept(self, message, op)
            case HandOver():
                return work.hand_over(self, message, op)

    def begin_with(self, op: Add | Link | Join | Drop | Replace) -> Why:
        """Apply an operation that is the same whoever says it, or return why it is refused."""
        match op:
            case Add():
                return shape.add(self, op)
            case Link():
                return shape.link(self, op)
            case Join():
                return shape.join(self, op)
            case Drop():
                return shape.drop(self, op)
            case Replace():
                return shape.replace_task(self, op)
