"""Outcomes: what whoever asked for a task says of how it went. Routers learn from them, and everybody sees the same.

A worker's own word about itself does not count, and an author's word counts once a task and worker: its first, so that
what has been learnt stays learnt.

Source: Wang et al. 2026, "Symphony-Coord", arXiv:2602.00966 (reward after execution); that the requester signs is ours.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from math import isqrt
from typing import Annotated, Any, ClassVar

import msgspec

from waggledance.core import NO_COST, UNIT, Body, Cost, Message, PeerId, UsageError
from waggledance.tasks._card import SLOW_MS
from waggledance.tasks._task import TaskId

MAX_FEATURES = 16
MAX_FEATURE = 16 * UNIT
MAX_MS = 10**12

_LENGTH = msgspec.Meta(min_length=32, max_length=32)


class TaskOutcome(Body, frozen=True, gc=False):
    """How well a worker did a task, in the eyes of who asked for it.

    Raises:
        UsageError: an id that has not 32 bytes, a reward outside 0 to 1,000,000, too many or too large features, a time
            below 0.
    """

    kind: ClassVar[str] = "task-outcome/1"
    task: Annotated[TaskId, _LENGTH]
    task_kind: str
    """The task's kind: an outcome counts for this kind."""
    worker: Annotated[PeerId, _LENGTH]
    reward_ppm: int
    """0 for useless, 1,000,000 for all that was asked."""
    x: tuple[int, ...] = ()
    """What the router saw of the worker when it chose (`Scored.x`), in parts per million."""
    cost: Cost = NO_COST
    milliseconds: int = 0
    """From when the task was ready to when its result was there."""

    def __post_init__(self) -> None:
        if len(self.task) != 32 or len(self.worker) != 32:
            raise UsageError(
                f"an outcome names a task and a worker by 32 bytes each, got {len(self.task)}, {len(self.worker)}"
            )
        if not 0 <= self.reward_ppm <= UNIT:
            raise UsageError(f"a reward lies between 0 and {UNIT:,} parts per million, got {self.reward_ppm:,}")
        if len(self.x) > MAX_FEATURES or any(abs(x) > MAX_FEATURE for x in self.x):
            raise UsageError(
                f"an outcome has at most {MAX_FEATURES} features of at most {MAX_FEATURE:,} parts per million, got "
                f"{self.x!r:.120}"
            )
        if not 0 <= self.milliseconds <= MAX_MS:
            raise UsageError(f"a task takes 0 to {MAX_MS:,} milliseconds, got {self.milliseconds:,}")


def reward_of(success_ppm: int, milliseconds: int) -> int:
    """Return success less what waiting took from it, in parts per million.

        r = success - 0.2 sqrt(milliseconds / 2000), at least 0

    Args:
        success_ppm: how good the result was, 0 to 1,000,000.
        milliseconds: how long it took, >= 0.

    Raises:
        UsageError: a number outside its range.

    Source: Wang et al. 2026, "Symphony-Coord", arXiv:2602.00966.

    >>> reward_of(1_000_000, 2_000)
    800000
    """
    if not 0 <= success_ppm <= UNIT or milliseconds < 0:
        raise UsageError(
            f"success lies between 0 and {UNIT:,}, and time is 0 or more, got {success_ppm}, {milliseconds}"
        )
    return max(0, success_ppm - isqrt(UNIT * UNIT * milliseconds // SLOW_MS) // 5)


Place = tuple[int, bytes]
"""Where an outcome stands among all: its Lamport time, then its id."""


def place_of(said: Message[Any]) -> Place:
    """Return what outcomes are sorted by."""
    return said.lamport, said.id


def counted(
    messages: Iterable[Message[Any]],
    *,
    asked_by: Mapping[TaskId, PeerId] | None = None,
    doubted: Collection[PeerId] = (),
) -> tuple[Message[TaskOutcome], ...]:
    """Return the outcomes that count, in the order in which routers learn: a pure fold, blind to order and repetition.

    Args:
        messages: of a channel; what is no outcome is passed over.
        asked_by: who asked for each task: only that peer's word about it counts. Anybody's when None.
        doubted: peers whose word does not count (`doubted_by`).
    """
    first: dict[tuple[bytes, bytes, bytes], Message[TaskOutcome]] = {}
    for said in messages:
        body = said.body
        if not isinstance(body, TaskOutcome) or body.worker == said.author or said.author in doubted:
            continue
        if asked_by is not None and asked_by.get(TaskId(body.task)) != said.author:
            continue
        about = (said.author, body.task, body.worker)
        other = first.get(about)
        if other is None or place_of(said) < place_of(other):
            first[about] = said
    return tuple(sorted(first.values(), key=place_of))
