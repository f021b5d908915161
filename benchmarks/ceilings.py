"""Coordination with exact ceilings: AgentsNet's five problems and the collaborative maze, rule peers and models.

    python benchmarks/ceilings.py                                   # peers without a model, two minutes
    python benchmarks/ceilings.py --model embedded:qwen2.5-coder-0.5b --networks 3 --sizes 4 --mazes 10
    python benchmarks/ceilings.py --model embedded:qwen2.5-coder-0.5b --networks 0 --mazes 8 --relay embedded:qwen2.5-coder-1.5b

Shares come with Wilson's 95 % interval. Networks and mazes are drawn from the seed: same seed, same figures, but for a
model's, which also depend on its library's version.
"""

from __future__ import annotations

import argparse
import asyncio
import time
from collections.abc import Sequence
from statistics import mean

from waggledance import Agent, model
from waggledance.core import Note
from waggledance.lab import AgentsNet, CollaborationMaze, Relay, wilson
from waggledance.lab._agentsnet import Seating as NetworkSeating
from waggledance.lab._agentsnet import private_words
from waggledance.lab._agentsnet_problems import PROBLEMS, Graph, Problem
from waggledance.lab._maze import Seating
from waggledance.lab._maze_rules import Loner, Sharer
from waggledance.models import Model

SEED = 1


def share(solved: Sequence[bool]) -> str:
    """Return a share with its interval."""
    low, high = wilson(sum(solved), len(solved))
    return f"{mean(solved):.2f} [{low:.2f}-{high:.2f}]"


async def agentsnet(kinds: dict[str, NetworkSeating], sizes: Sequence[int], networks: int) -> None:
    """Print mean score and share solved of every kind of peers."""
    print(f"\nAgentsNet, {networks} networks a problem and size, mean score and share solved")
    print(f"{'peers':14} {'n':>3}  " + "  ".join(f"{problem:>22}" for problem in PROBLEMS))
    for kind, seat in kinds.items():
        for size in sizes:
            row: list[str] = []
            began = time.perf_counter()
            for problem in PROBLEMS:
                bench = AgentsNet(problems=(problem,), sizes=(size,), upstream_cover=True)
                scores = [bench.score(t, await bench.run(t, seat)) for t in bench.tasks("all", networks, SEED)]
                row.append(f"{mean(s.value for s in scores):.2f} {share([s.solved for s in scores]):>17}")
            print(f"{kind:14} {size:>3}  " + "  ".join(row) + f"  {time.perf_counter() - began:6.0f} s", flush=True)


async def maze(pairs: dict[str, tuple[Seating, Seating]], bench: CollaborationMaze, n: int) -> None:
    """Print how often pairs reach the goal, and how often one of them does alone."""
    print(f"\nMaze {bench.size} x {bench.size}, {n} mazes, pairs with {bench.turns} turns at most")
    for name, (opens, answers) in pairs.items():
        tasks, began = bench.tasks("all", n, SEED), time.perf_counter()
        runs = [await bench.run(task, opens, answers) for task in tasks]
        scores = [bench.score(task, run) for task, run in zip(tasks, runs, strict=True)]
        turns = mean(sum(isinstance(m.body, Note) for m in run.messages) for run in runs)
        alone = {}
        for whole in (True, False):
            alone[whole] = [bench.score(t, await bench.alone(t, opens, whole=whole)).solved for t in tasks]
        print(f"{name:28} solved {share([s.solved for s in scores])}, progress {mean(s.value for s in scores):.2f}, "
              f"{turns:4.1f} turns; alone: whole map {share(alone[True])}, half {share(alone[False])}"
              f"  {time.perf_counter() - began:5.0f} s", flush=True)  # fmt: skip


def relayed(name: str, view: Sequence[str]) -> Relay:
    """Return a sharer's first turn before a loner."""
    return Relay(Sharer(name, view), Loner(name, view), handoff=1)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", help="a model for all peers, instead of rules")
    parser.add_argument("--relay", help="with --model: mazes also with another model's first turn")
    parser.add_argument("--sizes", type=int, nargs="+", default=[4, 8, 16])
    parser.add_argument("--networks", type=int, default=30, help="networks a problem and size; 0 for none")
    parser.add_argument("--mazes", type=int, default=1_000, help="0 for none")
    args = parser.parse_args()
    if args.model is None:
        asyncio.run(agentsnet(dict(AgentsNet().references()), args.sizes, args.networks))
        references = CollaborationMaze().references()
        pairs = {name: (seat, seat) for name, seat in references.items()}
        pairs["share once, then a loner"] = (relayed, references["loner"])
        asyncio.run(maze(pairs, CollaborationMaze(), args.mazes))
        return
    thinks = model(args.model)

    def in_network(name: str, problem: Problem, graph: Graph) -> Agent:
        return Agent(name, thinks, persona=private_words(name, problem, graph), max_tokens=160, timeout_s=600)

    def in_maze(name: str, view: Sequence[str], thinks: Model = thinks) -> Agent:
        return Agent(name, thinks, persona="Your map:\n" + "\n".join(view), max_tokens=160, timeout_s=600)

    if args.networks:
        asyncio.run(agentsnet({args.model: in_network}, args.sizes, args.networks))
    mazes: dict[str, tuple[Seating, Seating]] = {args.model: (in_maze, in_maze)}
    if args.relay is not None:
        opens = model(args.relay)

        def relay(name: str, view: Sequence[str]) -> Relay:
            return Relay(in_maze(name, view, opens), in_maze(name, view), handoff=1)

        mazes[f"{args.relay} opens"] = (relay, in_maze)
    if args.mazes:
        asyncio.run(maze(mazes, CollaborationMaze(size=3, shortest=(2, 4), turns=10), args.mazes))


if __name__ == "__main__":
    main()
