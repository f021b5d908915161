"""The tasks of a plan as of some edits, and what follows when one of them ends: who may begin, and who is skipped."""

from __future__ import annotations

from msgspec.structs import replace

from waggledance.core import Message, MessageId, Note, PeerId
from waggledance.tasks._edit import Link
from waggledance.tasks._entry import Entry, link_holds
from waggledance.tasks._task import TaskId

Why = str | None
"""Why an operation is refused; None when it was applied."""


class Entries:
    """Tasks by id. Entries are never changed, only exchanged."""

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

    def result(self, entry: Entry) -> str:
        """Return the text of a task's result: that of its notes, one after the other."""
        return "".join([self.notes[id].body.text for id in entry.result])

    def onward(self, task: TaskId) -> tuple[TaskId, ...]:
        return self.entries[task].after

    def back(self, task: TaskId) -> list[TaskId]:
        return [link.before for link in self.entries[task].before]

    def set(self, id: TaskId, entry: Entry) -> None:
        self.entries[id] = entry
        if entry.ready:
            self.ready[id] = None
        else:
            self.ready.pop(id, None)
        if entry.status in ("claimed", "review"):
            self.busy[id] = None
        else:
            self.busy.pop(id, None)

    def ended(self, id: TaskId) -> None:
        """Look at all links from a task that is over, and from those that are skipped in turn."""
        ahead = [id]
        while ahead:
            at = ahead.pop()
            for after in self.entries[at].after:
                link = next(link for link in self.entries[after].before if link.before == at)
                ahead += [after] if self.try_link(link) or self._skip_if_all_were(after) else []
                self.drop_rest(after)

    def _skip_if_all_were(self, id: TaskId) -> bool:
        """Skip a task that wants some of what it waited for and would begin with nothing; say whether it was."""
        entry = self.entries[id]
        if not entry.ready or any(link.when != "some" for link in entry.before):
            return False
        if any(self.entries[link.before].status != "skipped" for link in entry.before):
            return False
        why = "all that it comes after was skipped"
        self.set(id, replace(entry, status="skipped", reasons=(*entry.reasons, why)))
        return True

    def _enough_may_come(self, entry: Entry) -> bool:
        """Say whether a task that wants some of those that it comes after may yet have them."""
        if not entry.enough:
            return False
        firsts = ((link, self.entries[link.before]) for link in entry.before)
        lost = [link_holds(link, e, self.result(e) if e.status == "done" else "") is False for link, e in firsts]
        return lost.count(False) >= min(entry.enough, len(lost))

    def drop_rest(self, id: TaskId) -> None:
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
            self.set(first.task.id, replace(opened(first), status="skipped", reasons=(*first.reasons, why)))
            dropped.append(first.task.id)
            ahead += [link.before for link in first.before]
        for each in dropped:
            self.ended(each)

    def try_link(self, link: Link) -> bool:
        """Count a link that holds now; skip the task that it leads to if it never will, and say so."""
        first, second = self.entries[link.before], self.entries[link.after]
        if second.status != "open" or not first.over:
            return False
        it_holds = link_holds(link, first, self.result(first) if first.status == "done" else "")
        if it_holds:
            came = second.came + 1 if first.status == "done" else second.came
            self.set(link.after, replace(second, waits=second.waits - 1, came=came))
        elif it_holds is False and not self._enough_may_come(second):
            why = f"the condition {link.when!r} does not hold for what it comes after"
            self.set(link.after, replace(second, status="skipped", reasons=(*second.reasons, why)))
            return True
        return False


def only_open(entry: Entry | None) -> str:
    return "the task is not in the plan" if entry is None else f"the task is {entry.status}"


def held(entry: Entry, by: PeerId) -> bool:
    return entry.status == "claimed" and entry.holder == by


def opened(entry: Entry) -> Entry:
    return replace(entry, status="open", holder=None, claim=None, lease_ms=0, done=None, result=(),
                   willing=frozenset())  # fmt: skip
