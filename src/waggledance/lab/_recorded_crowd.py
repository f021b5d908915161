"""A crowd of recorded peers: all models of a recording, some of them, or small swarms drawn from them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from random import Random

from waggledance.core import Peer, Question, UnknownName, UsageError
from waggledance.lab._recorded_peer import RecordedPeer, Said
from waggledance.lab._task import Task

Answers = Mapping[str, Mapping[str, Sequence[Said]]]
"""By task id and model: the recorded answers of the model to the task."""

_SILENT = (Said(None),)
"""A model that a question's recording does not name was asked, and gave nothing that could be read."""


class RecordedCrowd:
    """Recorded models as peers.

    Args:
        answers: what was recorded.
        names: the models that may sit; all when None.
        size: how many of them sit together. Drawn anew for every repeat, and the same for all tasks and all arms with
            the same models, size and seed. All sit when None.
        seed: of the draws, and of the order in which a model's samples are given.

    Raises:
        UsageError: nothing was recorded, a name stands twice, or more shall sit than there are.
        UnknownName: a model is not in the recording; says the nearest.
    """

    def __init__(
        self, answers: Answers, names: Sequence[str] | None = None, *, size: int | None = None, seed: int = 0
    ) -> None:
        known = sorted({name for by in answers.values() for name in by})
        if not known:
            raise UsageError("this set has questions and no recorded answers: seat models of your own")
        for name in names or ():
            if name not in known:
                raise UnknownName("recorded model", name, known)
        self.names = tuple(known if names is None else names)
        if len(set(self.names)) < len(self.names) or not self.names:
            raise UsageError(f"name every recorded model once, got {', '.join(self.names) or 'none'}")
        if size is not None and not 1 <= size <= len(self.names):
            raise UsageError(f"{size} peers shall sit together, and {len(self.names)} models are recorded")
        self._answers, self._size, self._seed = answers, size, seed
        self.models: Mapping[str, str] = {name: name for name in self.names}

    def __repr__(self) -> str:
        return f"RecordedCrowd(names={self.names!r}, size={self._size}, seed={self._seed})"

    def seat(self, task: Task, repeat: int) -> Sequence[Peer]:
        recorded = self._answers.get(task.id, {})
        chars = question_chars(task.question)
        return [
            RecordedPeer(name, self._order(recorded.get(name, _SILENT if recorded else ()), task, name, repeat), chars)
            for name in self._sitting(repeat)
        ]

    def alone(self, model: str) -> RecordedCrowd:
        return RecordedCrowd(self._answers, [model], seed=self._seed)

    def samples(self, model: str) -> int | None:
        return self._fewest[model]

    @cached_property
    def _fewest(self) -> Mapping[str, int]:
        """By model, how many samples there are of it at the least, among the questions that it answered at all."""
        counts = {name: [len(by[name]) for by in self._answers.values() if by.get(name)] for name in self.names}
        return {name: min(had, default=0) for name, had in counts.items()}

    def _sitting(self, repeat: int) -> Sequence[str]:
        if self._size is None:
            return self.names
        return sorted(Random(f"{self._seed}/{repeat}/{self._size}").sample(self.names, self._size))

    def _order(self, samples: Sequence[Said], task: Task, name: str, repeat: int) -> Sequence[Said]:
        """Return a model's samples in an order of this repeat, so that repeats do not all begin with the same one."""
        if len(samples) < 2:
            return samples
        return Random(f"{self._seed}/{repeat}/{task.id}/{name}").sample(samples, len(samples))


def question_chars(question: Question) -> int:
    """Return how long a question is with its options, in characters."""
    return len(question.text) + sum(len(option) + 4 for option in question.options)
