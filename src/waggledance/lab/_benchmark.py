"""What a benchmark is: tasks, and a pure function that scores what was said about them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from waggledance.lab._score import RunLog, Score
from waggledance.lab._task import Task


class Benchmark(Protocol):
    """Tasks and their scoring. A set of questions is one; so is a generator of problems."""

    @property
    def name(self) -> str: ...
    @property
    def version(self) -> str:
        """What changes when its tasks or its scoring do: a digest of the file, a number."""
        ...

    def tasks(self, split: str, n: int | None, seed: int) -> Sequence[Task]:
        """Return `n` tasks of a split in an order drawn from the seed, so that fewer are the first of more.

        Args:
            split: ``"all"``, or a part that the benchmark knows.
            n: how many; all there are when None or more than that.
            seed: of the order.
        """
        ...

    def score(self, task: Task, run: RunLog) -> Score:
        """Score a run from its messages and decision alone: a pure function, so that anybody can score it again."""
        ...
