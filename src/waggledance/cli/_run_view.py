"""Watching a batch: rows, how fast, what it costs, how long still; a living line on a terminal, or one now and then."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING

from waggledance.cli._counted import counted
from waggledance.cli._safe_text import one_line
from waggledance.core import UNIT
from waggledance.tasks import BatchReport

if TYPE_CHECKING:
    from rich.console import Console

LOOK_S, LINE_EVERY_S = 0.25, 5.0
WINDOW_S = 20.0
"""Speeds are those of the last so many seconds."""
REASONS_SHOWN = 5


class BatchView:
    """Shows a batch while it runs.

    Args:
        report: what it has done so far.
        total: how many rows there are, about; None when nobody knows.
        console: the terminal; None for plain lines.
        write: takes a plain line; None for none at all.
    """

    def __init__(
        self,
        report: BatchReport,
        total: int | None,
        console: Console | None,
        write: Callable[[str], None] | None,
    ) -> None:
        self._report, self._total, self._console, self._write = report, total, console, write
        self._seen: deque[tuple[float, int, int]] = deque()

    async def watch(self) -> None:
        """Show, until cancelled."""
        if self._console is not None:
            with suppress(asyncio.CancelledError), self._console.status("starting") as status:
                while True:
                    status.update(self.line(time.monotonic()))
                    await asyncio.sleep(LOOK_S)
        elif self._write is not None:
            with suppress(asyncio.CancelledError):
                while True:
                    self.line(time.monotonic())
                    await asyncio.sleep(LINE_EVERY_S)
                    self._write(self.line(time.monotonic()))

    def line(self, now_s: float) -> str:
        """Return where the batch stands, in one line, at a time on any clock that only goes forward."""
        report = self._report
        ended, tokens = report.done + report.failed, report.cost.tokens
        self._seen.append((now_s, ended, tokens))
        while len(self._seen) > 2 and self._seen[1][0] < now_s - WINDOW_S:
            self._seen.popleft()
        then_s, then_ended, then_tokens = self._seen[0]
        took_s = max(now_s - then_s, 1e-9)
        rows_s, tokens_s = (ended - then_ended) / took_s, (tokens - then_tokens) / took_s
        of = "" if self._total is None else f" of {self._total:,}"
        parts = [f"{ended + report.reused:,}{of} rows", f"{rows_s:,.1f} rows/s"]
        if tokens:
            parts.append(f"{tokens_s:,.0f} tokens/s")
        parts += [
            f"{count:,} {what}" for count, what in ((report.failed, "failed"), (report.retried, "retried")) if count
        ]
        if report.cost.micro_usd:
            parts.append(f"${report.cost.micro_usd / UNIT:.4f}")
        if self._total is not None and rows_s > 0:
            parts.append(f"{_span(max(0, self._total - ended - report.reused) / rows_s)} left")
        return " · ".join(parts)


def summary(report: BatchReport) -> list[str]:
    """Return what a batch did, line by line."""
    cost, ended = report.cost, report.done + report.failed
    lines = [f"{_rows(report.done)} done, {report.failed:,} failed, {report.reused:,} were there already"]
    spent = [counted(cost.calls, "call"), counted(cost.tokens, "token")]
    if cost.micro_usd:
        spent.append(f"${cost.micro_usd / UNIT:.4f}")
    if report.retried:
        spent.append(f"{report.retried:,} retried")
    if report.hedged:
        spent.append(f"{report.hedged:,} copied for stragglers")
    if report.stuck:
        spent.append(f"{report.stuck:,} that did not end given up")
    spent.append(f"{_span(report.seconds)}, {ended / max(report.seconds, 1e-9):,.1f} rows/s")
    lines.append(", ".join(spent))
    lines += [
        f"{_rows(count)} failed at {one_line(why, 200)}" for why, count in report.reasons.most_common(REASONS_SHOWN)
    ]
    return lines


def _rows(count: int) -> str:
    return "1 row" if count == 1 else f"{count:,} rows"


def _span(seconds: float) -> str:
    """Return a time as people say it.

    >>> _span(4.21), _span(75), _span(7300)
    ('4.2 s', '1 min 15 s', '2 h 1 min')
    """
    whole = round(seconds)
    if whole < 60:
        return f"{seconds:.1f} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"
