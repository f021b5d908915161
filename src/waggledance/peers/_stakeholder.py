"""A stakeholder: a peer that knows what each option is worth to it, for bargains without a model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import isfinite
from typing import Any

from blake3 import blake3

from waggledance.core import (
    UNIT,
    Call,
    Message,
    Proposal,
    Question,
    RunFailed,
    UsageError,
    Verdict,
    best_package,
    package_key,
    package_of,
)

_LUCK = 1 << 16


class Stakeholder:
    """A peer with values, which add up. Wishes for its best package, and grades from 0, its worst, to 1, its best.

    Args:
        name: the peer's name.
        values: what each option is worth, by its text; finite, negative for harm; 0 for those left out.

    Raises:
        UsageError: a value is not finite.

    >>> Stakeholder("anglers", {"a pond": 5, "a road": -2}).skills == {"propose", "revise", "critique"}
    True
    """

    def __init__(self, name: str, values: Mapping[str, float]) -> None:
        if not all(isfinite(value) for value in values.values()):
            raise UsageError(f"the values of {name!r} must be finite numbers, got {dict(values)}")
        self.name, self.values = name, dict(values)

    @property
    def skills(self) -> frozenset[str]:
        return frozenset({"propose", "revise", "critique"})

    async def propose(self, call: Call) -> Proposal:
        """Wish for the best package that may be spent on."""
        question = call.question
        drawn = [_LUCK * value + _luck(call, i) for i, value in enumerate(self._worth(question))]
        return self._offer(best_package(question.prices, question.limit, drawn))

    async def revise(self, call: Call, mine: Message[Proposal], heard: Sequence[Message[Proposal]]) -> Proposal:
        """Offer the change to the package heard first that is worth most and was not heard: add, drop, or swap.

        Where no such change is worth more than that package, it offers the package itself.
        """
        question = call.question
        worth = self._worth(question)
        now = package_of((heard or [mine])[0].body.key or "", len(worth))
        if now is None:
            return mine.body
        fewer = [now, *(now - {i} for i in now)]
        moves = {*fewer, *(package | {i} for package in fewer for i in range(len(worth)) if i not in now)}
        known = {m.body.key for m in heard}
        own = sum(worth[i] for i in now)
        better = [package for package in moves if sum(worth[i] for i in package) > own
                  and question.affords(key := package_key(package)) and key not in known]  # fmt: skip
        drawn = [_LUCK * value + _luck(call, i) for i, value in enumerate(worth)]
        return self._offer(max(better, key=lambda package: sum(drawn[i] for i in package), default=now))

    async def compare(self, call: Call, a: Message[Proposal], b: Message[Proposal]) -> Verdict:
        raise UsageError(f"stakeholder {self.name!r} grades packages and compares none; choose the protocol 'bargain'")

    async def note(self, call: Call, about: str, material: Sequence[Message[Any]]) -> str:
        raise UsageError(f"stakeholder {self.name!r} writes no notes; choose the protocol 'bargain'")

    async def critique(self, call: Call, proposal: Message[Proposal]) -> Verdict:
        """Grade a package on the stakeholder's own scale."""
        question, worth = call.question, self._worth(call.question)
        package = package_of(proposal.body.key or "", len(worth))
        if package is None:
            return Verdict((proposal.id,), (0,), "no package")
        best = sum(worth[i] for i in best_package(question.prices, question.limit, worth))
        least = sum(worth[i] for i in best_package(question.prices, question.limit, [-value for value in worth]))
        had = sum(worth[i] for i in package)
        grade = UNIT if best == least else (had - least) * UNIT // (best - least)
        return Verdict((proposal.id,), (min(UNIT, max(0, grade)),), f"worth {had / UNIT:g} of {best / UNIT:g}")

    def _worth(self, question: Question) -> list[int]:
        unknown = sorted(self.values.keys() - set(question.options))
        if unknown:
            raise RunFailed(f"{self.name!r} values {unknown[0]!r}, which is no option of this question")
        return [round(self.values.get(option, 0) * UNIT) for option in question.options]

    def _offer(self, package: frozenset[int]) -> Proposal:
        key = package_key(package)
        return Proposal.of(key, f"{self.name} would have {key}")


def _luck(call: Call, option: int) -> int:
    """Return less than one unit of worth: what breaks ties between options, drawn for this call."""
    return int.from_bytes(blake3(b"%d %d" % (call.seed, option)).digest(2)) // 64
