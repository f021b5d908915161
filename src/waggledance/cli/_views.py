"""Watching a swarm at work: a table that lives, on a terminal; one line an event, elsewhere; or nothing."""

from __future__ import annotations

import time
from collections.abc import Callable
from types import TracebackType
from typing import TYPE_CHECKING, Any, Protocol

from waggledance.cli._safe_text import one_line
from waggledance.cli._story import Row, Story
from waggledance.core import UNIT, Message, PeerId

if TYPE_CHECKING:
    from rich.console import Console, ConsoleOptions, RenderResult

CHANGES_SHOWN = 5
LINES_BESIDE_ROWS = 12


class View(Protocol):
    """Shows a story while it happens."""

    story: Story

    def see(self, message: Message[Any]) -> None:
        """Show the next message."""
        ...

    def __enter__(self) -> View: ...
    def __exit__(
        self, kind: type[BaseException] | None, why: BaseException | None, trace: TracebackType | None
    ) -> None: ...


class Lines:
    """One plain line an event.

    Args:
        write: takes a line; nothing is shown when None.
    """

    def __init__(self, write: Callable[[str], None] | None) -> None:
        self.story = Story()
        self._write = write

    def see(self, message: Message[Any]) -> None:
        line = self.story.hear(message)
        if line is not None and self._write is not None:
            self._write(line)

    def __enter__(self) -> Lines:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, why: BaseException | None, trace: TracebackType | None
    ) -> None:
        return


class Live:
    """A table of peers that is drawn again as they speak.

    Args:
        console: the terminal.
    """

    def __init__(self, console: Console) -> None:
        import rich.live
        import rich.spinner

        self.story = Story()
        self._console = console
        self._since: dict[PeerId, float] = {}
        self._started_s = time.monotonic()
        self._ended_s: float | None = None
        self._spinner = rich.spinner.Spinner("dots", style="yellow")
        self._live = rich.live.Live(
            self, console=console, refresh_per_second=8, redirect_stdout=False, vertical_overflow="crop"
        )

    def see(self, message: Message[Any]) -> None:
        self.story.hear(message)

    def __enter__(self) -> Live:
        self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, why: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.story.decided, self._ended_s = True, time.monotonic()
        self._live.stop()

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        from rich.table import Table
        from rich.text import Text

        story = self.story
        rows = list(story.rows.items())
        room = max(3, console.height - LINES_BESIDE_ROWS)
        table = Table(box=None, padding=(0, 2, 0, 0), expand=True, show_header=False)
        table.add_column(width=2, no_wrap=True)
        table.add_column(max_width=24, no_wrap=True, overflow="ellipsis")
        table.add_column(max_width=40, no_wrap=True, overflow="ellipsis")
        table.add_column(width=5, no_wrap=True, justify="right")
        table.add_column(ratio=1, no_wrap=True, overflow="ellipsis")
        for peer, row in rows[:room]:
            table.add_row(*self._cells(peer, row))
        yield table
        if len(rows) > room:
            thinking = sum(story.thinks(peer) for peer, _ in rows[room:])
            yield Text(f"   … and {len(rows) - room} more peers, {thinking} of them thinking", style="dim")
        for change in story.changes[-CHANGES_SHOWN:]:
            yield Text.assemble(
                ("  ↻ ", "magenta"), (change.peer, "bold"), f" went from {change.before} to ", (change.after, "bold"),
                (f": {change.why}" if change.why else "", "dim"), no_wrap=True, overflow="ellipsis",
            )  # fmt: skip
        when = f"answer {story.round + 1}" if story.protocol.startswith("vote") else f"round {story.round}"
        if story.tick >= 0 and not story.round:
            when = f"tick {story.tick}"
        until = self._ended_s if self._ended_s is not None else time.monotonic()
        yield Text(
            f"  {story.protocol or 'gathering'} · {when} · {story.calls:,} call{'s' if story.calls != 1 else ''} · "
            f"{story.tokens:,} tokens · {until - self._started_s:.0f} s",
            style="dim", no_wrap=True, overflow="ellipsis",
        )  # fmt: skip

    def _cells(self, peer: PeerId, row: Row) -> tuple[Any, ...]:
        from rich.text import Text

        story = self.story
        name = Text(row.name, style="bold")
        sure = Text(f"{row.confidence_ppm / UNIT:.0%}" if row.confidence_ppm is not None else "", style="dim")
        thinks = story.thinks(peer)
        if row.answered_round < 0:
            doing = row.doing or ("thinking …" if thinks else "said nothing")
            return (self._spinner if thinks else Text("–", style="yellow"), name, Text(doing, style="dim"), sure, "")
        if row.answer is None:
            mark, answer = Text("✗", style="yellow"), Text("no answer", style="yellow")
        else:
            mark, answer = Text("✓", style="green"), Text(story.labels[row.answer], style="green")
        said = " ".join(part for part in (row.doing and f"[{row.doing}]", row.said, row.lapse) if part)
        return (self._spinner if thinks else mark, name, answer, sure, Text(one_line(said, 200)))


def view_for(console: Console | None, *, quiet: bool, write: Callable[[str], None]) -> View:
    """Return the view that fits: `console` is the terminal to draw on, None when there is none."""
    if quiet:
        return Lines(None)
    return Live(console) if console is not None else Lines(write)
