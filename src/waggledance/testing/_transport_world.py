"""A world of rooms in which two to four agents look for ten things and carry them home: when should they talk?

8 × 8 rooms, home in a corner. An agent sees what lies in its room, or as many rooms away as it is told; carries one
thing, or three when it has found one of three containers; and moves one room a step. Talking costs everybody two steps.
Ways of working:

- **greedy**: each for itself, to the nearest thing that it has seen, else to the nearest room that it has not.
- **once**: they divide the rooms before they begin, and say nothing more.
- **triggers**: as once, and they talk again when one has nothing left to do, or sees what it cannot carry; what happens
  within six steps is one talk.
- **always**: they talk before every step.

Source: the project's own simulation after Liu et al. 2025, CaPo, arXiv:2411.04679.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from random import Random
from typing import Literal

SIDE, TARGETS, CONTAINERS, HOLDS = 8, 10, 3, 3
HOME = (0, 0)
TALK_STEPS = 2
FETCH = 2
"""How far an agent goes out of its way for a container."""
WINDOW = 6
MAX_STEPS = 2_000

Room = tuple[int, int]
Way = Literal["greedy", "once", "triggers", "always"]
ROOMS: tuple[Room, ...] = tuple((x, y) for x in range(SIDE) for y in range(SIDE))


@dataclass(frozen=True)
class Trip:
    """How it went until all things were at home."""

    steps: int
    """Talks included."""
    talks: int
    redundant: float
    """The share of all agents' moves towards a thing that another one held, or had brought home, 0 to 1."""
    repeated: float
    """The share of moves towards a room that another one had looked into already, and this one not."""
    found: int


@dataclass
class _Agent:
    at: Room = HOME
    holds: int = 0
    room_for: int = 1
    seen: set[Room] = field(default_factory=set[Room])
    known: set[Room] = field(default_factory=set[Room])
    """Where it believes that things lie."""
    boxes: set[Room] = field(default_factory=set[Room])
    mine: set[Room] = field(default_factory=set[Room])
    """The rooms that are its own by the plan."""


class TransportWorld:
    """Things, containers and agents.

    A run that does not end, because its agents change their minds at every step, is cut off after 2,000 steps.

    Args:
        seed: same seed, same rooms.
        agents: 2 to 4.
        sight: how many rooms away an agent sees, ≥ 0.
    """

    def __init__(self, seed: int, agents: int = 3, sight: int = 0) -> None:
        rng = Random(seed)
        rooms = [room for room in ROOMS if room != HOME]
        self._things = set(rng.sample(rooms, TARGETS))
        self._boxes = set(rng.sample(rooms, CONTAINERS))
        self._agents, self._sight = agents, sight

    def run(self, way: Way) -> Trip:
        """Let the agents work in one of the four ways; the world itself is left as it was."""
        return _Run(way, set(self._things), set(self._boxes), self._agents, self._sight).play()


