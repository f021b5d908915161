"""What a batch engine asks of the journal that it keeps."""

from __future__ import annotations

from typing import Protocol

from waggledance.core import Cost
from waggledance.tasks._pipeline import Pipeline
from waggledance.tasks._row import Row, Value
from waggledance.tasks._step import Step


class Journal(Protocol):
    """Where a batch keeps what is done, so that it can go on after a kill. `RowJournal` is one."""

    @property
    def cost_before(self) -> Cost:
        """What earlier runs cost."""
        ...

    def begin(self, row: Row, pipeline: Pipeline) -> bool:
        """Bring a row to where an earlier run left it; return whether it has ended already."""
        ...

    def result(self, row: Row, step: Step, value: Value) -> Value:
        """Keep a step's result, before anything rests on it; return it as a later run will read it.

        Raises:
            UsageError: it cannot be written down.
        """
        ...

    def skip(self, row: Row, step: Step) -> None:
        """Keep that a step was skipped."""
        ...

    def end(self, row: Row) -> None:
        """Keep a row's end: done, or failed."""
        ...
