"""What an agent of the crafting world remembers of where things are: three memories, of which one is a knowledge graph.

All hold lines such as ``@57 iron 3,4`` (seen at step 57) and ``@60 iron 3,4 gone``; of a place the newest line counts.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, Protocol

from waggledance.core import Message, PeerId
from waggledance.memory import AgentStatus, Record, RecordId, RecordStore, consolidate, goal, goal_view, shared
from waggledance.memory._goals import EXPERIENCE, LONGTERM, SERVES
from waggledance.memory._record import CHARS_A_TOKEN, TEAM, Recorded

Cell = tuple[int, int]
_LINE = re.compile(r"@(\d+) (\w+) (\d+),(\d+)( gone)?")


class Remembers(Protocol):
    """Where things are, as one agent knows it."""

    def saw(self, step: int, kind: str, cell: Cell, there: bool) -> None:
        """Take in that a thing lies there, or no longer does; what is known already changes nothing."""
        ...

    def heard(self, step: int, messages: Iterable[Message[Any]]) -> None:
        """Take in what others said."""
        ...

    def to_tell(self) -> list[Recorded]:
        """Return what others should know and have not been told."""
        ...

    def cells(self, kind: str) -> set[Cell]:
        """Return where such things are, as far as is known."""
        ...


class OwnEyes:
    """A map of what it has seen itself, and what others see at this moment."""

    def __init__(self) -> None:
        self._there: dict[tuple[str, Cell], bool] = {}
        self._said: dict[PeerId, set[tuple[str, Cell]]] = {}

    def saw(self, step: int, kind: str, cell: Cell, there: bool) -> None:
        self._there[kind, cell] = there

    def heard(self, step: int, messages: Iterable[Message[Any]]) -> None:
        for message in messages:
            if isinstance(message.body, AgentStatus):
                self._said[message.author] = set(_places(message.body))

    def to_tell(self) -> list[Recorded]:
        return []

    def cells(self, kind: str) -> set[Cell]:
        own = {cell for (what, cell), there in self._there.items() if there and what == kind}
        said = {cell for places in self._said.values() for what, cell in places if what == kind}
        return own | {cell for cell in said if self._there.get((kind, cell), True)}


class FlatLog:
    """All that was seen, and told by others, the newest lines first, as many as a prompt has room for.

    Args:
        budget_tokens: of the lines that it has in mind.
    """

    def __init__(self, budget_tokens: int) -> None:
        self._room = budget_tokens * CHARS_A_TOKEN
        self._lines: list[str] = []
        self._untold: list[str] = []
        self._last: dict[tuple[str, Cell], bool] = {}
        self._known: dict[tuple[str, Cell], bool] | None = None

    def saw(self, step: int, kind: str, cell: Cell, there: bool) -> None:
        if self._last.get((kind, cell)) != there:
            self._last[kind, cell] = there
            words = line(step, kind, cell, there)
            self._lines.append(words)
            self._untold.append(words)
            self._known = None

    def heard(self, step: int, messages: Iterable[Message[Any]]) -> None:
        for message in messages:
            if isinstance(message.body, Recorded):
                self._lines += message.body.record.text.split("; ")
                self._known = None

    def to_tell(self) -> list[Recorded]:
        lines, self._untold = self._untold, []
        return [Recorded(record=Record.of("lines", "seen", "; ".join(lines), scope=TEAM))] if lines else []

    def cells(self, kind: str) -> set[Cell]:
        if self._known is None:
            room, shown = self._room, list[str]()
            for one in reversed(self._lines):
                if (room := room - len(one) - 1) < 0:
                    break
                shown.append(one)
            self._known = _newest(shown)
        return {cell for (what, cell), there in self._known.items() if there and what == kind}


class Graph:
    """A record store: experiences serve goals, outcomes of goals are told to the team, and a goal is looked up by view.

    Args:
        needs: what each goal requires first, the earliest goals first; the tech tree is given, as in DAMCS.
        budget_tokens: of the view of a goal.
    """

    def __init__(self, needs: Mapping[str, tuple[str, ...]], budget_tokens: int) -> None:
        self._store, self._budget = RecordStore(), budget_tokens
        self._goals: dict[str, RecordId] = {}
        longterm = Record.of(LONGTERM, "find a diamond", scope=TEAM)
        self._store.put(longterm)
        for kind, before in needs.items():
            requires = [self._goals[one] for one in before]
            self._goals[kind] = self._store.put(goal(f"get {kind}", requires=requires, part_of=longterm.id))
        self._last: dict[tuple[str, Cell], bool] = {}
        self._lines: dict[str, dict[Cell, str]] = {kind: {} for kind in needs}
        self._untold = dict[str, None]()
        self._told: dict[str, list[RecordId]] = {kind: [id] for kind, id in self._goals.items()}
        self._known: dict[str, set[Cell]] = {}

    def saw(self, step: int, kind: str, cell: Cell, there: bool) -> None:
        if self._last.get((kind, cell)) != there:
            self._last[kind, cell] = there
            words = line(step, kind, cell, there)
            self._store.put(Record.of(EXPERIENCE, f"step {step}", words, links=[(SERVES, self._goals[kind])]))
            self._lines[kind][cell] = words
            self._untold[kind] = None
            self._known.pop(kind, None)

    def heard(self, step: int, messages: Iterable[Message[Any]]) -> None:
        told = [message for message in messages if isinstance(message.body, Recorded)]
        self._store.take(told)
        for message in told:
            self._known.pop(message.body.record.key.removeprefix("get "), None)

    def to_tell(self) -> list[Recorded]:
        told: list[Recorded] = []
        for kind in self._untold:
            record = consolidate(self._store, self._goals[kind], "; ".join(self._lines[kind].values()))
            said = shared(record, TEAM, known=self._told[kind])
            self._told[kind].append(self._store.put(said))
            told.append(Recorded(record=said))
            self._known.pop(kind, None)
        self._untold.clear()
        return told

    def cells(self, kind: str) -> set[Cell]:
        if kind not in self._known:
            view = goal_view(self._store, self._goals[kind], self._budget)
            known = _newest(kept.record.text for kept in view)
            self._known[kind] = {cell for (what, cell), there in known.items() if there and what == kind}
        return self._known[kind]


def line(step: int, kind: str, cell: Cell, there: bool) -> str:
    """Return what was seen as a line."""
    return f"@{step} {kind} {cell[0]},{cell[1]}{'' if there else ' gone'}"


def _places(status: AgentStatus) -> list[tuple[str, Cell]]:
    found = [(what, where.split(",")) for what, where in status.places]
    return [(what, (int(where[0]), int(where[1]))) for what, where in found]


def _newest(lines: Iterable[str]) -> dict[tuple[str, Cell], bool]:
    """Return what the newest line about each thing and place says; of lines of one step, that it is gone."""
    best: dict[tuple[str, Cell], tuple[int, bool]] = {}
    for words in lines:
        for step, kind, x, y, gone in _LINE.findall(words):
            place, said = (kind, (int(x), int(y))), (int(step), bool(gone))
            best[place] = max(best.get(place, said), said)
    return {place: not gone for place, (_, gone) in best.items()}
