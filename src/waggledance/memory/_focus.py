"""Where a graph should grow next: each peer picks its own node, so that not all ask about the same.

Source: the loop of Buehler 2025, arXiv:2502.13025, which asks about what was just added; the rendezvous order is ours.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Literal

from blake3 import blake3

from waggledance.core import PeerId, UnknownName
from waggledance.memory._graph import KnowledgeGraph

Focus = Literal["rendezvous", "hub", "rim"]
FOCUSES: tuple[Focus, ...] = ("rendezvous", "hub", "rim")


def next_focus(graph: KnowledgeGraph, asked: Collection[str], me: PeerId, mode: Focus = "rendezvous") -> str | None:
    """Return the node that a peer should ask about next; None when all were asked about.

    A pure function of the graph, of what was asked about, and of who asks.

    Args:
        graph: what is known.
        asked: the nodes that were asked about, by anybody.
        me: who asks.
        mode: ``"rendezvous"``: an order of its own for every peer, so that peers part; ``"hub"``: the node with most
            neighbours; ``"rim"``: the one with fewest. Equals by the peer's own order.

    Raises:
        UnknownName: there is no such mode.
    """
    if mode not in FOCUSES:
        raise UnknownName("focus", mode, FOCUSES)
    open_nodes = [name for name in graph.names if name not in asked]
    sign = {"rendezvous": 0, "hub": -1, "rim": 1}[mode]
    return min(open_nodes, key=lambda name: (sign * graph.degree(name), _place(me, name)), default=None)


def _place(me: PeerId, name: str) -> bytes:
    return blake3(b"waggle/focus/1\0" + me + name.encode()).digest(16)
