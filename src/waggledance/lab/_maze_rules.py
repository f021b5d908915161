"""Peers without a model for the maze: how well it can be walked by chance, alone, by asking step by step, by sharing.

`ByChanceWalker` proposes any move that it sees no wall at, and accepts all. `Loner` plans on what it sees, unseen cells
taken for free, accepts everything and shows nothing. `Stepper` proposes the next move, or refuses it where it sees a
wall, and learns from refusals. `Sharer` shows its map at once; whoever has seen both maps plans the whole way.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from random import Random
from typing import Any

from waggledance.core import Call, Message, Proposal, UsageError, Verdict
from waggledance.lab._dialogue import MOVES, accepts, agreed, proposed
from waggledance.lab._maze_grid import Cell, after, at, find, merged, plan, walk

_MAP = "My map:\n"


class Walker:
    """A peer that speaks by a rule, and sees some of a maze.

    Args:
        name: the peer's name.
        view: the rows of the map that it sees.
    """

    skills = frozenset({"note", "propose"})

    def __init__(self, name: str, view: Sequence[str]) -> None:
        self.name, self.view = name, tuple(view)

    async def note(self, call: Call, about: str, material: Sequence[Message[Any]]) -> str:
        return self.speak([m.body.text for m in material], Random(call.seed))

    async def propose(self, call: Call) -> Proposal:
        """Walk alone: all moves at once."""
        moves = plan(self.view, find(self.view, "@"), find(self.view, "*")) or []
        return Proposal(key=", ".join(moves) or "none")

    async def revise(self, call: Call, mine: Message[Proposal], heard: Sequence[Message[Proposal]]) -> Proposal:
        raise UsageError("walkers talk; they do not revise")

    async def compare(self, call: Call, a: Message[Proposal], b: Message[Proposal]) -> Verdict:
        raise UsageError("walkers talk; they do not compare")

    async def critique(self, call: Call, proposal: Message[Proposal]) -> Verdict:
        raise UsageError("walkers talk; they do not grade")

    def speak(self, turns: Sequence[str], rng: Random) -> str:
        """Return the next turn, after all turns so far."""
        raise NotImplementedError

    def here(self, turns: Sequence[str]) -> Cell:
        """Return where what was agreed so far leads, by this peer's own map."""
        return walk(self.view, find(self.view, "@"), agreed(turns))


class ByChanceWalker(Walker):
    """Accepts everything, and proposes any move that leads into no wall it sees."""

    def speak(self, turns: Sequence[str], rng: Random) -> str:
        ahead = self.here(turns) if not turns else walk(self.view, self.here(turns), proposed(turns[-1]))
        free = [move for move in MOVES if at(self.view, after(ahead, move)) != "#"] or MOVES
        return f"{'Agree. ' if turns else ''}\nMove: {rng.choice(free)}"


class Loner(Walker):
    """Good alone and a bad partner: shows nothing, follows its own plan, and uses what it is shown."""

    def speak(self, turns: Sequence[str], rng: Random) -> str:
        rows = _with_maps_shown(self.view, turns)
        way = plan(rows, find(rows, "@"), find(rows, "*")) or []
        return f"{'Agree. ' if turns else ''}\nMove: {', '.join(way)}"


class Stepper(Walker):
    """Whoever opens proposes a move at a time; the other refuses what leads into a wall that it sees."""

    def speak(self, turns: Sequence[str], rng: Random) -> str:
        rows, here = self._with_refusals(turns)
        if len(turns) % 2:
            ahead = [after(here, move) for move in proposed(turns[-1])[:1]]
            if ahead and at(self.view, ahead[0]) == "#":
                return f"No, a wall at {ahead[0][0]} {ahead[0][1]}."
            return "Agree."
        way = plan(rows, here, find(rows, "*"))
        return f"Move: {way[0]}" if way else "I see no way."

    def _with_refusals(self, turns: Sequence[str]) -> tuple[list[str], Cell]:
        """Return the map with every wall that somebody named, and where we are."""
        rows, here = [list(row) for row in self.view], find(self.view, "@")
        for before, now in pairwise(turns):
            ahead = [after(here, move) for move in proposed(before)[:1]]
            if ahead and accepts(now):
                here = ahead[0]
            elif ahead and now.startswith("No, a wall"):
                rows[ahead[0][0]][ahead[0][1]] = "#"
        return ["".join(row) for row in rows], here


class Sharer(Walker):
    """Shows its map; plans the whole way once it has seen the other's."""

    def speak(self, turns: Sequence[str], rng: Random) -> str:
        rows = _with_maps_shown(self.view, turns)
        own = _MAP + "\n".join(self.view)
        here = walk(rows, find(rows, "@"), agreed(turns))
        if turns and proposed(turns[-1]) and at(rows, walk(rows, here, proposed(turns[-1]))) == "*":
            return "Agree."
        if rows == self.view:
            return own
        way = f"Move: {', '.join(plan(rows, here, find(rows, '*')) or [])}"
        return way if any(own in turn for turn in turns) else f"{own}\n{way}"


def _with_maps_shown(view: tuple[str, ...], turns: Sequence[str]) -> tuple[str, ...]:
    """Return a map with everything that was shown so far on it."""
    for turn in turns:
        if _MAP in turn:
            view = merged(view, turn.split(_MAP, 1)[1].splitlines()[: len(view)])
    return view
