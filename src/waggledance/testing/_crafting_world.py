"""A world to craft in: agents who see three cells far gather wood, stone, coal and iron, make tools, find a diamond.

24 × 24 cells. Wood is gathered by hand, stone and coal with a wooden pick, iron with a stone pick, the diamond with an
iron one; a table and a furnace come before. To move a cell, to gather, and to make a thing each take a step. Two forms:

- **common**: what anybody gathers or makes is everybody's.
- **private**: everybody gathers and makes for itself, and each kind of thing is recognised from afar by one agent only;
  the others notice it when they stand on it. Nothing runs out. It ends when the first one has a diamond.

How agents share, with the same script in all: ``silent`` (own eyes), ``status`` (also what others say they see and are
after at this moment), ``log`` (also all that anybody has seen so far, the newest as far as a prompt's budget reaches),
``graph`` (the same in goals, experiences and outcomes of a `RecordStore`, looked up by goal within the same budget).

Source: the project's own simulation after Yang et al. 2025, DAMCS, arXiv:2502.05453; tech tree after Hafner 2022,
Crafter, arXiv:2109.06780.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from random import Random
from typing import Any, Literal, NamedTuple

from blake3 import blake3

from waggledance.core import Channel, Message, PeerId, UsageError, local_peer_id, swarm_id
from waggledance.memory import AgentStatus, statuses
from waggledance.memory._goals import BUDGET_TOKENS
from waggledance.testing._crafting_memory import Cell, FlatLog, Graph, OwnEyes, Remembers

SIDE, SIGHT, MAX_STEPS = 24, 3, 3_000
DEPOSITS = {"wood": 16, "stone": 12, "coal": 4, "iron": 2, "diamond": 1}
TOOL = {"wood": "", "stone": "wood pick", "coal": "wood pick", "iron": "stone pick", "diamond": "iron pick"}
"""What each kind is gathered with."""
RECIPES = {
    "table": {"wood": 6},
    "wood pick": {"wood": 2},
    "stone pick": {"wood": 2, "stone": 2},
    "furnace": {"stone": 6},
    "iron pick": {"wood": 2, "coal": 2, "iron": 1},
}
"""What is made of what, in this order."""
NEEDS = {"wood": (), "stone": ("wood",), "coal": ("wood",), "iron": ("stone",), "diamond": ("iron", "coal")}
"""Which kinds must be had before another."""

Sharing = Literal["silent", "status", "log", "graph"]
SHARINGS: tuple[Sharing, ...] = ("silent", "status", "log", "graph")


@dataclass(frozen=True)
class Quest:
    """How it went until there was a diamond."""

    steps: int
    """3,000 where there was none until then."""
    messages: int
    found: bool


@dataclass
class _Agent:
    number: int
    at: Cell
    memory: Remembers
    has: Counter[str]
    eyes: frozenset[str]
    """The kinds that it recognises from afar."""
    looked: set[Cell] = field(default_factory=set[Cell])
    stood: set[Cell] = field(default_factory=set[Cell])
    empty: dict[str, set[Cell]] = field(default_factory=dict[str, set[Cell]])
    """Where it sees at this moment that no such thing lies, whatever it remembers."""
    aim: str = "look around"


class _Aim(NamedTuple):
    who: PeerId
    kind: str
    cell: Cell
    at: Cell


class CraftingWorld:
    """A map, and agents that begin anywhere on it.

    Args:
        seed: same seed, same map.
        agents: 1 to 16.
        private: everybody for itself, and each kind seen by one; see above.
        budget_tokens: how much of its memory an agent has in mind at once.

    Raises:
        UsageError: too many agents or none, or no budget.
    """

    def __init__(
        self, seed: int, agents: int = 2, *, private: bool = False, budget_tokens: int = BUDGET_TOKENS
    ) -> None:
        if not 1 <= agents <= 16 or budget_tokens < 1:
            raise UsageError(f"1 to 16 agents craft with a budget of 1 token or more, got {agents} and {budget_tokens}")
        self._seed, self._agents, self._private, self._budget = seed, agents, private, budget_tokens

    def run(self, sharing: Sharing) -> Quest:
        """Let the agents work, sharing in one of the four ways; the world itself is left as it was."""
        return _Run(self._seed, self._agents, self._private, self._budget, sharing).play()


class _Run:
    def __init__(self, seed: int, agents: int, private: bool, budget: int, sharing: Sharing) -> None:
        rng = Random(seed)
        self.seed, self.private, self.sharing = seed, private, sharing
        kinds = [kind for kind, count in DEPOSITS.items() for _ in range(count)]
        self.things = dict(zip(rng.sample(sorted(_CELLS), len(kinds)), kinds, strict=True))
        dealt = rng.sample(list(DEPOSITS), len(DEPOSITS))
        common = Counter[str]()
        self.agents = [
            _Agent(
                n,
                (rng.randrange(SIDE), rng.randrange(SIDE)),
                _memory(sharing, budget),
                Counter() if private else common,
                frozenset(kind for i, kind in enumerate(dealt) if i % agents == n) if private else frozenset(dealt),
            )
            for n in range(agents)
        ]
        self.channel = Channel(swarm_id("quest"), "quest")
        self.step = 0
        self.said: dict[Any, Message[AgentStatus]] = {}

    def play(self) -> Quest:
        while self.step < MAX_STEPS:
            self._look_and_talk()
            self.step += 1
            for agent in self.agents:
                self._act(agent)
                if agent.has["diamond"]:
                    return Quest(self.step, len(self.channel), True)
        return Quest(self.step, len(self.channel), False)

    # -- seeing and saying --------------------------------------------------------------------------------------

    def _look_and_talk(self) -> None:
        fresh: list[Message[Any]] = []
        for agent in self.agents:
            sees = self._look(agent)
            if self.sharing != "silent":
                fresh += self._tell(agent, sees)
        self.said = statuses([*self.said.values(), *fresh])
        for agent in self.agents:
            me = local_peer_id(f"agent {agent.number}")
            agent.memory.heard(self.step, [message for message in fresh if message.author != me])

    def _look(self, agent: _Agent) -> list[tuple[str, Cell]]:
        """Return what an agent sees, and let it remember that, and what is gone."""
        near = list(_around(agent.at))
        agent.looked.update(near)
        agent.stood.add(agent.at)
        sees = [
            (kind, cell)
            for cell in near
            if (kind := self.things.get(cell)) and (kind in agent.eyes or cell == agent.at)
        ]
        for kind, cell in sees:
            agent.memory.saw(self.step, kind, cell, True)
        for kind in DEPOSITS:
            looked = set(near) if kind in agent.eyes else {agent.at}
            agent.empty[kind] = {cell for cell in looked if self.things.get(cell) != kind}
            for cell in agent.memory.cells(kind) & agent.empty[kind]:
                agent.memory.saw(self.step, kind, cell, False)
        return sees

    def _tell(self, agent: _Agent, sees: Iterable[tuple[str, Cell]]) -> list[Message[Any]]:
        """Publish an agent's status if it is another than before, and what its memory has for the team."""
        me = local_peer_id(f"agent {agent.number}")
        status = AgentStatus(
            goal=agent.aim,
            has=tuple(sorted((+agent.has).items())),
            needs=tuple(sorted(self._open(agent))),
            places=tuple((kind, _text(cell)) for kind, cell in sees),
        )
        bodies: list[Any] = [] if me in self.said and self.said[me].body == status else [status]
        return [self.channel.publish(me, body, [], 0) for body in (*bodies, *agent.memory.to_tell())]

    # -- acting -------------------------------------------------------------------------------------------------

    def _act(self, agent: _Agent) -> None:
        made = self._make(agent)
        wanted = self._open(agent)
        here = self.things.get(agent.at)
        if made:
            return
        if here is not None and here in wanted:
            agent.has[here] += 1
            if not self.private:
                del self.things[agent.at]
                agent.memory.saw(self.step, here, agent.at, False)
            return
        target = self._target(agent, wanted)
        agent.at = _towards(agent.at, target, (agent.number + self.step) % 2 == 0)

    def _make(self, agent: _Agent) -> bool:
        """Make the next thing, if all that it is made of is there; say whether."""
        for thing, parts in RECIPES.items():
            if not agent.has[thing]:
                if all(agent.has[kind] >= amount for kind, amount in parts.items()):
                    agent.has.subtract(parts)
                    agent.has[thing] += 1
                    return True
                return False
        return False

    def _open(self, agent: _Agent) -> Counter[str]:
        """Return which kinds an agent may gather and still needs, and how many of each."""
        total = Counter({"diamond": 1})
        for thing, parts in RECIPES.items():
            if not agent.has[thing]:
                total.update(parts)
        return +Counter(
            {kind: n - agent.has[kind] for kind, n in total.items() if not TOOL[kind] or agent.has[TOOL[kind]]}
        )

    def _target(self, agent: _Agent, wanted: Counter[str]) -> Cell:
        """Return where to go: to the nearest thing that is wanted and that nobody else fetches, or to look around."""
        others = self._aims_of_others(agent)
        known = {
            cell: kind
            for kind, amount in wanted.items()
            for cell in agent.memory.cells(kind) - agent.empty[kind]
            if self._left(agent, kind, cell, amount, others)
        }
        cell = self._nearest(agent, known)
        if cell is not None:
            agent.aim = f"get {known[cell]} at {_text(cell)} from {_text(agent.at)}"
            return cell
        agent.aim = "look around"
        return self._unseen(agent, wanted)

    def _aims_of_others(self, agent: _Agent) -> list[_Aim]:
        """Return what others said they are after, where what is gathered is everybody's."""
        if self.private or self.sharing == "silent":
            return []
        me = local_peer_id(f"agent {agent.number}")
        goals = [(author, said.body.goal.split()) for author, said in self.said.items() if author != me]
        return [_Aim(who, words[1], _cell(words[3]), _cell(words[5])) for who, words in goals if words[0] == "get"]

    def _left(self, agent: _Agent, kind: str, cell: Cell, amount: int, others: Iterable[_Aim]) -> bool:
        """Say whether a thing is left to an agent: no nearer one is after it, nor as many after others as needed."""
        me = local_peer_id(f"agent {agent.number}")
        mine = (_far(agent.at, cell), _lot(kind, me))
        ahead = [aim for aim in others if aim.kind == kind and (_far(aim.at, aim.cell), _lot(kind, aim.who)) < mine]
        return len(ahead) < amount and all(aim.cell != cell for aim in ahead)

    def _unseen(self, agent: _Agent, wanted: Counter[str]) -> Cell:
        """Return where an agent looks next: where it has not looked, or stood, then anywhere again."""
        cell = self._nearest(agent, _CELLS - agent.looked)
        if cell is None:
            cell = self._nearest(agent, _CELLS - agent.stood) if set(wanted) - agent.eyes else None
        if cell is None:
            agent.looked, agent.stood = set(_around(agent.at)), {agent.at}
            cell = self._nearest(agent, _CELLS - agent.looked)
        return agent.at if cell is None else cell

    def _nearest(self, agent: _Agent, cells: Iterable[Cell]) -> Cell | None:
        """Return the nearest cell; of equal ones each agent has its own taste."""
        taste = f"{self.seed} {agent.number}"
        near, best = 4 * SIDE, list[Cell]()
        for cell in cells:
            far = _far(agent.at, cell)
            if far <= near:
                best = [cell] if far < near else [*best, cell]
                near = far
        return min(best, key=lambda cell: blake3(f"{taste} {cell}".encode()).digest(), default=None)


