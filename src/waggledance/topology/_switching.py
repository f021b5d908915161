"""Switching: move two edges' ends, a–b and c–d to a–c and b–d, which leaves every degree as it is."""

from __future__ import annotations

from waggledance.topology._draws import Draws

SWITCHES_AN_EDGE = 10
"""How many switches are tried for each edge before a graph counts as random. Of 6,000 triangles in a circle of 1,000
with 8 neighbours 65 to 82 were left at one, 57 to 61 at ten; a random graph has 57."""

Adjacency = list[set[int]]
"""Neighbours of every vertex; undirected, so both ends hold each other."""


def randomise(adjacency: Adjacency, draws: Draws) -> None:
    """Make a graph a random one of the same degrees, in place; no loop and no double edge comes up."""
    edges = [(a, b) for a, near in enumerate(adjacency) for b in sorted(near) if a < b]
    for _ in range(SWITCHES_AN_EDGE * len(edges)):
        one, other = draws.below(len(edges)), draws.below(len(edges))
        a, b = edges[one]
        c, d = edges[other] if draws.chance() < 0.5 else edges[other][::-1]
        if a in (c, d) or b in (c, d) or c in adjacency[a] or d in adjacency[b]:
            continue
        _switch(adjacency, a, b, c, d)
        edges[one], edges[other] = (a, c), (b, d)


def connect(adjacency: Adjacency) -> None:
    """Join the parts of a graph by switching, in place.

    One edge is taken from a part where it lies on a circle, so that part stays whole; the other from any second part,
    whose halves then hang on both ends. Needs at least as many edges as vertices and no vertex without an edge: then
    one part has a circle as long as there are two.
    """
    while True:
        part, spare = _parts(adjacency)
        if max(part) == 0:
            return
        a, b = spare
        c = next(vertex for vertex in range(len(part)) if part[vertex] != part[a])
        _switch(adjacency, a, b, c, min(adjacency[c]))


def _switch(adjacency: Adjacency, a: int, b: int, c: int, d: int) -> None:
    for x, y in ((a, b), (c, d)):
        adjacency[x].remove(y)
        adjacency[y].remove(x)
    for x, y in ((a, c), (b, d)):
        adjacency[x].add(y)
        adjacency[y].add(x)


def _parts(adjacency: Adjacency) -> tuple[list[int], tuple[int, int]]:
    """Return the number of each vertex's connected part, and one edge that lies on a circle ((0, 0) if none does)."""
    part = [-1] * len(adjacency)
    spare = (0, 0)
    parts = 0
    for start in range(len(adjacency)):
        if part[start] >= 0:
            continue
        part[start] = parts
        parts += 1
        came_from = {start: start}
        open_ends = [start]
        while open_ends:
            vertex = open_ends.pop()
            for near in sorted(adjacency[vertex]):
                if part[near] < 0:
                    part[near] = part[vertex]
                    came_from[near] = vertex
                    open_ends.append(near)
                elif came_from[vertex] != near and came_from[near] != vertex:
                    spare = (vertex, near)
    return part, spare
