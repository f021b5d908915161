"""The networks of AgentsNet: three families of graphs with first names for nodes.

Source: arXiv:2507.08616 §4: Watts–Strogatz (k = 4, p = .4, connected), Barabási–Albert (m = 2), and the Delaunay
triangulation of points drawn evenly from a square.
"""

from __future__ import annotations

from random import Random
from typing import Any, Literal, cast, get_args

from waggledance.core import UsageError, with_extra
from waggledance.lab._agentsnet_problems import Graph

Family = Literal["small-world", "scale-free", "delaunay"]

FAMILIES: tuple[Family, ...] = get_args(Family)

LEAST = 4
"""Peers of the smallest network."""


def network(family: Family, n: int, seed: int) -> Graph:
    """Draw a connected network; the same for the same arguments.

    Args:
        family: which of the three.
        n: peers, 4 to 100.
        seed: of graph and names.

    Raises:
        UsageError: n is out of range, or networkx or scipy is not installed.
    """
    if not LEAST <= n <= len(FIRST_NAMES):
        raise UsageError(f"a network has {LEAST} to {len(FIRST_NAMES)} peers, got {n}")
    try:
        import networkx as nx
        from scipy.spatial import Delaunay
    except ImportError as why:
        raise UsageError(with_extra(f"networks need networkx and scipy ({why})", "lab")) from why
    rng = Random(f"{family}/{n}/{seed}")
    untyped = cast("Any", nx)
    match family:
        case "small-world":
            drawn = untyped.connected_watts_strogatz_graph(n, min(4, n - 1), 0.4, tries=1_000, seed=rng)
        case "scale-free":
            drawn = untyped.barabasi_albert_graph(n, 2, seed=rng)
        case "delaunay":
            drawn = untyped.Graph()
            triangles = cast("Any", Delaunay([(rng.random(), rng.random()) for _ in range(n)]).simplices)
            for a, b, c in triangles.tolist():
                drawn.add_edges_from([(a, b), (b, c), (a, c)])
    names = rng.sample(FIRST_NAMES, n)
    near = cast("list[list[int]]", [list(drawn.neighbors(i)) for i in range(n)])
    return {name: tuple(sorted(names[j] for j in near[i])) for i, name in enumerate(names)}


def diameter(graph: Graph) -> int:
    """Return the most links between any two peers, D. The graph is connected."""
    return max(max(distances(graph, peer).values()) for peer in graph)


def distances(graph: Graph, start: str) -> dict[str, int]:
    """Return how many links away everybody is from one peer."""
    away, frontier = {start: 0}, [start]
    for peer in frontier:
        for other in graph[peer]:
            if other not in away:
                away[other] = away[peer] + 1
                frontier.append(other)
    return away


FIRST_NAMES = (
    "Aaron", "Abigail", "Adam", "Alan", "Alice", "Amanda", "Amy", "Andrea", "Andrew", "Angela", "Anna", "Anthony",
    "Arthur", "Barbara", "Benjamin", "Betty", "Brandon", "Brenda", "Brian", "Carl", "Carol", "Catherine", "Charles",
    "Cheryl", "Christine", "Cynthia", "Daniel", "David", "Deborah", "Dennis", "Diana", "Donald", "Donna", "Dorothy",
    "Douglas", "Dylan", "Edward", "Elizabeth", "Emily", "Emma", "Eric", "Ethan", "Eugene", "Evelyn", "Frances",
    "Frank", "Gabriel", "Gary", "George", "Gerald", "Gloria", "Grace", "Gregory", "Hannah", "Harold", "Heather",
    "Helen", "Henry", "Isabella", "Jack", "Jacob", "James", "Janet", "Jason", "Jeffrey", "Jennifer", "Jessica", "Joan",
    "John", "Jordan", "Joseph", "Joyce", "Judith", "Julia", "Justin", "Karen", "Katherine", "Keith", "Kevin", "Kyle",
    "Larry", "Laura", "Lauren", "Linda", "Lisa", "Logan", "Louis", "Margaret", "Maria", "Mark", "Martha", "Mary",
    "Matthew", "Megan", "Michael", "Nancy", "Nathan", "Nicole", "Noah", "Olivia",
)  # fmt: skip