_CELLS = frozenset((x, y) for x in range(SIDE) for y in range(SIDE))


def _text(cell: Cell) -> str:
    return f"{cell[0]},{cell[1]}"


def _cell(text: str) -> Cell:
    x, y = text.split(",")
    return int(x), int(y)


def _lot(kind: str, who: PeerId) -> bytes:
    return blake3(kind.encode() + who).digest(8)


def _memory(sharing: Sharing, budget: int) -> Remembers:
    if sharing == "graph":
        return Graph(NEEDS, budget)
    return FlatLog(budget) if sharing == "log" else OwnEyes()


def _around(at: Cell) -> Iterable[Cell]:
    xs = range(max(0, at[0] - SIGHT), min(SIDE, at[0] + SIGHT + 1))
    return [(x, y) for x in xs for y in range(max(0, at[1] - SIGHT), min(SIDE, at[1] + SIGHT + 1))]


def _far(a: Cell, b: Cell) -> int:
    return abs(a[0] - b[0]) + abs(a[1] - b[1])


def _towards(at: Cell, goal: Cell, across: bool) -> Cell:
    """Return the cell one step nearer."""
    dx, dy = goal[0] - at[0], goal[1] - at[1]
    if dx and (across or not dy):
        return at[0] + (1 if dx > 0 else -1), at[1]
    return at[0], at[1] + (dy > 0) - (dy < 0)
