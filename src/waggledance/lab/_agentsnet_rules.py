"""Peers without a model for AgentsNet: the floor (chance), a rule with names as ranks, and the ceiling (gather all).

By rank, higher names first: a peer takes the smallest free colour once all higher neighbours have theirs; points at a
free neighbour, one that points back before others, along the highest edge, and is matched when both point; stands in an
independent set when no higher neighbour does, and the others are the cover; floods the highest name. Gatherers pass on
every link they know of and solve the whole graph at the end; as there are at least as many rounds as the diameter, that
is exact.
Source: the project's card on arXiv:2507.08616, whose figures they reproduce.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from random import Random
from typing import Any, cast

from blake3 import blake3

from waggledance.core import Call, Message, Note, Proposal, UsageError, Verdict
from waggledance.lab._agentsnet_problems import NOBODY, Problem, solve, valid
from waggledance.lab._letters import sender_and_words


class RulePeer:
    """A peer that follows a rule: reads letters as JSON, writes the same to all neighbours, and answers.

    Args:
        name: the peer's name.
        problem: what is to be solved.
        graph: the whole network, of which it looks at its own links and nothing else.
    """

    skills = frozenset({"propose", "note"})

    def __init__(self, name: str, problem: Problem, graph: Mapping[str, tuple[str, ...]]) -> None:
        self.name, self.near, self.n = name, graph[name], len(graph)
        self.problem: Problem = problem
        self.answers = valid(problem, graph, name)

    async def note(self, call: Call, about: str, material: Sequence[Message[Any]]) -> str:
        self.read(_latest(material))
        return json.dumps(dict.fromkeys(self.near, json.dumps(self.tell())))

    async def propose(self, call: Call) -> Proposal:
        self.read(_latest(call.guide))
        answer = self.answer(Random(call.seed))
        return Proposal(key=answer.lower(), text=answer)

    async def revise(self, call: Call, mine: Message[Proposal], heard: Sequence[Message[Proposal]]) -> Proposal:
        raise UsageError("peers of a network write letters; they do not revise")

    async def compare(self, call: Call, a: Message[Proposal], b: Message[Proposal]) -> Verdict:
        raise UsageError("peers of a network write letters; they do not compare")

    async def critique(self, call: Call, proposal: Message[Proposal]) -> Verdict:
        raise UsageError("peers of a network write letters; they do not grade")

    def read(self, letters: Mapping[str, Any]) -> None:
        """Take in the newest letter of each neighbour."""

    def tell(self) -> Any:
        """Return what all neighbours are told: plain JSON."""
        return {}

    def answer(self, rng: Random) -> str:
        """Return the answer at the end."""
        raise NotImplementedError


class ByChance(RulePeer):
    """Says nothing and answers at random; elects itself with a chance of 1 in n."""

    def answer(self, rng: Random) -> str:
        if self.problem == "leader":
            return "Yes" if rng.random() < 1 / self.n else "No"
        return rng.choice(self.answers)


class Gatherer(RulePeer):
    """Passes on every link it knows of, and solves the whole graph at the end."""

    def __init__(self, name: str, problem: Problem, graph: Mapping[str, tuple[str, ...]]) -> None:
        super().__init__(name, problem, graph)
        self._known: dict[str, set[str]] = {name: set(self.near)}

    def read(self, letters: Mapping[str, Any]) -> None:
        for told in letters.values():
            for peer, near in cast("dict[str, list[str]]", told).items():
                self._known.setdefault(peer, set()).update(near)

    def tell(self) -> Any:
        return {peer: sorted(near) for peer, near in self._known.items()}

    def answer(self, rng: Random) -> str:
        graph: dict[str, set[str]] = {}
        for peer, near in self._known.items():
            for other in near:
                graph.setdefault(peer, set()).add(other)
                graph.setdefault(other, set()).add(peer)
        return solve(self.problem, {peer: tuple(sorted(near)) for peer, near in graph.items()})[self.name]


class ByRank(RulePeer):
    """Follows the rules above, names as ranks."""

    def __init__(self, name: str, problem: Problem, graph: Mapping[str, tuple[str, ...]]) -> None:
        super().__init__(name, problem, graph)
        self._rule = _RULES[problem](name, self.near)

    def read(self, letters: Mapping[str, Any]) -> None:
        if letters:
            self._rule.hear(letters)

    def tell(self) -> Any:
        return self._rule.tell()

    def answer(self, rng: Random) -> str:
        return self._rule.answer()


class _Colour:
    def __init__(self, name: str, near: Sequence[str]) -> None:
        self._higher = {other for other in near if other > name}
        self._theirs: dict[str, int] = {}
        self._mine = None if self._higher else 1

    def hear(self, letters: Mapping[str, Any]) -> None:
        self._theirs |= {peer: told["colour"] for peer, told in letters.items() if told["colour"] is not None}
        if self._mine is None and self._higher <= self._theirs.keys():
            self._mine = self._free()

    def tell(self) -> Any:
        return {"colour": self._mine}

    def answer(self) -> str:
        return f"Group {self._free() if self._mine is None else self._mine}"

    def _free(self) -> int:
        return _first_free(self._theirs.values())


class _Partner:
    def __init__(self, name: str, near: Sequence[str]) -> None:
        self._name, self._free = name, set(near)
        self._partner: str | None = None
        self._aims: dict[str, str | None] = {}
        self._aim()

    def hear(self, letters: Mapping[str, Any]) -> None:
        self._aims = {peer: told["aim"] for peer, told in letters.items()}
        self._free -= {peer for peer, told in letters.items() if told["taken"]}
        self._free -= {peer for peer, aim in self._aims.items() if aim is not None and self._aims.get(aim) == peer}
        if self._partner is None:
            if self._aimed is not None and self._aims.get(self._aimed) == self._name:
                self._partner = self._aimed
            self._aim()

    def tell(self) -> Any:
        return {"aim": self._aimed, "taken": self._partner is not None}

    def answer(self) -> str:
        return self._partner or NOBODY

    def _aim(self) -> None:
        """Aim at the highest free edge; before that, at one whose other end aims back."""
        admirers = {other for other in self._free if self._aims.get(other) == self._name}
        self._aimed = self._partner or max(
            admirers or self._free, key=lambda other: (max(other, self._name), min(other, self._name)), default=None
        )


class _Stand:
    def __init__(self, name: str, near: Sequence[str]) -> None:
        self._higher = {other for other in near if other > name}
        self._theirs: dict[str, bool] = {}
        self._stands = None if self._higher else True

    def hear(self, letters: Mapping[str, Any]) -> None:
        self._theirs |= {peer: told["stands"] for peer, told in letters.items() if told["stands"] is not None}
        if self._stands is None:
            if any(self._theirs.get(other) for other in self._higher):
                self._stands = False
            elif self._higher <= self._theirs.keys():
                self._stands = True

    def tell(self) -> Any:
        return {"stands": self._stands}

    def answer(self) -> str:
        return "No" if self._stands else "Yes"


class _Flood:
    def __init__(self, name: str, near: Sequence[str]) -> None:
        self._name, self._top, self._bit = name, name, blake3(name.encode()).digest()[0] & 1

    def hear(self, letters: Mapping[str, Any]) -> None:
        for told in letters.values():
            if told["top"] > self._top:
                self._top, self._bit = told["top"], told["bit"]

    def tell(self) -> Any:
        return {"top": self._top, "bit": self._bit}

    def answer(self) -> str:
        return "Yes" if self._top == self._name else "No"


class _FloodBit(_Flood):
    def answer(self) -> str:
        return str(self._bit)


_RULES: Mapping[Problem, type[_Colour | _Partner | _Stand | _Flood]] = {
    "colouring": _Colour,
    "matching": _Partner,
    "vertex-cover": _Stand,
    "leader": _Flood,
    "consensus": _FloodBit,
}


def _latest(letters: Sequence[Message[Any]]) -> dict[str, Any]:
    """Return what each neighbour wrote last; the newest letters come first."""
    latest: dict[str, Any] = {}
    for letter in letters:
        if isinstance(letter.body, Note):
            sender, words = sender_and_words(letter.body.text)
            if sender not in latest:
                latest[sender] = json.loads(words)
    return latest


def _first_free(taken: Iterable[int]) -> int:
    used = set(taken)
    return next(i for i in range(1, len(used) + 2) if i not in used)
