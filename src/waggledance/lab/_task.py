"""A task: one thing that is asked, named by its content, so that it is the same task wherever it is run."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Any

import msgspec
from blake3 import blake3

from waggledance.core import Question


class Task(msgspec.Struct, frozen=True, kw_only=True, dict=True):
    """One question or problem of a benchmark.

    >>> task = Task(family="sums", question=Question(text="2 + 2?", expects="number"), key="4")
    >>> task.id == Task(family="sums", question=task.question, key=None).id
    True
    """

    family: str
    """What it belongs to: a set of questions, a kind of problem."""
    question: Question
    key: str | None = None
    """The right answer in canonical form; None where the benchmark's scorer needs none, or nobody knows."""
    source: str = ""
    """Its name where it comes from, such as ``"gsm8k/12"``."""
    group: str = ""
    """Tasks that are no independent evidence share one, such as questions about one text; intervals count groups."""
    category: str = ""
    """Its subject, such as ``"physics"``; for tables by subject."""
    seed: int = 0
    """What a generated task was drawn from."""
    payload: Mapping[str, Any] = {}
    """Whatever else the benchmark needs: plain JSON values."""

    @cached_property
    def id(self) -> str:
        """32 hexadecimal digits: the hash of what is asked. The key is left out of it."""
        asked = (self.family, self.question, self.source, self.seed, self.payload)
        return blake3(b"waggle/task/1\0" + msgspec.json.encode(asked, order="deterministic")).hexdigest(length=16)

    @property
    def cluster(self) -> str:
        """What intervals count as one piece of evidence: the group, or the task itself where it has none."""
        return self.group or self.id
