"""What a batch has done so far, and how it ended."""

from __future__ import annotations

from collections import Counter
from typing import Literal

import msgspec

from waggledance.core import NO_COST, Cost
from waggledance.tasks._row import Row

REASONS_KEPT = 100


class BatchReport(msgspec.Struct, kw_only=True):
    """Counts of one run of a batch; they grow while it runs."""

    status: Literal["running", "complete", "budget", "interrupted"] = "running"
    """``budget``: a limit was reached, and rows are left; the journal goes on from there."""
    done: int = 0
    """Rows that made it through every step, in this run."""
    failed: int = 0
    """Rows that did not, with a reason each, in this run."""
    reused: int = 0
    """Rows that an earlier run of the same journal had ended."""
    reused_results: int = 0
    """Results of steps that an earlier run had left behind of rows it did not end."""
    in_flight: int = 0
    retried: int = 0
    hedged: int = 0
    timed_out: int = 0
    stuck: int = 0
    """Calls that did not end when they were cancelled, and were given up."""
    cost: Cost = NO_COST
    """Of this run."""
    cost_before: Cost = NO_COST
    """Of the runs before, as far as the journal knows."""
    seconds: float = 0.0
    limit: str = ""
    """Which limit of the budget was reached."""
    reasons: Counter[str] = msgspec.field(default_factory=Counter)
    """How many rows failed for each step and reason; of more than 100 different ones the rest counts as ``other``."""
    ended: tuple[Row, ...] = ()
    """Rows that ended, in the order in which they came in; empty where they were handed out one by one."""

    def count(self, row: Row) -> None:
        """Count a row that has ended."""
        if row.failure is None:
            self.done += 1
            return
        self.failed += 1
        reason = f"{row.failure.step}: {row.failure.reason}"
        self.reasons[reason if reason in self.reasons or len(self.reasons) < REASONS_KEPT else "other"] += 1
