"""The five problems of AgentsNet: which answers are valid, how good they are, and how to solve each when all is known.

A graph is a mapping from every peer's name to its neighbours' names; answers map names to keys in lower case.
Source: Grötschla et al. 2025, "AgentsNet: Coordination and Collaborative Reasoning in Multi-Agent LLMs",
arXiv:2507.08616, and its code (github.com/floriangroetschla/AgentsNet, MIT) for the formulas. Departures: groups are
compared whole (its code takes "Group 10" for "Group 1"), and a cover that leaves an edge open scores 0 unless asked
for `upstream` scores, where each coordinator of such a cover counts as needed.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, get_args

Graph = Mapping[str, tuple[str, ...]]
Answers = Mapping[str, str | None]
Problem = Literal["colouring", "matching", "vertex-cover", "leader", "consensus"]

PROBLEMS: tuple[Problem, ...] = get_args(Problem)

NOBODY = "none"


def edges(graph: Graph) -> list[tuple[str, str]]:
    """Return every edge once, (smaller, larger) name, sorted."""
    return sorted((a, b) for a, near in graph.items() for b in near if a < b)


def degree(graph: Graph) -> int:
    """Return the largest number of neighbours, Δ."""
    return max(len(near) for near in graph.values())


def valid(problem: Problem, graph: Graph, peer: str) -> tuple[str, ...]:
    """Return the answers that a peer may give, as it is told them.

    >>> valid("matching", {"Ann": ("Bo",), "Bo": ("Ann",)}, "Ann")
    ('Bo', 'None')
    """
    match problem:
        case "colouring":
            return tuple(f"Group {i}" for i in range(1, degree(graph) + 2))
        case "matching":
            return (*graph[peer], "None")
        case "vertex-cover" | "leader":
            return ("Yes", "No")
        case "consensus":
            return ("0", "1")


def value(problem: Problem, graph: Graph, answers: Answers, *, upstream: bool = False) -> float:
    """Return how good the peers' answers are together, 0 to 1; 1 is solved.

    Args:
        problem: which one.
        graph: who is linked to whom; links go both ways.
        answers: every peer's answer; a missing one is none.
        upstream: score an incomplete cover by the formula of the authors' code.

    >>> value("leader", {"Ann": ("Bo",), "Bo": ("Ann",)}, {"Ann": "no", "Bo": "yes"})
    1.0
    """
    given = {peer: answers.get(peer) for peer in graph}
    match problem:
        case "colouring":
            return _colouring(graph, given)
        case "matching":
            return _matching(graph, given)
        case "vertex-cover":
            return _cover(graph, given, upstream)
        case "leader":
            return float(sum(answer == "yes" for answer in given.values()) == 1 and _all_valid(problem, graph, given))
        case "consensus":
            return float(len(set(given.values())) == 1 and _all_valid(problem, graph, given))


def solve(problem: Problem, graph: Graph) -> dict[str, str]:
    """Return answers that solve a problem, by looking at the whole graph: the same for everybody who does."""
    by_rank = sorted(graph, reverse=True)
    match problem:
        case "colouring":
            colour: dict[str, int] = {}
            for peer in by_rank:
                taken = {colour[other] for other in graph[peer] if other in colour}
                colour[peer] = next(i for i in range(1, len(graph) + 1) if i not in taken)
            return {peer: f"group {i}" for peer, i in colour.items()}
        case "matching":
            partner: dict[str, str] = {}
            for b, a in sorted(((b, a) for a, b in edges(graph)), reverse=True):
                if a not in partner and b not in partner:
                    partner[a], partner[b] = b, a
            return {peer: partner.get(peer, NOBODY).lower() for peer in graph}
        case "vertex-cover":
            independent: set[str] = set()
            for peer in by_rank:
                if not independent.intersection(graph[peer]):
                    independent.add(peer)
            return {peer: "no" if peer in independent else "yes" for peer in graph}
        case "leader":
            return {peer: "yes" if peer == by_rank[0] else "no" for peer in graph}
        case "consensus":
            return dict.fromkeys(graph, "1")


def _all_valid(problem: Problem, graph: Graph, given: Answers) -> bool:
    return all(given[peer] in {answer.lower() for answer in valid(problem, graph, peer)} for peer in graph)


def _colouring(graph: Graph, given: Answers) -> float:
    """Return the share of edges between different groups; 0 if any answer is invalid."""
    if not _all_valid("colouring", graph, given):
        return 0.0
    every = edges(graph)
    return sum(given[a] != given[b] for a, b in every) / len(every)


def _matching(graph: Graph, given: Answers) -> float:
    """Return the share of peers that named somebody who named them, or rightly nobody."""
    named = {peer: _named(graph, peer, answer) for peer, answer in given.items()}
    bad = 0
    for peer, partner in named.items():
        if partner is None:
            bad += 1
        elif partner == NOBODY:
            bad += any(named[other] == NOBODY for other in graph[peer])
        else:
            bad += named[partner] != peer
    return (len(graph) - bad) / len(graph)


def _named(graph: Graph, peer: str, answer: str | None) -> str | None:
    """Return which neighbour an answer names, `NOBODY`, or None for an invalid one."""
    if answer == NOBODY:
        return NOBODY
    return next((other for other in graph[peer] if other.lower() == answer), None)


def _cover(graph: Graph, given: Answers, upstream: bool) -> float:
    """Return the share of edges covered times the share of coordinators that are needed."""
    cover = {peer for peer, answer in given.items() if answer == "yes"}
    every = edges(graph)
    if not cover or not _all_valid("vertex-cover", graph, given):
        return 0.0
    covered = sum(a in cover or b in cover for a, b in every) / len(every)
    if covered < 1 and not upstream:
        return 0.0
    needed = sum(covered < 1 or any(other not in cover for other in graph[peer]) for peer in cover)
    return covered * needed / len(cover)
