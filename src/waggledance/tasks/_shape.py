"""The shape of a plan: how many tasks, how long the longest chain, how wide, how tightly coupled.

Source: dmae97 et al. 2026, "AdaptOrch", arXiv:2602.16873 (ω, δ, γ); Zhang et al. 2025, "UFO³", arXiv:2511.11332 (work
W, critical path L, parallelism W / L).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

import msgspec

from waggledance.core import UNIT
from waggledance.tasks._entry import Entry
from waggledance.tasks._task import TaskId


class Shape(msgspec.Struct, frozen=True):
    """Numbers read off a plan, each task counted as one unit of work."""

    tasks: int
    """W, and n."""
    links: int
    depth: int
    """Tasks on the longest chain: L, and δ. A task that wants k of n waits for the k shortest."""
    width: int
    """Tasks in the widest layer, where a layer is all that lie equally many links from the start: ω."""
    coupling: float
    """Mean strength of all pairs of tasks, linked or not, 0 to 1: γ. 0 for fewer than two tasks."""

    @property
    def parallelism(self) -> float:
        """W / L, at least 1: how many could be at work on average; 0 for an empty plan."""
        return self.tasks / self.depth if self.depth else 0.0


def shape_of(entries: Mapping[TaskId, Entry]) -> Shape:
    """Return the shape of tasks and their links, in time about linear in both."""
    layer: dict[TaskId, int] = {}
    waits = {id: len(entry.before) for id, entry in entries.items()}
    ahead = [id for id, n in waits.items() if not n]
    while ahead:
        id = ahead.pop()
        layer[id] = 1 + _begins_after(entries[id], layer)
        for after in entries[id].after:
            waits[after] -= 1
            if not waits[after]:
                ahead.append(after)
    links = [link for entry in entries.values() for link in entry.before]
    n = len(entries)
    return Shape(
        tasks=n,
        links=len(links),
        depth=max(layer.values(), default=0),
        width=max(Counter(layer.values()).values(), default=0),
        coupling=sum(link.strength_ppm for link in links) / UNIT / (n * (n - 1) / 2) if n > 1 else 0.0,
    )


def _begins_after(entry: Entry, layer: Mapping[TaskId, int]) -> int:
    """Return the layer of the task that one waits for last: of k of n, the k-th to come."""
    first = sorted([layer[link.before] for link in entry.before])
    last = min(entry.enough or len(first), len(first))
    return first[last - 1] if first else 0
