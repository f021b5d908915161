"""What is said on a floor: a turn of whoever has it, and how far a task is that somebody was given.

Source: Chen et al. 2024, "Internet of Agents", arXiv:2407.07061 (conversation states); its vote, which its
own program never takes, is left to the protocol. What a speaker thought is no part of a turn.
"""

from __future__ import annotations

from typing import ClassVar, Literal, get_args

import msgspec

from waggledance.core import MessageId, Note, PeerId, UnknownName, UsageError, well_formed

Act = Literal["discuss", "assign-and-wait", "assign-and-go-on", "pause", "conclude"]
TaskProgress = Literal["given", "started", "done", "failed"]
"""How far a task is; it never goes back."""

_ACTS = frozenset[str](get_args(Act))
_REPORTED = ("started", "done", "failed")


class Assigned(msgspec.Struct, frozen=True, gc=False):
    """A task, and who is to do it.

    Raises:
        UsageError: it says nothing, or not in well-formed Unicode of form NFC.
    """

    who: PeerId
    what: str

    def __post_init__(self) -> None:
        if not self.what.strip() or self.what != well_formed(self.what):
            raise UsageError(f"a task is said in words, well-formed and in Unicode form NFC; got {self.what!r:.80}")


class TaskRef(msgspec.Struct, frozen=True, gc=False, order=True):
    """Names a task: the turn that gave it, and whom; a turn gives nobody two."""

    turn: MessageId
    who: PeerId


class FloorTurn(Note, frozen=True, gc=False, kw_only=True):
    """A turn of a conversation, its `round` the number of turns before it; `text` is what was said, form and all.

    Raises:
        UsageError: tasks without an act that assigns, or the other way round; triggers and pauses likewise; a member
            is given two tasks.
        UnknownName: there is no such act.
    """

    kind: ClassVar[str] = "turn/1"
    act: Act = "discuss"
    after: MessageId | None = None
    """The turn that it follows; None for the first."""
    next: tuple[PeerId, ...] = ()
    """Who is to speak next: the first of them who is in the team. With none the speaker keeps the floor."""
    tasks: tuple[Assigned, ...] = ()
    """Of an act that assigns: who is to do what."""
    triggers: tuple[TaskRef, ...] = ()
    """Of a pause: the tasks that are to end before anybody speaks again."""
    takes: bool = False
    """Whether the author had to wait too long for another's turn, and takes the floor."""

    def __post_init__(self) -> None:
        Note.__post_init__(self)
        if self.act not in _ACTS:
            raise UnknownName("act", str(self.act), _ACTS)
        if bool(self.tasks) != self.act.startswith("assign"):
            raise UsageError(f"a turn gives tasks when it assigns, and only then; got {len(self.tasks)} to {self.act}")
        if bool(self.triggers) != (self.act == "pause"):
            raise UsageError(f"a turn names tasks to wait for when it pauses, got {len(self.triggers)} to {self.act}")
        if len({task.who for task in self.tasks}) < len(self.tasks):
            raise UsageError("a turn gives one member two tasks: put them into one")


class FloorReport(Note, frozen=True, gc=False, kw_only=True):
    """How far its author is with a task; `text` is the result, or why there is none.

    Its `round` is twice that of the turn that gave the task, and one more where it ends the task.

    Raises:
        UnknownName: a task cannot be that far.
    """

    kind: ClassVar[str] = "report/1"
    turn: MessageId
    """The turn that gave its author the task."""
    progress: TaskProgress

    def __post_init__(self) -> None:
        Note.__post_init__(self)
        if self.progress not in _REPORTED:
            raise UnknownName("progress of a task", str(self.progress), _REPORTED)
