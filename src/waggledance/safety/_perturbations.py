"""Small things that may go differently in a run: what the network does, what a peer says, what its tools do, who it is.

A perturbation is a fault of the simulated network (a peer that is silent drops what it says, a slow link delays it and
lets others overtake), or one of the kinds here.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from copy import copy
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from math import inf
from random import Random
from typing import Any, cast

import msgspec

from waggledance.core import Call, Message, Peer, Proposal, RunFailed, Tool, UnknownName
from waggledance.network import Crash, Fault, Partition, Pause, Silent, Slow, SlowLink
from waggledance.peers import Agent, Toolbox, WrapperPeer


@dataclass(frozen=True)
class Duplicated:
    """What is sent arrives twice with this chance, 0 to 1."""

    chance: float = 0.5


@dataclass(frozen=True)
class Reordered:
    """What is sent is held back with this chance, 0 to 1, so that later messages overtake it."""

    chance: float = 0.5


@dataclass(frozen=True)
class Reworded:
    """A peer says what it says in other words; its answer stays the same."""

    peer: str
    round: int
    text: str = "In other words: the same."


@dataclass(frozen=True)
class ToolFails:
    """An agent's tools of these names (a glob) fail."""

    peer: str
    tool: str = "*"


@dataclass(frozen=True)
class Swapped:
    """Somebody else, who sits here as well, thinks at a peer's seat."""

    peer: str
    by: str


Perturbation = Fault | Duplicated | Reordered | Reworded | ToolFails | Swapped
Draw = Callable[[Random, Sequence[str], float], Perturbation]
"""Draws one, given luck, the peers' names and how long a run takes in virtual seconds."""


def network_faults(perturbations: Sequence[Perturbation]) -> tuple[Fault, ...]:
    """Return those that the simulated network makes."""
    own = (Duplicated, Reordered, Reworded, ToolFails, Swapped)
    return tuple(p for p in perturbations if not isinstance(p, own))


def strained(peers: Sequence[Peer], perturbations: Sequence[Perturbation]) -> list[Peer]:
    """Return the peers, those behind a disguise who say or use something else.

    Raises:
        UnknownName: a perturbation names nobody here.
    """
    by_name = {peer.name: peer for peer in peers}
    for perturbation in perturbations:
        if isinstance(perturbation, Reworded | ToolFails | Swapped):
            named = (perturbation.peer, perturbation.by) if isinstance(perturbation, Swapped) else (perturbation.peer,)
            for name in named:
                if name not in by_name:
                    raise UnknownName("peer", name, by_name)
    seated: list[Peer] = []
    for peer in peers:
        other = peer
        for perturbation in perturbations:
            match perturbation:
                case Swapped(name, by) if name == peer.name:
                    other = _Disguised(peer.name, by_name[by])
                case ToolFails(name, tool) if name == peer.name and isinstance(other, Agent):
                    other = copy(other)
                    other.tools = tuple(_Failing(box, tool) for box in other.tools)
                case Reworded(name, round, text) if name == peer.name:
                    other = _Disguised(peer.name, other, {round: text})
                case _:
                    pass
        seated.append(other)
    return seated


class _Disguised(WrapperPeer):
    """A peer under another's name, that may say what it says in other words."""

    def __init__(self, name: str, inside: Peer, words: dict[int, str] | None = None) -> None:
        super().__init__(inside)
        self._name, self._words = name, words or {}

    @property
    def name(self) -> str:
        return self._name

    async def propose(self, call: Call) -> Proposal:
        return self._worded(await super().propose(call), call.round)

    async def revise(self, call: Call, mine: Message[Proposal], heard: Sequence[Message[Proposal]]) -> Proposal:
        return self._worded(await super().revise(call, mine, heard), call.round)

    async def note(self, call: Call, about: str, material: Sequence[Message[Any]]) -> str:
        return self._words.get(call.round) or await super().note(call, about, material)

    def _worded(self, said: Proposal, round: int) -> Proposal:
        text = self._words.get(round)
        if text is None:
            return said
        return msgspec.structs.replace(said, text=text)


class _Failing:
    """A toolbox of which some tools fail."""

    def __init__(self, inside: Toolbox, glob: str) -> None:
        self._inside, self._glob = inside, glob

    async def tools(self) -> Sequence[Tool]:
        return await self._inside.tools()

    async def call(self, name: str, arguments: str) -> str:
        if fnmatchcase(name, self._glob):
            raise RunFailed(f"{name} does not answer")
        return await self._inside.call(name, arguments)


# -- drawing, and making smaller --------------------------------------------------------------------------------------


def draw_perturbation(rng: Random, names: Sequence[str], lasts_s: float) -> Perturbation:
    """Draw one of any kind, on any peer, at any moment of a run that lasts so long, each kind as likely.

    No lies: a peer that contradicts itself breaks a contract by itself.
    """
    peer, other = rng.sample(list(names), 2) if len(names) > 1 else (names[0], names[0])
    start = round(rng.uniform(0, lasts_s), 3) if rng.random() < _LATER else 0.0
    end = rng.choice((inf, round(start + rng.uniform(0.1, 2) * lasts_s, 3)))
    extra = round(rng.uniform(0.1, 2) * lasts_s, 3)
    made: Sequence[Callable[[], Perturbation]] = (
        lambda: Silent(peer, start, end),
        lambda: Slow(peer, extra, 1.0, start, end),
        lambda: SlowLink(peer, other, extra, 1.0, start, end),
        lambda: Pause(peer, start, extra),
        lambda: Partition((peer,), start, end, rng.choice(("both", "out", "in"))),
        lambda: Crash(peer, start),
        lambda: Duplicated(rng.choice((0.2, 1.0))),
        lambda: Reordered(rng.choice((0.2, 0.7))),
        lambda: Reworded(peer, rng.randint(0, 2)),
        lambda: ToolFails(peer),
        lambda: Swapped(peer, other),
    )
    return rng.choice(made)()


_LATER = 0.5
"""The share of perturbations that do not begin at once."""


def milder(perturbation: Perturbation) -> list[Perturbation]:
    """Return the same with less of it: half the time, down to a hundredth of a second."""
    found: list[Perturbation] = []
    for field, start in (("until_s", "from_s"), ("for_s", ""), ("extra_s", "")):
        value = getattr(perturbation, field, None)
        if not isinstance(value, float) or value == inf:
            continue
        begins = float(getattr(perturbation, start)) if start else 0.0
        half = round((value - begins) / 2, 3)
        if half >= _LEAST_S:
            found.append(replace(cast("Any", perturbation), **{field: round(begins + half, 3)}))
    return found


_LEAST_S = 0.01
