"""Tasks and scores."""

from __future__ import annotations

from math import nan

import pytest
from msgspec.structs import replace

from waggledance.core import Question, UsageError
from waggledance.lab import Score, Task

TASK = Task(family="sums", question=Question(text="2+2?", expects="number"), key="4", source="sums/1")


def test_a_task_is_named_by_what_is_asked_and_not_by_its_key() -> None:
    assert replace(TASK, key="5").id == TASK.id
    for other in (
        replace(TASK, family="other"),
        replace(TASK, question=Question(text="2+3?", expects="number")),
        replace(TASK, source="sums/2"),
        replace(TASK, seed=1),
        replace(TASK, payload={"within": 1}),
    ):
        assert other.id != TASK.id


def test_the_order_of_a_payload_does_not_matter_to_its_name() -> None:
    assert replace(TASK, payload={"a": 1, "b": 2}).id == replace(TASK, payload={"b": 2, "a": 1}).id


def test_a_task_without_a_group_is_evidence_of_its_own() -> None:
    assert TASK.cluster == TASK.id
    assert replace(TASK, group="person 7").cluster == "person 7"


@pytest.mark.parametrize(("value", "raw"), [(1.1, 0.0), (-0.1, 0.0), (nan, 0.0), (0.5, nan)])
def test_a_score_outside_0_and_1_is_refused(value: float, raw: float) -> None:
    with pytest.raises(UsageError):
        Score(value=value, solved=False, raw=raw)
