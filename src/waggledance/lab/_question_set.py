"""A set of questions with known answers, and perhaps with what models answered: a benchmark without a world."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from random import Random

import msgspec

from waggledance.core import UsageError
from waggledance.lab._recorded_crowd import Answers
from waggledance.lab._score import RunLog, Score
from waggledance.lab._task import Task
from waggledance.peers import parse


class QuestionSet:
    """Questions and keys.

    Args:
        name: what reports call it.
        version: digest of where it was read from.
        tasks: the questions; no two alike.
        answers: recorded answers by task id and model; none when empty.

    Raises:
        UsageError: it holds no question, or one twice.
    """

    def __init__(self, name: str, version: str, tasks: Sequence[Task], answers: Answers | None = None) -> None:
        if not tasks:
            raise UsageError(f"the set {name!r} holds no question")
        if len({task.id for task in tasks}) < len(tasks):
            raise UsageError(f"the set {name!r} holds a question twice: leave one out, or give them ids that differ")
        self.name, self.version = name, version
        self._tasks = tuple(tasks)
        self.answers: Answers = answers or {}

    def __len__(self) -> int:
        return len(self._tasks)

    def tasks(self, split: str = "all", n: int | None = None, seed: int = 0) -> Sequence[Task]:
        """Return `n` questions of a category (``"all"`` for all) in an order drawn from the seed.

        Raises:
            UsageError: there is no such category, or `n` is not positive.
        """
        chosen = [task for task in self._tasks if split in ("all", task.category)]
        if not chosen:
            known = ", ".join(sorted({task.category for task in self._tasks} - {""})) or "none"
            raise UsageError(f"the set {self.name!r} has no category {split!r}; it has {known}")
        if n is not None and n < 1:
            raise UsageError(f"a comparison needs at least one task, got {n}")
        return sorted(chosen, key=lambda task: Random(f"{seed}/{task.id}").random())[:n]

    def score(self, task: Task, run: RunLog) -> Score:
        """Score an answer: right when it is the key; where the payload says ``within``, a number so near to it.

        Raises:
            UsageError: the task has no key.
        """
        if task.key is None:
            raise UsageError(f"task {task.source or task.id} has no key, so nobody can say what answer is right")
        within = task.payload.get("within")
        said = run.decision.key
        if within is None or said is None:
            return Score.of(said == task.key)
        try:
            return Score.of(abs(Fraction(said) - Fraction(task.key)) <= Fraction(str(within)))
        except (ValueError, ZeroDivisionError):
            return Score.of(False)

    def as_read(self) -> QuestionSet:
        """Return the set with its keys as live peers' words are read, and without recorded answers.

        Recordings keep answers as their authors normalised them; a live peer's answer goes through `parse`.

        Raises:
            UsageError: a key is no answer of its question's kind.
        """
        return QuestionSet(self.name, self.version, [_reread(task) for task in self._tasks])


def _reread(task: Task) -> Task:
    if task.key is None:
        return task
    said = parse(task.key, task.question)
    if said.key is None:
        raise UsageError(
            f"the key of task {task.source or task.id}, {task.key!r:.60}, is no answer of the kind "
            f"{task.question.expects!r}: {said.lapse}"
        )
    return msgspec.structs.replace(task, key=said.key)
