"""A world of two fields with some links between them hidden: are they found again by ways through what is left?

Each field has concepts in ten themes, and what is linked within it is mostly of one theme. A theme of one field has a
counterpart in the other, and bridges, which are what is hidden, join counterparts a hundred times as often as others;
among those, concepts that mean alike. Counterparts show in the graph alone. What a concept means, a direction in eight
dimensions, is known to peers alone, and to each with an error of its own.

A pair's link score is the cosine of what both mean in one peer's eyes, and a half for each of up to two neighbours in
common. A pair that nobody looked at scores below all others; equal scores share their places, so that no name and no
number decides.

Source: the project's own simulation after Ghafarollahi, Buehler 2024, "SciAgents", arXiv:2409.05556, which reports case
studies and no recovery. Fields, themes and the law of bridges are ours.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isfinite

import numpy as np
from numpy.typing import NDArray

from waggledance.core import UNIT, PeerId, RunFailed, UnknownName, UsageError
from waggledance.memory import KnowledgeGraph
from waggledance.memory._graph import PathMode

THEMES, DIMENSIONS, PEERS = 10, 8, 4
COUNTERPARTS = 100
"""By how much likelier a link is within a theme, and a bridge between counterparts."""
SHARPNESS = 4.0
"""A bridge is likelier by e to the power of this times the cosine of what its ends mean."""
TOP = 0.05

Pair = tuple[str, str]
"""A concept of the first field, ``a0`` and so on, and one of the second, ``b0`` and so on."""
Scores = Mapping[Pair, int]
"""Of each pair that was looked at, how likely a link seems: higher is likelier."""
_Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Recovery:
    """How well scores find hidden links again."""

    found: float
    """Hidden links among as many pairs with the best scores as links are hidden; the mean over orders of equal ones."""
    top: float
    """The share of hidden links among the best 5 % of all open pairs, 0 to 1; .05 by chance."""
    auc: float
    """How often a hidden link scores above another open pair, equal ones half, 0 to 1; .5 by chance."""
    scored: int
    """How many open pairs have a score."""


class LinksWorld:
    """Two fields, what is known of them, and what is hidden.

    Args:
        seed: same seed, same world.
        concepts: how many each field has, ≥ 2.
        links: to how many before it each concept is linked within its field, ≥ 0.
        bridges: how many links there are between the fields.
        hidden: how many of them nobody is told, ≥ 1, at most all.
        noise: how far off what a concept means is in a peer's eyes, as a share of its own length, ≥ 0.
        lawful: whether bridges follow the law above; anything goes with anything when False, so nothing can be found.

    Attributes:
        graph: what is left.
        hidden: the links that are hidden.
        open: all pairs across the fields that the graph does not link, the hidden ones among them.

    Raises:
        UsageError: a number is out of its range, or every pair is a bridge.
    """

    def __init__(
        self,
        seed: int = 0,
        *,
        concepts: int = 100,
        links: int = 3,
        bridges: int = 100,
        hidden: int = 50,
        noise: float = 0.5,
        lawful: bool = True,
    ) -> None:
        _check(concepts, links, bridges, hidden, noise)
        rng = np.random.default_rng(seed)
        self.seed, self.concepts = seed, concepts
        themes = [rng.permutation(np.arange(concepts) % THEMES) for _ in range(2)]
        means = _unit(rng.normal(size=(2, concepts, DIMENSIONS)))
        within = {pair for f in (0, 1) for pair in _linked("ab"[f], themes[f], links, rng)}
        law = np.where(themes[0][:, None] == themes[1], COUNTERPARTS, 1) * np.exp(SHARPNESS * means[0] @ means[1].T)
        weights = (law if lawful else np.ones_like(law)).ravel()
        drawn = rng.choice(concepts**2, bridges, replace=False, p=weights / weights.sum()).tolist()
        bridge = [(f"a{n // concepts}", f"b{n % concepts}") for n in drawn]
        self.hidden = frozenset(bridge[:hidden])
        left = within | set(bridge[hidden:])
        self.graph = KnowledgeGraph({(a, "is linked to", b): frozenset[PeerId]() for a, b in left})
        pairs = [(f"a{i}", f"b{j}") for i in range(concepts) for j in range(concepts)]
        self.open = tuple([pair for pair in pairs if pair not in left])
        self._open = frozenset(self.open)
        self._views = [_unit(means + noise * _unit(rng.normal(size=(2, concepts, DIMENSIONS)))) for _ in range(PEERS)]

    def view(self, peer: int, concept: str) -> _Floats:
        """Return what a concept means in the eyes of a peer, 0 to 3: shape (8,), of length 1."""
        return np.asarray(self._views[peer]["ab".index(concept[0]), int(concept[1:])])

    def ends(self, number: int) -> Pair:
        """Return the two concepts that a question is about: one of each field, drawn by its number."""
        a, b = np.random.default_rng([self.seed, number]).integers(self.concepts, size=2).tolist()
        return f"a{a}", f"b{b}"

    def by_paths(self, paths: int, mode: PathMode = "waypoints") -> Scores:
        """Return the scores of pairs that lie on one of so many ways between two drawn concepts; no way, no pairs."""
        met: set[Pair] = set()
        for number in range(paths):
            try:
                path = self.graph.path(*self.ends(number), mode, seed=number)
            except (RunFailed, UnknownName):  # nothing joins them, or one is linked to nothing
                continue
            met |= across(path)
        return self._scored(met)

    def by_lot(self, pairs: int) -> Scores:
        """Return the scores of so many open pairs drawn by lot, of all where there are fewer."""
        rng = np.random.default_rng([self.seed, 0, 0])
        return self._scored({self.open[n] for n in rng.permutation(len(self.open))[:pairs].tolist()})

    def by_meaning(self) -> Scores:
        """Return what one peer who looks at every open pair thinks of it, and the graph not asked."""
        return {pair: closeness(self.view(0, pair[0]), self.view(0, pair[1])) for pair in self.open}

    def by_neighbours(self) -> Scores:
        """Return how many neighbours each open pair has in common, and no peer asked."""
        return {pair: in_common(self.graph, *pair) for pair in self.open}

    def recovery(self, scores: Scores) -> Recovery:
        """Return how well scores find the hidden links again; pairs that are linked already do not count."""
        least = min(scores.values(), default=0) - 1
        given = np.array([scores.get(pair, least) for pair in self.open])
        hidden = np.array([pair in self.hidden for pair in self.open])
        _, place, size = np.unique(-given, return_inverse=True, return_counts=True)
        hits = np.bincount(place, weights=hidden, minlength=len(size))
        before = np.cumsum(size) - size
        n, others = len(self.hidden), len(self.open) - len(self.hidden)

        def among(best: int) -> float:
            return float((hits * np.clip((best - before) / size, 0, 1)).sum())

        above = others - (np.cumsum(size - hits) - (size - hits)) - (size - hits) / 2
        return Recovery(
            among(n),
            among(round(TOP * len(self.open))) / n,
            float((hits * above).sum() / (n * others)),
            len(self._open & scores.keys()),
        )

    def _scored(self, pairs: set[Pair]) -> Scores:
        """Return the link score of those pairs that are open, in the eyes of the first peer."""
        return {
            (a, b): link_score(self.graph, (a, b), closeness(self.view(0, a), self.view(0, b)))
            for a, b in sorted(pairs & self._open)
        }


def closeness(one: _Floats, other: _Floats) -> int:
    """Return the cosine of two meanings, shape (8,) each and of any length but 0, in parts per million."""
    return round(float(one @ other) / float(np.linalg.norm(one) * np.linalg.norm(other)) * UNIT)


def in_common(graph: KnowledgeGraph, a: str, b: str) -> int:
    """Return how many neighbours two concepts have in common; none where one is linked to nothing."""
    try:
        return len(set(graph.neighbours(a)).intersection(graph.neighbours(b)))
    except UnknownName:
        return 0


def link_score(graph: KnowledgeGraph, pair: Pair, close: int) -> int:
    """Return how likely a link seems, by a graph and by how close both are in meaning, in parts per million."""
    return close + min(2, in_common(graph, *pair)) * UNIT // 2


def across(path: Sequence[str]) -> set[Pair]:
    """Return all pairs of a concept of the first field and one of the second that are on a path, linked or not."""
    return {(a, b) for a in path for b in path if (a[0], b[0]) == ("a", "b")}


def _check(concepts: int, links: int, bridges: int, hidden: int, noise: float) -> None:
    if concepts < 2 or links < 0 or not 1 <= hidden <= bridges < concepts**2:
        raise UsageError(
            "a field has 2 concepts or more, each with 0 links or more; some bridges are hidden, and not all pairs are "
            f"bridges; got {concepts} concepts, {links} links, {bridges} bridges, {hidden} hidden"
        )
    if not isfinite(noise) or noise < 0:
        raise UsageError(f"noise is a share of a meaning's length, 0 or more, got {noise}")


def _linked(field: str, themes: NDArray[np.int_], links: int, rng: np.random.Generator) -> set[Pair]:
    """Return a field's own links: each concept to some before it, mostly of its theme, rather to those with many."""
    degree = np.ones(len(themes))
    made: set[Pair] = set()
    for new in range(1, len(themes)):
        weights = degree[:new] * np.where(themes[:new] == themes[new], COUNTERPARTS, 1)
        for old in rng.choice(new, min(links, new), replace=False, p=weights / weights.sum()).tolist():
            made.add((f"{field}{new}", f"{field}{old}"))
            degree[[new, old]] += 1
    return made


def _unit(vectors: _Floats) -> _Floats:
    return np.asarray(vectors / np.linalg.norm(vectors, axis=-1, keepdims=True))
