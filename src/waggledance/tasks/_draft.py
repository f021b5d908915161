"""A plan being folded: one operation after the other, each applied if it is legal here, else refused with the reason.

Invariants, as in the source: a task has one holder at most (I1); links never close a cycle (I2); only what nobody has
begun is changed, except that a failed task may be replaced (I3).

Source: Zhang et al. 2025, "UFO³", arXiv:2511.11332, §4 (invariants of the constellation).
"""

from __future__ import annotations

from msgspec.structs import replace

from waggledance.core import Message, MessageId, Note, PeerId
from waggledance.tasks._acyclic import place_link
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
from waggledance.tasks._entry import OVER, Entry, link_holds
from waggledance.tasks._task import Task, TaskId

Why = str | None
"""Why an operation is refused; None when it was applied."""


class Draft:
    """The tasks of a plan as of some edits. `copy` is cheap: entries are never changed, only exchanged."""

    __slots__ = ("busy", "entries", "missing", "notes", "placed", "position", "ready")

    def __init__(self) -> None:
        self.entries: dict[TaskId, Entry] = {}
        self.ready: dict[TaskId, None] = {}
        self.busy: dict[TaskId, None] = {}
        """Tasks that are claimed or under review."""
        self.position: dict[TaskId, int] = {}
        self.placed = 0
        """How many tasks were ever placed: the next position."""
        self.notes: dict[MessageId, Message[Note]] = {}
        """All notes that are here; they only grow, so copies share them."""
        self.missing: set[MessageId] = set()
        """Notes that results name and that are not here; shared as well."""

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
                return self._add(op)
            case Link():
                return self._link(op)
            case Claim():
                return self._claim(message, op)
            case Renew():
                return self._renew(message, op)
            case Done():
                return self._done(message, op)
            case Review():
                return self._review(message, op)
            case Fail():
                return self._fail(message, op)
            case Release():
                return self._release(message, op)
            case Expand():
                return self._expand(message, op)
            case Join():
                return self._join(op, message.author)
            case Drop():
                return self._drop(op)
            case Replace():
                return self._replace(op)
            case Hedge():
                return self._hedge(message, op)
            case Accept():
                return self._accept(message, op)
            case HandOver():
                return self._hand_over(message, op)

    def begin_with(self, op: Add | Link | Join | Drop | Replace) -> Why:
        """Apply an operation that is the same whoever says it, or return why it is refused."""
        match op:
            case Add():
                return self._add(op)
            case Link():
                return self._link(op)
            case Join():
                return self._join(op)
            case Drop():
                return self._drop(op)
            case Replace():
                return self._replace(op)

    def result(self, entry: Entry) -> str:
        """Return the text of a task's result: that of its notes, one after the other."""
        return "".join([self.notes[id].body.text for id in entry.result])

    # -- tasks and links ----------------------------------------------------------------------------------------

    def _add(self, op: Add) -> Why:
        if op.task.id in self.entries:
            return None
        return self._put(op.task)

    def _put(self, task: Task) -> Why:
        if task.parent is not None:
            parent = self.entries.get(task.parent)
            if parent is None:
                return "its parent is not in the plan"
            if task.depth != parent.task.depth + 1:
                return f"its parent is at depth {parent.task.depth}, so it is at {parent.task.depth + 1}"
        elif task.depth:
            return "a task without a parent is at depth 0"
        self.position[task.id] = self.placed
        self.placed += 1
        self.entries[task.id] = Entry(task)
        self.ready[task.id] = None
        return None

    def _link(self, op: Link) -> Why:
        before, after, entries, position = op.before, op.after, self.entries, self.position
        first, second = entries.get(before), entries.get(after)
        if first is None or second is None:
            return "it joins tasks of which one is not in the plan"
        if second.status != "open":
            return f"the task that would wait is {second.status} already"
        if after in first.after:
            return "the two are linked already"
        in_order = position[before] < position[after]  # as most are: then there is nothing to move
        if not (in_order or place_link(position, before, after, self._onward, self._back)):
            return "it would close a cycle"
        entries[before] = replace(first, after=(*first.after, after))
        entries[after] = replace(second, before=(*second.before, op), waits=second.waits + 1)
        self.ready.pop(after, None)
        if first.status in OVER:
            self._try_link(op)
            self._drop_rest(after)
        return None

    def _onward(self, task: TaskId) -> tuple[TaskId, ...]:
        return self.entries[task].after

    def _back(self, task: TaskId) -> list[TaskId]:
        return [link.before for link in self.entries[task].before]

    def _join(self, op: Join, by: PeerId | None = None) -> Why:
        entry = self.entries.get(op.task)
        if entry is None or not (entry.status == "open" or (by is not None and _held(entry, by))):
            return _only_open(entry)
        self._set(op.task, replace(entry, join=op))
        self._drop_rest(op.task)
        return None

    def _drop(self, op: Drop) -> Why:
        entry = self.entries.get(op.task)
        if entry is None or entry.status != "open":
            return _only_open(entry)
        if entry.expanded:
            return "its parts are being worked on"
        for link in entry.before:
            first = self.entries[link.before]
            self._set(link.before, replace(first, after=tuple([t for t in first.after if t != op.task])))
        for id in entry.after:
            self._unlink(op.task, id)
        del self.entries[op.task], self.position[op.task]
        self.ready.pop(op.task, None)
        return None

    def _unlink(self, before: TaskId, after: TaskId) -> None:
        """Take a link away whose first task goes: it has not ended, so the second still waits for it."""
        second = self.entries[after]
        links = tuple([link for link in second.before if link.before != before])
        self._set(after, replace(second, before=links, waits=second.waits - 1))

    def _replace(self, op: Replace) -> Why:
        entry = self.entries.get(op.task)
        if entry is None or entry.status not in ("open", "failed"):
            return _only_open(entry)
        if entry.expanded and entry.status == "open":
            return "its parts are being worked on"
        new = op.by.id
        if new in self.entries:
            return "the task that would take its place is in the plan already"
        refused = self._put(op.by)
        if refused is not None:
            return refused
        self.position[new] = self.position.pop(op.task)
        self._set(new, Entry(op.by, before=tuple([replace(link, after=new) for link in entry.before]),
                             after=entry.after, waits=entry.waits, came=entry.came, join=entry.join,
                             cost=entry.cost))  # fmt: skip
        for link in entry.before:
            first = self.entries[link.before]
            self._set(link.before, replace(first, after=tuple([new if t == op.task else t for t in first.after])))
        for id in entry.after:
            second = self.entries[id]
            links = tuple([replace(k, before=new) if k.before == op.task else k for k in second.before])
            back = entry.status == "failed" and any(
                k.before == new and k.when in ("end", "some", "fail") for k in links
            )
            waits = second.waits + (1 if back and second.status == "open" else 0)
            self._set(id, replace(second, before=links, waits=waits))
        del self.entries[op.task]
        self.ready.pop(op.task, None)
        return None

    # -- who is at it -------------------------------------------------------------------------------------------

    def _claim(self, message: Message[PlanEdit], op: Claim) -> Why:
        entry = self.entries.get(op.task)
        if entry is None:
            return "the task is not in the plan"
        me = message.author
        if me not in entry.claimants:
            entry = replace(entry, claimants=entry.claimants | {me})
            self._set(op.task, entry)
        if entry.status == "claimed":
            if op.over != entry.claim:
                return "another peer holds it"
            if entry.holder == me:
                return "it holds the task already; renew the lease instead"
        elif not entry.ready:
            return f"the task is {entry.status}" + (" and waits for others" if entry.status == "open" else "")
        elif op.over is not None:
            return "the claim that it would take the place of is gone"
        self._set(op.task, replace(entry, status="claimed", holder=me, claim=message.id, lease_ms=op.lease_ms,
                                   willing=frozenset()))  # fmt: skip
        return None

    def _hedge(self, message: Message[PlanEdit], op: Hedge) -> Why:
        entry = self.entries.get(op.task)
        if entry is None or entry.status != "claimed" or entry.holder == message.author:
            return "nobody else holds the task"
        self._set(op.task, replace(entry, claimants=entry.claimants | {message.author}))
        return None

    def _renew(self, message: Message[PlanEdit], op: Renew) -> Why:
        entry = self.entries.get(op.task)
        if entry is None or not _held(entry, message.author):
            return "it does not hold the task"
        self._set(op.task, replace(entry, claim=message.id))
        return None

    def _release(self, message: Message[PlanEdit], op: Release) -> Why:
        entry = self.entries.get(op.task)
        if entry is None or not _held(entry, message.author):
            return "it does not hold the task"
        self._set(op.task, _opened(entry))
        return None

    def _accept(self, message: Message[PlanEdit], op: Accept) -> Why:
        entry = self.entries.get(op.task)
        if entry is None or entry.status != "claimed" or entry.holder == message.author:
            return "nobody else holds the task"
        self._set(op.task, replace(entry, willing=entry.willing | {message.author}))
        return None

    def _hand_over(self, message: Message[PlanEdit], op: HandOver) -> Why:
        entry = self.entries.get(op.task)
        if entry is None or not _held(entry, message.author):
            return "it does not hold the task"
        if op.to not in entry.willing:
            return "the peer that it would go to has not accepted it"
        self._set(op.task, replace(entry, holder=op.to, claim=message.id, willing=frozenset(),
                                   claimants=entry.claimants | {op.to}))  # fmt: skip
        return None

    def _expand(self, message: Message[PlanEdit], op: Expand) -> Why:
        entry = self.entries.get(op.task)
        if entry is None or not _held(entry, message.author):
            return "it does not hold the task"
        if entry.expanded:
            return "the task has been broken into parts already"
        self._set(op.task, replace(_opened(entry), expanded=True))
        return None

    # -- how it ends --------------------------------------------------------------------------------------------

    def _done(self, message: Message[PlanEdit], op: Done) -> Why:
        entry = self.entries.get(op.task)
        if entry is None:
            return "the task is not in the plan"
        if message.author not in entry.claimants:
            return "it never claimed the task"
        if entry.over or entry.status == "review":
            return f"the task is {'under review' if entry.status == 'review' else entry.status} already"
        if entry.waiting:
            return "the task waits for others"
        result = tuple([MessageId(id) for id in op.result])
        for id in result:
            note = self.notes.get(id)
            if note is None:
                self.missing.add(id)
            if note is None or note.author != message.author:
                return "its result names what is no note of its author"
        entry = replace(entry, status="review" if entry.task.reviews else "done", holder=message.author, claim=None,
                        done=message.id, result=result, passed=frozenset(), rejected=frozenset(),
                        cost=entry.cost + op.cost)  # fmt: skip
        self._set(op.task, entry)
        if entry.status == "done":
            self._ended(op.task)
        return None

    def _fail(self, message: Message[PlanEdit], op: Fail) -> Why:
        entry = self.entries.get(op.task)
        if entry is None or not _held(entry, message.author):
            return "it does not hold the task"
        self._failed_once(replace(entry, cost=entry.cost + op.cost), op.reason, final=op.final)
        return None

    def _failed_once(self, entry: Entry, reason: str, *, final: bool) -> None:
        """Open a task again after a try in vain, or let it have failed for good."""
        by = () if entry.holder is None else (entry.holder,)
        entry = replace(entry, failed_by=(*entry.failed_by, *by), reasons=(*entry.reasons, reason))
        if final or len(entry.failed_by) >= entry.task.tries:
            self._set(entry.task.id, replace(_opened(entry), status="failed"))
            self._ended(entry.task.id)
        else:
            self._set(entry.task.id, _opened(entry))

    def _review(self, message: Message[PlanEdit], op: Review) -> Why:
        entry, me = self.entries.get(op.task), message.author
        if entry is None or entry.status != "review" or entry.done != op.done:
            return "that result is not under review"
        if me == entry.holder:
            return "nobody reviews what they did themselves"
        if me in entry.passed or me in entry.rejected:
            return "it has reviewed that result already"
        entry = replace(entry, cost=entry.cost + op.cost)
        if op.passed:
            entry = replace(entry, passed=entry.passed | {me})
        else:
            entry = replace(entry, rejected=entry.rejected | {me}, reasons=(*entry.reasons, op.reason))
        self._set(op.task, entry)
        if len(entry.passed) >= entry.task.reviews:
            self._set(op.task, replace(entry, status="done"))
            self._ended(op.task)
        elif len(entry.rejected) >= entry.task.reviews:
            self._failed_once(entry, f"rejected by {len(entry.rejected)}: {op.reason}", final=False)
        return None

    # -- what follows -------------------------------------------------------------------------------------------

    def _set(self, id: TaskId, entry: Entry) -> None:
        self.entries[id] = entry
        if entry.ready:
            self.ready[id] = None
        else:
            self.ready.pop(id, None)
        if entry.status in ("claimed", "review"):
            self.busy[id] = None
        else:
            self.busy.pop(id, None)

    def _ended(self, id: TaskId) -> None:
        """Look at all links from a task that is over, and from those that are skipped in turn."""
        ahead = [id]
        while ahead:
            at = ahead.pop()
            for after in self.entries[at].after:
                link = next(link for link in self.entries[after].before if link.before == at)
                ahead += [after] if self._try_link(link) or self._skip_if_all_were(after) else []
                self._drop_rest(after)

    def _skip_if_all_were(self, id: TaskId) -> bool:
        """Skip a task that wants some of what it waited for and would begin with nothing; say whether it was."""
        entry = self.entries[id]
        if not entry.ready or any(link.when != "some" for link in entry.before):
            return False
        if any(self.entries[link.before].status != "skipped" for link in entry.before):
            return False
        why = "all that it comes after was skipped"
        self._set(id, replace(entry, status="skipped", reasons=(*entry.reasons, why)))
        return True

    def _enough_may_come(self, entry: Entry) -> bool:
        """Say whether a task that wants some of those that it comes after may yet have them."""
        if not entry.enough:
            return False
        firsts = ((link, self.entries[link.before]) for link in entry.before)
        lost = [link_holds(link, e, self.result(e) if e.status == "done" else "") is False for link, e in firsts]
        return lost.count(False) >= min(entry.enough, len(lost))

    def _drop_rest(self, id: TaskId) -> None:
        """Skip what a task waits for no more because enough is done, and what nobody else waits for either."""
        entry = self.entries[id]
        if entry.join is None or entry.join.rest == "leave" or entry.status != "open" or entry.came < entry.enough:
            return
        ahead, dropped = [link.before for link in entry.before], list[TaskId]()
        while ahead:
            first = self.entries[ahead.pop()]
            if first.over or any(after != id and not self.entries[after].over for after in first.after):
                continue
            why = "enough of those beside it are done"
            self._set(first.task.id, replace(_opened(first), status="skipped", reasons=(*first.reasons, why)))
            dropped.append(first.task.id)
            ahead += [link.before for link in first.before]
        for each in dropped:
            self._ended(each)

    def _try_link(self, link: Link) -> bool:
        """Count a link that holds now; skip the task that it leads to if it never will, and say so."""
        first, second = self.entries[link.before], self.entries[link.after]
        if second.status != "open" or not first.over:
            return False
        it_holds = link_holds(link, first, self.result(first) if first.status == "done" else "")
        if it_holds:
            came = second.came + 1 if first.status == "done" else second.came
            self._set(link.after, replace(second, waits=second.waits - 1, came=came))
        elif it_holds is False and not self._enough_may_come(second):
            why = f"the condition {link.when!r} does not hold for what it comes after"
            self._set(link.after, replace(second, status="skipped", reasons=(*second.reasons, why)))
            return True
        return False


def _only_open(entry: Entry | None) -> str:
    return "the task is not in the plan" if entry is None else f"the task is {entry.status}"


def _held(entry: Entry, by: PeerId) -> bool:
    return entry.status == "claimed" and entry.holder == by


def _opened(entry: Entry) -> Entry:
    return replace(entry, status="open", holder=None, claim=None, lease_ms=0, done=None, result=(),
                   willing=frozenset())  # fmt: skip
