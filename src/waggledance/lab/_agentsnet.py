"""AgentsNet: can peers that see only their neighbours colour, pair, cover and lead a network, and agree in it?

Five classical problems of distributed computing as a benchmark. A peer knows its own name, its neighbours' names, how
many peers and how many rounds there are; it writes letters to neighbours and then answers. Scored are all answers
together; `solved` is the figure to look at, because random colours already leave nine edges of ten in order.
Source: Grötschla et al. 2025, arXiv:2507.08616; rules and scores from its code (MIT).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import cast

from waggledance._swarm import Swarm
from waggledance.core import Budget, Peer, Proposal, Question, UsageError
from waggledance.lab._agentsnet_graphs import FAMILIES, Family, diameter, network
from waggledance.lab._agentsnet_problems import PROBLEMS, Graph, Problem, valid, value
from waggledance.lab._agentsnet_rules import ByChance, ByRank, Gatherer
from waggledance.lab._letters import Letters
from waggledance.lab._score import RunLog, Score
from waggledance.lab._task import Task
from waggledance.network import Network

ROUNDS = {4: 4, 8: 5, 16: 6}
"""Rounds of the three local problems by number of peers; elsewhere, and for the global ones, twice the diameter + 1."""

_GLOBAL = frozenset({"leader", "consensus"})

_RULES: Mapping[Problem, str] = {
    "colouring": "Choose a group so that no two neighbours are in the same group.",
    "matching": "Pair up: name the neighbour that you pair with. Two peers are a pair when each names the other, and "
    "nobody has two partners. Answer None only if all of your neighbours have other partners.",
    "vertex-cover": "Choose coordinators, as few as it takes: of every two neighbours at least one is a coordinator, "
    "and no coordinator could step back without breaking that. Are you a coordinator?",
    "leader": "Choose one leader of the whole network: exactly one peer answers Yes. Are you the leader?",
    "consensus": "Agree on one number of 0 and 1: all peers of the network give the same answer.",
}

Seating = Callable[[str, Problem, Graph], Peer]
"""Makes the peer of a name for a problem in a network."""


@dataclass(frozen=True)
class AgentsNet:
    """The benchmark.

    Args:
        problems: which of the five.
        sizes: how many peers a network has; 4, 8 and 16 in the paper's main table.
        upstream_cover: score incomplete covers as the authors' code does.
    """

    problems: Sequence[Problem] = PROBLEMS
    sizes: Sequence[int] = (4, 8, 16)
    upstream_cover: bool = False

    name = "agentsnet"
    version = "1"

    def __post_init__(self) -> None:
        strangers = sorted(set(self.problems) - set(PROBLEMS))
        if strangers or not self.problems or not self.sizes:
            raise UsageError(f"AgentsNet has the problems {', '.join(PROBLEMS)}, got {list(self.problems)}")

    def tasks(self, split: str, n: int | None, seed: int) -> Sequence[Task]:
        """Return networks with a problem each.

        Args:
            split: a family of graphs, or ``"all"`` for the three in turn.
            n: how many networks of each problem and size; three when None.
            seed: of the graphs.
        """
        families: list[Family] = [family for family in FAMILIES if split in ("all", family)]
        if not families:
            raise UsageError(f"AgentsNet has the splits all, {', '.join(FAMILIES)}; got {split!r}")
        return [
            self._task(problem, families[i % len(families)], size, seed * 1_000 + i // len(families))
            for problem in self.problems
            for size in self.sizes
            for i in range(len(FAMILIES) if n is None else n)
        ]

    def score(self, task: Task, run: RunLog) -> Score:
        """Score everybody's answers together."""
        names = run.decision.names
        answers = {names[m.author]: m.body.key for m in run.messages if isinstance(m.body, Proposal)}
        problem, graph = problem_of(task)
        got = value(problem, graph, answers, upstream=self.upstream_cover)
        return Score(value=got, solved=got == 1, raw=got)

    def references(self) -> Mapping[str, Seating]:
        """Return the peers without a model: the floor, a rule, and the ceiling."""
        return {"chance": ByChance, "by rank": ByRank, "gather all": Gatherer}

    async def run(
        self, task: Task, seat: Seating, *, network: Network | None = None, budget: Budget | None = None
    ) -> RunLog:
        """Let peers solve a task; return all that was said.

        Args:
            task: one of this benchmark's.
            seat: makes the peers.
            network: where they meet; this process when None. Letters cross it, and only between neighbours.
            budget: of the run.
        """
        problem, graph = problem_of(task)
        peers = [seat(name, problem, graph) for name in graph]
        letters = Letters(graph, cast("int", task.payload["rounds"]))
        swarm = Swarm(peers, protocol=letters, seed=task.seed, network=network)
        return await RunLog.of(swarm, task.question, budget)

    def _task(self, problem: Problem, family: Family, size: int, seed: int) -> Task:
        graph = network(family, size, seed)
        rounds = 2 * diameter(graph) + 1 if problem in _GLOBAL or size not in ROUNDS else ROUNDS[size]
        text = (
            f"{size} peers form a network. Each can write to its neighbours only, {rounds} times, before all answer. "
            f"{_RULES[problem]}"
        )
        payload = {"problem": problem, "graph": {peer: list(near) for peer, near in graph.items()}, "rounds": rounds}
        return Task(
            family=f"agentsnet/{problem}/{size}",
            question=Question(text=text, expects="short"),
            source=f"agentsnet/{problem}/{family}/{size}/{seed}",
            category=family,
            seed=seed,
            payload=payload,
        )


def problem_of(task: Task) -> tuple[Problem, Graph]:
    """Return a task's problem and network."""
    graph = cast("Mapping[str, Sequence[str]]", task.payload["graph"])
    return cast("Problem", task.payload["problem"]), {peer: tuple(near) for peer, near in graph.items()}


def private_words(name: str, problem: Problem, graph: Graph) -> str:
    """Return what only one peer is told, for a model's persona: who it is, whom it reaches, what it may answer."""
    near, answers = ", ".join(graph[name]), " or ".join(valid(problem, graph, name))
    return f"You are {name}. Your neighbours are {near}. In the end, answer {answers}."
