"""Planted recordings: models with many samples of known strength, the key's place drawn anew for every question."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from random import Random

import pytest

from waggledance.core import Question
from waggledance.lab import QuestionSet, Said, Task

Planted = Callable[..., QuestionSet]


def plant(
    n: int, strengths: Mapping[str, float], *, samples: int = 1, chars: int | None = 200, seed: int = 0
) -> QuestionSet:
    """Return n questions with answers 0 to 9; each model gives the key with its strength, else any other digit."""
    rng = Random(seed)
    tasks: list[Task] = []
    answers: dict[str, Mapping[str, tuple[Said, ...]]] = {}
    for i in range(n):
        key = rng.randrange(10)
        task = Task(family="planted", question=Question(text=f"question {i}?", expects="number"), key=str(key))

        def said(strength: float, key: int = key) -> Said:
            right = rng.random() < strength
            other = (key + rng.randrange(1, 10)) % 10
            return Said(str(key if right else other), confidence_ppm=700_000 if right else 400_000, chars=chars)

        tasks.append(task)
        answers[task.id] = {m: tuple(said(p) for _ in range(samples)) for m, p in strengths.items()}
    return QuestionSet("planted", f"seed {seed}", tasks, answers)


@pytest.fixture
def planted() -> Planted:
    return plant
