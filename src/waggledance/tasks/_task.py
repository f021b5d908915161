"""A task: one piece of work, named by the hash of what it says, so that the same piece added twice is one piece.

Source: Zhang et al. 2025, "UFO³: Weaving the Digital Agent Galaxy", arXiv:2511.11332, the "star" of its task graph.
"""

from __future__ import annotations

import re
from functools import cached_property
from typing import Annotated, NewType

import msgspec
from blake3 import blake3

from waggledance.core import Budget, UsageError, encode_canonical, show, well_formed

TaskId = NewType("TaskId", bytes)
"""Which task: BLAKE3 of its fields, 32 bytes; shown as ``b3:…``."""

MAX_GOAL_CHARS = 8_000
MAX_NAMES = 32
"""Of skills or checks in one task."""
MAX_DEPTH = 64
MAX_REVIEWS = 64
REPLAN = "replan"
"""The kind of a task that revises the plan: no goal of it, whoever waits for it or not."""

_NAME = re.compile(r"[a-z0-9][a-z0-9._/ :=,()'\"-]{0,255}", re.IGNORECASE)
_Count = Annotated[int, msgspec.Meta(ge=0, le=2**53)]


class TaskBudget(msgspec.Struct, frozen=True, kw_only=True):
    """What one task may cost, in whole numbers, as message bodies have them; None means no limit of its own."""

    calls: _Count | None = None
    tokens: _Count | None = None
    micro_usd: _Count | None = None
    milliseconds: _Count | None = None

    def limits(self) -> Budget:
        """Return the same limits as a run has them.

        >>> print(TaskBudget(calls=3, milliseconds=1_500).limits())
        3 calls, 1.5 seconds
        """
        return Budget(
            calls=self.calls,
            tokens=self.tokens,
            usd=None if self.micro_usd is None else self.micro_usd / 1e6,
            seconds=None if self.milliseconds is None else self.milliseconds / 1e3,
        )


class Task(msgspec.Struct, frozen=True, kw_only=True, dict=True):
    """What is to be done. Who does it, and what came out, is for the `Plan` to say.

    >>> Task(goal="Count the bees").id == Task(goal="Count the bees").id
    True
    >>> Task(goal="Count the bees", kind="look").id == Task(goal="Count the bees").id
    False
    """

    goal: str
    """What is to be done, in words; 1 to 8,000 characters."""
    kind: str = "think"
    """What sort of work it is: routers learn who is good at which kind."""
    needs: tuple[str, ...] = ()
    """Skills that whoever does it must have, sorted, each once."""
    checks: tuple[str, ...] = ()
    """Names of the checks that its result must pass, such as ``"schema:report"``; in that order."""
    reviews: Annotated[int, msgspec.Meta(ge=0, le=MAX_REVIEWS)] = 0
    """How many other peers must find that the result passes; never whoever did it."""
    tries: Annotated[int, msgspec.Meta(ge=1, le=100)] = 3
    """How often it may be tried before it has failed for good."""
    budget: TaskBudget = TaskBudget()
    parent: TaskId | None = None
    """The task that this one is a part of."""
    depth: Annotated[int, msgspec.Meta(ge=0, le=MAX_DEPTH)] = 0
    """How many tasks it is a part of, one in the other."""
    priority: Annotated[int, msgspec.Meta(ge=-1_000, le=1_000)] = 0
    """Of tasks that are ready, those with the higher priority are done first."""
    deadline_ms: _Count | None = None
    """Milliseconds since the plan began by which it must be done; after that it fails."""

    def __post_init__(self) -> None:
        if not self.goal.strip() or len(self.goal) > MAX_GOAL_CHARS:
            raise UsageError(
                f"a task's goal has 1 to {MAX_GOAL_CHARS:,} characters, this one {len(self.goal.strip()):,}: say what "
                "is to be done, and put long material into the result of a task that this one comes after"
            )
        if self.goal != well_formed(self.goal):
            raise UsageError("a task's goal must be well-formed Unicode in form NFC; use well_formed(...)")
        if self.needs != tuple(sorted(set(self.needs))):
            raise UsageError(f"the skills that a task needs stand sorted and each once, got {self.needs}")
        if max(len(self.needs), len(self.checks)) > MAX_NAMES:
            raise UsageError(f"a task names at most {MAX_NAMES} skills and as many checks")
        for name in (self.kind, *self.needs, *self.checks):
            if _NAME.fullmatch(name) is None:
                raise UsageError(
                    f"{name!r:.80} is no name of a kind, a skill or a check: 1 to 256 letters, digits and . _ / : -"
                )
        if self.parent is not None and len(self.parent) != 32:
            raise UsageError(f"a parent is named by its id of 32 bytes, got {len(self.parent)}")

    @cached_property
    def id(self) -> TaskId:
        """The hash of all fields."""
        return TaskId(blake3(b"waggle/task/1\0" + encode_canonical(self)).digest())

    def __hash__(self) -> int:
        return hash(self.id)

    def __str__(self) -> str:
        """Return the task's id and the beginning of its goal, in one line."""
        first = " ".join(self.goal.split())
        return f"{show(self.id, 8)} {first if len(first) <= 60 else first[:59] + '…'}"
