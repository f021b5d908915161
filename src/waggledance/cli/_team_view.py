"""Watching a team: who is at which part, drawn again on a terminal, a line an event elsewhere; and who did what."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from types import TracebackType
from typing import TYPE_CHECKING, Any

from waggledance.cli._counted import counted
from waggledance.cli._safe_text import one_line
from waggledance.core import Message, Opening, PeerId
from waggledance.tasks import (
    Claim,
    Done,
    Fail,
    Op,
    Plan,
    PlanEdit,
    PlanResult,
    Recipe,
    TaskId,
    step_in,
    steps_in,
    watched_by,
)

if TYPE_CHECKING:
    from rich.console import Console, ConsoleOptions, RenderResult

_MARKS = {"done": "✓", "failed": "✗", "skipped": "·", "claimed": "…", "review": "?", "open": " "}
_SHOWN_CHARS = 60
_TOLD_FAILURES = 3


class TeamView:
    """Shows a team at work, and keeps what was said.

    Args:
        recipe: what the team works by.
        console: a terminal to draw on; None for lines.
        write: takes a line; nothing is shown when there is neither.
    """

    def __init__(self, recipe: Recipe, console: Console | None, write: Callable[[str], None] | None) -> None:
        self.recipe = recipe
        self.messages: list[Message[Any]] = []
        self._names: dict[PeerId, str] = {}
        self._plan = Plan()
        self._at: dict[TaskId, tuple[str, str]] = {}
        """Of each part, how it stands and who is at it."""
        self._write = write if console is None else None
        self._live: Any = None
        if console is not None:
            import rich.live

            self._live = rich.live.Live(self, console=console, refresh_per_second=8, vertical_overflow="crop")

    def see(self, message: Message[Any]) -> None:
        """Show the next message."""
        self.messages.append(message)
        self._plan.take([message])
        body = message.body
        if isinstance(body, Opening):
            self._names = {member.id: member.name for member in body.members}
        elif isinstance(body, PlanEdit):
            who = self._names.get(message.author, message.author.hex()[:8])
            for op in body.ops:
                line = self._tell(who, op)
                if line and self._write is not None:
                    self._write(line)

    def _tell(self, who: str, op: Op) -> str:
        if not isinstance(op, Claim | Done | Fail):
            return ""
        step = step_in(self.recipe, self._plan, op.task)
        if step is None or not step.role or self._at.get(op.task, ("", ""))[0] == "done":
            return ""
        match op:
            case Claim():
                self._at[op.task] = ("claimed", who)
                return f"{who} begins {step}"
            case Done():
                self._at[op.task] = ("done", who)
                return f"{who} did {step}"
            case Fail():
                self._at[op.task] = ("failed", who)
                return f"{who} failed at {step}: {one_line(op.reason, 160)}"

    def __enter__(self) -> TeamView:
        if self._live is not None:
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, why: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._live is not None:
            self._live.stop()

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        from rich.text import Text

        rows = [step for step in steps_in(self.recipe, self._plan) if step.role]
        room = max(3, console.height - 2)
        begun = [step for step in rows if step.task.id in self._at]
        for step in begun[-room:]:
            status, who = self._at[step.task.id]
            yield Text(f"{_MARKS[status]} {step!s:<{_SHOWN_CHARS}} {who}", no_wrap=True, overflow="ellipsis")
        more = sum(step.most for step in rows if self._at.get(step.task.id, ("", ""))[0] != "done")
        yield Text(f"  {len(begun)} of at most {len(rows) + more} parts begun", style="dim")


def table_of(recipe: Recipe, result: PlanResult) -> Iterator[str]:
    """Yield who did what, a line a part: how it ended, who made it from what, calls and tokens."""
    for step in steps_in(recipe, result.plan):
        entry = result.plan.entries.get(step.task.id)
        if entry is None or not step.role or entry.status == "skipped":
            continue
        if entry.status == "open" and not entry.reasons:  # what never began
            continue
        who = "nobody" if entry.holder is None else result.names.get(entry.holder, "?")
        made_from = ", ".join(dict.fromkeys(before.produces for before in watched_by(recipe, result.plan, step)))
        cost = (
            f"{counted(entry.cost.calls, 'call')}, {counted(entry.cost.tokens, 'token')}"
            if entry.cost.calls
            else "no call"
        )
        yield f"{_MARKS[entry.status]} {step!s:<40} {who:<8} from {made_from}; {cost}"
        for reason in entry.reasons:
            yield f"    {one_line(reason, 160)}"


def failures_of(recipe: Recipe, result: PlanResult) -> str:
    """Return what failed for good, and why at last: the first three parts by role; empty when nothing did."""
    ended = [(step, result.plan.entries.get(step.task.id)) for step in steps_in(recipe, result.plan)]
    told = [
        f"{step} failed: {one_line(entry.reasons[-1], 160)}"
        for step, entry in ended
        if entry is not None and entry.status == "failed" and step.role and entry.reasons
    ]
    more = len(told) - _TOLD_FAILURES
    return "; ".join([*told[:_TOLD_FAILURES], *([f"and {more} more"] if more > 0 else [])])