class _Run:
    def __init__(self, way: Way, things: set[Room], boxes: set[Room], agents: int, sight: int) -> None:
        self.way, self.things, self.boxes, self.sight = way, things, boxes, sight
        self.agents = [_Agent() for _ in range(agents)]
        self.all_found: set[Room] = set()
        self.home = self.steps = self.talks = self.moves = self.redundant = self.repeated = 0
        self.called_at: int | None = None

    def play(self) -> Trip:
        self._look()
        if self.way != "greedy":
            self._talk()
        while self.home < TARGETS and self.steps < MAX_STEPS:
            if self.way == "always" and self.steps > TALK_STEPS:
                self._talk()
            self.steps += 1
            for n, agent in enumerate(self.agents):
                self._move(n, agent)
            self._look()
            if self.way == "triggers":
                self._maybe_talk()
        moves = max(1, self.moves)
        return Trip(self.steps, self.talks, self.redundant / moves, self.repeated / moves, len(self.all_found))

    # -- a step -------------------------------------------------------------------------------------------------

    def _look(self) -> None:
        for agent in self.agents:
            for room in ROOMS:
                if _far(agent.at, room) <= self.sight:
                    agent.seen.add(room)
                    for there, believed in ((self.things, agent.known), (self.boxes, agent.boxes)):
                        (believed.add if room in there else believed.discard)(room)
                    if room in self.things:
                        self.all_found.add(room)

    def _move(self, n: int, agent: _Agent) -> None:
        goal = self._goal(n, agent)
        if goal is None:
            return
        self.moves += 1
        if goal in agent.known and goal not in self.things:
            self.redundant += 1
        others = [other for other in self.agents if other is not agent]
        if goal not in agent.seen and any(goal in other.seen for other in others):
            self.repeated += 1
        agent.at = _towards(agent.at, goal, n)
        if agent.at in self.boxes and agent.room_for == 1:
            self.boxes.discard(agent.at)
            agent.room_for = HOLDS
        if agent.at in self.things and agent.holds < agent.room_for and self._may(agent, agent.at):
            self.things.discard(agent.at)
            self.all_found.add(agent.at)
            agent.known.discard(agent.at)
            agent.holds += 1
        if agent.at == HOME:
            self.home += agent.holds
            agent.holds = 0

    def _goal(self, n: int, agent: _Agent) -> Room | None:
        """Return where an agent goes next; None when it has nothing to do."""
        if agent.holds >= agent.room_for:
            return HOME
        if agent.room_for == 1:
            box = _nearest(agent.at, (room for room in agent.boxes if self._may(agent, room)), n)
            if box is not None and _far(agent.at, box) <= FETCH:
                return box
        thing = _nearest(agent.at, (room for room in agent.known if self._may(agent, room)), n)
        if thing is not None:
            return thing
        unseen = (room for room in ROOMS if room not in agent.seen and self._may(agent, room))
        return _nearest(agent.at, unseen, n) or (HOME if agent.holds else None)

    def _may(self, agent: _Agent, room: Room) -> bool:
        return self.way == "greedy" or room in agent.mine

    # -- talking ------------------------------------------------------------------------------------------------

    def _maybe_talk(self) -> None:
        """Talk when something has called for it, and others had the time to add to it."""
        left = self.home + sum(agent.holds for agent in self.agents) < TARGETS
        calls = any(self._spare(n, agent) or self._too_much(agent) for n, agent in enumerate(self.agents))
        if left and calls and self.called_at is None:
            self.called_at = self.steps
        if self.called_at is not None and self.steps >= self.called_at + WINDOW and self.talks <= len(self.all_found):
            self._talk()

    def _spare(self, n: int, agent: _Agent) -> bool:
        return not agent.holds and self._goal(n, agent) is None

    def _too_much(self, agent: _Agent) -> bool:
        return agent.holds >= agent.room_for and bool(agent.known & agent.mine)

    def _talk(self) -> None:
        """Tell each other everything, and divide what is known and what is unseen."""
        self.talks += 1
        self.steps += TALK_STEPS
        self.called_at = None
        seen = set[Room]().union(*(agent.seen for agent in self.agents))
        known = {room for agent in self.agents for room in agent.known if room in self.things}
        boxes = {room for agent in self.agents for room in agent.boxes if room in self.boxes}
        for agent in self.agents:
            agent.seen, agent.known, agent.boxes = set(seen), set(known), set(boxes)
        for agent, mine in zip(self.agents, _divided(self.agents, known, seen), strict=True):
            agent.mine = mine


def _divided(agents: list[_Agent], known: Collection[Room], seen: Collection[Room]) -> list[set[Room]]:
    """Divide all rooms: those with work in them by who is near and has little, the others by who has one beside."""
    shares = [set[Room]() for _ in agents]
    load = [float(_far(agent.at, HOME) if agent.holds >= agent.room_for else 0) for agent in agents]
    work = sorted((room for room in ROOMS if room in known or room not in seen),
                  key=lambda room: (-_far(room, HOME), (room[0] * 5 + room[1] * 3) % 7, room))  # fmt: skip
    for room in work:
        near = [min([_far(agent.at, room) / 2, *[_far(room, own) for own in share]]) for agent, share in
                zip(agents, shares, strict=True)]  # fmt: skip
        n = min(range(len(agents)), key=lambda n: (load[n] + near[n], n))
        shares[n].add(room)
        load[n] += near[n] * 0.5 + (2.0 if room in known else 0.3)
    for room in set(ROOMS) - set(work):
        shares[min(range(len(agents)), key=lambda n: _beside(room, shares[n]))].add(room)
    return shares


def _beside(room: Room, share: Iterable[Room]) -> int:
    return min((_far(room, own) for own in share), default=2 * SIDE)


def _far(a: Room, b: Room) -> int:
    return abs(a[0] - b[0]) + abs(a[1] - b[1])


def _nearest(at: Room, rooms: Iterable[Room], n: int) -> Room | None:
    """Return the nearest room; of equal ones each agent prefers its own."""
    return min(
        rooms, key=lambda room: (_far(at, room), (room[0] * (n + 1) + room[1] * (5 - n)) % 7, room), default=None
    )


def _towards(at: Room, goal: Room, n: int) -> Room:
    """Return the room one step nearer, along the longer side first, then as each agent is used to."""
    dx, dy = goal[0] - at[0], goal[1] - at[1]
    if abs(dx) > abs(dy) or (abs(dx) == abs(dy) and n % 2):
        return at[0] + (dx > 0) - (dx < 0), at[1]
    return at[0], at[1] + (dy > 0) - (dy < 0)
