"""From a path through a knowledge graph to a hypothesis, section by section. What comes out is an idea, not a finding.

Source: Ghafarollahi and Buehler 2024, "SciAgents", arXiv:2409.05556 (path, ontologist, scientist, one expander a
field, critic, novelty). There a model chooses who speaks next; here the plan is fixed, and expansions run side by side.
"""

from __future__ import annotations

import re
from itertools import chain, combinations, islice
from typing import Any, cast

from waggledance.core import PeerId, RunFailed
from waggledance.memory import KnowledgeGraph, node_of
from waggledance.tasks._check_schema import json_in
from waggledance.tasks._role_function import Watched, role_function

FIELDS = (
    "hypothesis", "outcome", "mechanisms", "design principles", "unexpected properties", "comparison", "novelty",
)  # fmt: skip
MAX_CONCEPTS = 8
"""So many of a hypothesis are looked up, in pairs."""
MAX_NAME_WORDS = 5
_WORD = re.compile(r"\w[\w'-]*")


def read_graph(request: str) -> tuple[KnowledgeGraph, str, str]:
    """Return the graph and the two concepts that a request names.

    Lines ``a | is related so | b`` are the graph, ``from: a`` and ``to: b`` the concepts; other lines are passed over.

    Raises:
        RunFailed: there is no line of the graph, or no ends.
    """
    edges: dict[tuple[str, str, str], frozenset[PeerId]] = {}
    ends: dict[str, str] = {}
    for line in request.splitlines():
        parts = [part.strip() for part in line.split("|")]
        name, colon, value = line.partition(":")
        if len(parts) == 3 and all(parts):
            edges[node_of(parts[0]), parts[1], node_of(parts[2])] = frozenset()
        elif colon and name.strip().lower() in ("from", "to"):
            ends[name.strip().lower()] = value.strip()
    if not edges or len(ends) < 2:
        raise RunFailed(
            "the request gives no graph to go by: write 'silk | is made of | protein', then 'from: silk' and 'to: …'"
        )
    return KnowledgeGraph(edges), ends["from"], ends["to"]


@role_function("graph-path")
async def graph_path(watched: Watched) -> str:
    """Return a way through the graph with what is said along it; each copy of the role sees another part.

    Raises:
        RunFailed: there is no graph in the request, or no way.
        UnknownName: a concept is not in the graph.
    """
    (request,) = watched.of("request")
    graph, start, end = read_graph(request.text)
    path = graph.path(start, end, "waypoints" if watched.step.copy else "shortest", seed=watched.step.copy)
    told = [f"{a} — {how} — {b}" for a, how, b in graph.about(path)]
    return "\n".join([f"path: {' → '.join(path)}", *told])


@role_function("graph-novelty")
async def graph_novelty(watched: Watched) -> str:
    """Return what the graph has of the two ends, and of each two concepts that a proposed hypothesis names.

    What is next to each other there is known already; of the rest it says how far apart it lies.
    """
    (request,) = watched.of("request")
    graph, start, end = read_graph(request.text)
    said = [str(cast("dict[str, Any]", json_in(made.text))["hypothesis"]) for made in watched.of("proposal")]
    named = [combinations(concepts_in(graph, text), 2) for text in said]
    pairs = dict.fromkeys(frozenset(pair) for pair in [(graph.node(start), graph.node(end)), *chain(*named)])
    lines = [_known(graph, *sorted(pair)) for pair in pairs if len(pair) == 2]
    return "\n".join([*lines, "Of the world outside the graph this says nothing."])


def concepts_in(graph: KnowledgeGraph, text: str) -> tuple[str, ...]:
    """Return the concepts of a graph that a text names, each once, in the order of the text; at most eight.

    >>> concepts_in(KnowledgeGraph({("silk", "is", "strong fibre"): frozenset()}), "Strong fibres made of silk")
    ('strong fibre', 'silk')
    """
    words, names = _WORD.findall(text), set(graph.names)
    found = (
        name
        for at in range(len(words))
        for upto in range(min(len(words), at + MAX_NAME_WORDS), at, -1)
        if (name := node_of(" ".join(words[at:upto]))) in names
    )
    return tuple(islice(dict.fromkeys(found), MAX_CONCEPTS))


def _known(graph: KnowledgeGraph, a: str, b: str) -> str:
    told = graph.about((a, b))
    if told:
        return f"known: {'; '.join(f'{one} — {how} — {other}' for one, how, other in told[:3])}"
    try:
        return f"not in the graph: {a} and {b} lie {len(graph.path(a, b)) - 1} steps apart in it"
    except RunFailed:
        return f"not in the graph: nothing in it leads from {a} to {b}"


@role_function("hypothesis-report")
async def hypothesis_report(watched: Watched) -> str:
    """Return the proposal with its expansions in a fixed order, the critic's words, what is known, and what is missing.

    Raises:
        RunFailed: there is no proposal.
    """
    proposals = watched.of("proposal")
    if not proposals:
        raise RunFailed("there is no proposal to report")
    fields = cast("dict[str, Any]", json_in(proposals[0].text))
    more = {made.step.role.removeprefix("expander of "): made.text for made in watched.of("expansion")}
    lines = ["# An idea, not a finding", ""]
    for field in FIELDS:
        lines += [f"## {field.capitalize()}", str(fields[field]), *([more[field]] if field in more else []), ""]
    for kind, title in (("critique", "Critic"), ("prior", "Known before")):
        lines += [line for made in watched.of(kind) for line in (f"## {title}", made.text, "")]
    missing = [step.role for step in watched.missing]
    return "\n".join([*lines, *([f"Missing: {', '.join(missing)}."] if missing else [])]).rstrip()
