"""Offices, a world for institutions: drafts are right or wrong, gates err, and executors repair and break.

A draft is right with .7. A gate rejects a right draft with chance e and a wrong one with chance c. Whoever goes over a
draft, as an executor or after a rejection, makes a wrong one right with .35 and a right one wrong with .02. All chances
are independent. The true option's place among four is drawn.
"""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import Any

from waggledance.core import UNIT, Call, Message, Proposal, Question, UsageError, Verdict

_KEYS = "ABCD"
DRAFTS = 0.7
"""The chance that a draft is right."""
REPAIRS = 0.35
"""The chance that going over a wrong draft makes it right."""
BREAKS = 0.02
"""The chance that going over a right one makes it wrong."""


class Offices:
    """A world of office holders.

    Args:
        errs: e, the chance that a gate rejects a right draft.
        catches: c, the chance that it rejects a wrong one.
        seed: same seed, same tasks.
    """

    def __init__(self, errs: float = 0.1, catches: float = 0.6, *, seed: int = 0) -> None:
        if not (0 <= errs <= 1 and 0 <= catches <= 1):
            raise UsageError(f"chances lie between 0 and 1, got {errs} and {catches}")
        self.errs, self.catches, self.seed = errs, catches, seed

    def task(self, number: int) -> Question:
        """Return a task by its number."""
        options = tuple(f"way {key}" for key in _KEYS)
        return Question(text=f"Office task {number} of seed {self.seed}: which way?", expects="choice", options=options)

    def truth(self, task: Question) -> str:
        """Return the right answer of a task."""
        return _KEYS[Random(task.text).randrange(len(_KEYS))]

    def seats(self, peers: int) -> tuple[OfficeHolder, ...]:
        """Return peers to be seated in a `Swarm`."""
        return tuple(OfficeHolder(self, f"holder-{i}") for i in range(peers))


class OfficeHolder:
    """A peer of the world. Its luck is that of each call."""

    def __init__(self, world: Offices, name: str) -> None:
        self.world, self.name = world, name

    @property
    def skills(self) -> frozenset[str]:
        return frozenset({"propose", "revise", "note", "critique"})

    async def propose(self, call: Call) -> Proposal:
        return self._said(call, Random(call.seed).random() < DRAFTS)

    async def revise(self, call: Call, mine: Message[Proposal], heard: Sequence[Message[Proposal]]) -> Proposal:
        draw = Random(call.seed).random()
        if mine.body.key == self.world.truth(call.question):
            return self._said(call, draw >= BREAKS)
        return self._said(call, True) if draw < REPAIRS else mine.body

    async def note(self, call: Call, about: str, material: Sequence[Message[Any]]) -> str:
        return f"the {about} of {self.name}"

    async def compare(self, call: Call, a: Message[Proposal], b: Message[Proposal]) -> Verdict:
        raise UsageError("office holders grade drafts and compare none")

    async def critique(self, call: Call, proposal: Message[Proposal]) -> Verdict:
        right = proposal.body.key == self.world.truth(call.question)
        rejects = Random(call.seed).random() < (self.world.errs if right else self.world.catches)
        return Verdict((proposal.id,), (0 if rejects else UNIT,), f"{self.name} finds a fault" if rejects else "")

    def _said(self, call: Call, right: bool) -> Proposal:
        truth = self.world.truth(call.question)
        key = truth if right else Random(call.seed + 1).choice(_KEYS.replace(truth, ""))
        return Proposal.of(key, f"{self.name} would go {key}")
