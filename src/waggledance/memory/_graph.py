"""The knowledge graph: a fold over what peers say is related, the same for every order of delivery.

A node is a name without capitals, number and article; an edge (a, relation, b) holds all who said it. That two names
mean one is an edit of its own (`Same`), and it counts only with a second sign: a neighbour in common. Names that are
joined are shown as the one of them with the smallest hash, so neither an alphabet nor an arrival decides.

"Scale-free" comes out of almost any growth that merges by mention, and is no evidence of insight.

Sources: Buehler 2025, "Agentic Deep Graph Reasoning Yields Self-Organizing Knowledge Networks", arXiv:2502.13025;
Ghafarollahi, Buehler 2024, "SciAgents", arXiv:2409.05556 (paths through waypoints).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cached_property
from itertools import pairwise
from random import Random
from typing import TYPE_CHECKING, Any, Literal

from blake3 import blake3

from waggledance.core import Message, PeerId, RunFailed, UnknownName
from waggledance.memory._triples import Same, Triple, Triples, node_of

if TYPE_CHECKING:
    import rustworkx as rx

PathMode = Literal["shortest", "waypoints"]
PATH_MODES: tuple[PathMode, ...] = ("shortest", "waypoints")


class KnowledgeGraph:
    """Concepts and how they are related.

    Args:
        edges: who said each triple of nodes.

    Attributes:
        edges: the same, whatever the order in which it was given.
        names: all nodes, in the order of a hash.
    """

    def __init__(self, edges: Mapping[Triple, frozenset[PeerId]]) -> None:
        self.edges = {triple: edges[triple] for triple in sorted(edges)}
        nodes = {node for a, _, b in self.edges for node in (a, b)}
        self.names = tuple(sorted(nodes, key=_mark))

    @classmethod
    def of(cls, messages: Iterable[Message[Any]]) -> KnowledgeGraph:
        """Return the graph of what messages say, in any order; other messages are passed over."""
        said: dict[Triple, set[PeerId]] = {}
        same: set[tuple[str, str]] = set()
        for message in messages:
            body = message.body
            if isinstance(body, Triples):
                for a, relation, b in body.triples:
                    triple = (node_of(a), " ".join(relation.casefold().split()), node_of(b))
                    if triple[0] != triple[2]:
                        said.setdefault(triple, set()).add(message.author)
            elif isinstance(body, Same):
                same.add((node_of(body.a), node_of(body.b)))
        joined = _joined(same, said)
        edges: dict[Triple, set[PeerId]] = {}
        for (a, relation, b), authors in said.items():
            triple = (joined.get(a, a), relation, joined.get(b, b))
            if triple[0] != triple[2]:
                edges.setdefault(triple, set()).update(authors)
        return cls({triple: frozenset(authors) for triple, authors in edges.items()})

    def __len__(self) -> int:
        return len(self.names)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, KnowledgeGraph) and self.edges == other.edges

    def __hash__(self) -> int:
        return hash(frozenset(self.edges))

    def node(self, name: str) -> str:
        """Return the node that a name stands for.

        Raises:
            UnknownName: there is none; says the nearest.
        """
        node = node_of(name)
        if node not in self._neighbours:
            raise UnknownName("concept", name, self.names[:1_000])
        return node

    def neighbours(self, name: str) -> tuple[str, ...]:
        """Return the nodes next to one, in either direction, in the order of a hash."""
        return tuple(sorted(self._neighbours[self.node(name)], key=_mark))

    def degree(self, name: str) -> int:
        """Return how many nodes are next to one."""
        return len(self._neighbours[self.node(name)])

    def about(self, path: Iterable[str]) -> tuple[Triple, ...]:
        """Return what is said between each two nodes of a path that follow each other, most said first."""
        pairs = {frozenset(pair) for pair in pairwise(path)}
        found = [triple for triple in self.edges if frozenset((triple[0], triple[2])) in pairs]
        return tuple(sorted(found, key=lambda triple: (-len(self.edges[triple]), _mark("\0".join(triple)))))

    def path(self, a: str, b: str, mode: PathMode = "shortest", *, seed: int = 0) -> tuple[str, ...]:
        """Return nodes that lead from one concept to another, each next to the one before; both ends included.

        Args:
            a: where it begins.
            b: where it ends.
            mode: ``"shortest"``, or ``"waypoints"``: by way of one node drawn from all that both reach, so that it goes
                through more of the graph. A node may then come twice.
            seed: of the draw; peers with different seeds see different parts.

        Raises:
            UnknownName: there is no such concept, or no such mode.
            RunFailed: nothing leads from one to the other.
        """
        start, end = self.node(a), self.node(b)
        if mode not in PATH_MODES:
            raise UnknownName("mode of path", mode, PATH_MODES)
        if mode == "shortest" or start == end:
            return self._shortest(start, end)
        self._shortest(start, end)
        rng = Random(f"{seed}\0{start}\0{end}")
        for _ in range(len(self.names)):
            way = self.names[rng.randrange(len(self.names))]
            if way not in (start, end):
                try:
                    return (*self._shortest(start, way), *self._shortest(way, end)[1:])
                except RunFailed:  # in a part of the graph that neither reaches
                    continue
        return self._shortest(start, end)

    @cached_property
    def _neighbours(self) -> dict[str, set[str]]:
        near: dict[str, set[str]] = {name: set() for name in self.names}
        for a, _, b in self.edges:
            near[a].add(b)
            near[b].add(a)
        return near

    @cached_property
    def _places(self) -> dict[str, int]:
        return {name: place for place, name in enumerate(self.names)}

    @cached_property
    def _drawn(self) -> rx.PyGraph[str, None]:
        """The graph for algorithms: nodes and edges in the order of hashes, so that equal graphs give equal paths."""
        import rustworkx as rx

        graph: rx.PyGraph[str, None] = rx.PyGraph(multigraph=False)
        graph.add_nodes_from(self.names)
        pairs = {tuple(sorted((self._places[a], self._places[b]))) for a, _, b in self.edges}
        graph.add_edges_from_no_data([(one, other) for one, other in sorted(pairs)])
        return graph

    def _shortest(self, start: str, end: str) -> tuple[str, ...]:
        import rustworkx as rx

        if start == end:
            return (start,)
        one, other = self._places[start], self._places[end]
        found = rx.dijkstra_shortest_paths(self._drawn, one, target=other, default_weight=1.0)
        if other not in found:
            raise RunFailed(f"nothing leads from {start!r} to {end!r}: they are in different parts of the graph")
        return tuple(self.names[place] for place in found[other])


def _joined(same: Iterable[tuple[str, str]], said: Iterable[Triple]) -> dict[str, str]:
    """Return the name that stands for each joined one: of those that mean one, the one with the smallest hash."""
    near: dict[str, set[str]] = {}
    for a, _, b in said:
        near.setdefault(a, set()).add(b)
        near.setdefault(b, set()).add(a)
    leader: dict[str, str] = {}

    def found(name: str) -> str:
        while leader.get(name, name) != name:
            name = leader[name]
        return name

    for a, b in same:
        if near.get(a, set()) & near.get(b, set()):
            first, second = sorted((found(a), found(b)), key=_mark)
            leader[second] = first
    return {name: found(name) for name in leader}


def _mark(name: str) -> bytes:
    return blake3(b"waggle/node/1\0" + name.encode()).digest(16)
