"""Peers with every skill and no model: opinions drawn from the seed, for tests of protocols."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import Any

from waggledance.core import UNIT, Call, Message, Proposal, Question, Verdict, package_key


class Opinionated:
    """A peer that thinks at once: answers what most peers answer with a chance of 0.7, and prefers that answer.

    It revises to what most of those it hears say. Everything it says is a function of the call's seed and of what it
    was given, so that the same seed gives the same words.

    Args:
        name: the peer's name.
    """

    def __init__(self, name: str) -> None:
        self.name = name

    @property
    def skills(self) -> frozenset[str]:
        return frozenset({"propose", "revise", "note", "compare", "critique"})

    async def propose(self, call: Call) -> Proposal:
        answers, rng = _answers(call.question), Random(call.seed)
        key = answers[0] if rng.random() < 0.7 else rng.choice(answers[1:] or answers)
        return Proposal.of(key, f"I say {key}", confidence=rng.uniform(0.5, 1.0))

    async def revise(self, call: Call, mine: Message[Proposal], heard: Sequence[Message[Proposal]]) -> Proposal:
        keys = [m.body.key for m in (mine, *heard) if m.body.key is not None]
        if not keys:
            return await self.propose(call)
        key = max(sorted(set(keys)), key=keys.count)
        return Proposal.of(key, f"Having heard {len(heard)}, I say {key}", confidence=keys.count(key) / len(keys))

    async def note(self, call: Call, about: str, material: Sequence[Message[Any]]) -> str:
        way = Random(call.seed).choice(("count", "guess", "look it up", "ask", "draw", "go backwards"))
        return f"{about} of {self.name}, made from {len(material)}: {way}"

    async def compare(self, call: Call, a: Message[Proposal], b: Message[Proposal]) -> Verdict:
        favours_a = _grade(call, a) >= _grade(call, b)
        return Verdict((a.id, b.id), (UNIT, 0) if favours_a else (0, UNIT), "by its answer")

    async def critique(self, call: Call, proposal: Message[Proposal]) -> Verdict:
        return Verdict((proposal.id,), (_grade(call, proposal),), "by its answer")


def _answers(question: Question) -> list[str]:
    match question.expects:
        case "choice":
            return [chr(ord("A") + i) for i in range(len(question.options))]
        case "package":
            return [key for i in range(len(question.options)) if question.affords(key := package_key([i]))] or ["none"]
        case "yes/no":
            return ["yes", "no"]
        case _:
            return ["4", "5", "22"]


def _grade(call: Call, proposal: Message[Proposal]) -> int:
    """Return a grade of 0 to 1,000,000: high for the first of the answers, a little luck of this judge added."""
    luck = Random(f"{call.me.hex()} {proposal.body.key}").randrange(UNIT // 4)
    return luck + (UNIT // 2 if proposal.body.key == _answers(call.question)[0] else 0)
