"""The knowledge graph: one graph for every order of delivery, and paths that exist."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise
from random import Random
from typing import Any

import networkx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from waggledance.core import Body, Channel, Message, RunFailed, UnknownName, UsageError, local_peer_id, swarm_id
from waggledance.memory import KnowledgeGraph, Same, Triples, next_focus, node_of

nx: Any = networkx
"""Without its types, which are unknown in part."""


def said(*bodies: tuple[str, Body]) -> list[Message[Any]]:
    channel = Channel(swarm_id("bees"), "q1")
    for author, body in bodies:
        channel.publish(local_peer_id(author), body, [], 0)
    return list(channel.messages())


def triples(*found: tuple[str, str, str]) -> Triples:
    return Triples(triples=found)


def graph_of(edges: list[tuple[int, int]]) -> KnowledgeGraph:
    return KnowledgeGraph({(f"n{a}", "near", f"n{b}"): frozenset() for a, b in edges})


def test_names_that_differ_in_capitals_number_or_article_are_one_node_and_authors_add_up() -> None:
    graph = KnowledgeGraph.of(
        said(("ada", triples(("The Bees", "make", "Honey"))), ("ben", triples(("bee", "MAKE", "honey"))))
    )
    assert graph.names in (("bee", "honey"), ("honey", "bee"))
    assert [len(authors) for authors in graph.edges.values()] == [2]
    assert graph.neighbours("a bee") == ("honey",)


def test_two_names_are_joined_only_with_a_neighbour_in_common() -> None:
    known = (("car", "has", "wheel"), ("automobile", "has", "wheel"), ("moon", "is", "far"))
    joined = KnowledgeGraph.of(
        said(("ada", triples(*known)), ("ben", Same(a="car", b="automobile")), ("ben", Same(a="car", b="moon")))
    )
    assert len({"car", "automobile"} & set(joined.names)) == 1
    assert "moon" in joined.names
    assert joined.degree("wheel") == 1


@given(
    st.lists(st.tuples(st.sampled_from("abcdef"), st.sampled_from("xy"), st.sampled_from("abcdefgh")), min_size=1),
    st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from("defgh")), max_size=6),
    st.integers(0, 99),
)
@settings(max_examples=60)
def test_every_order_of_delivery_gives_the_same_graph(
    found: list[tuple[str, str, str]], same: list[tuple[str, str]], seed: int
) -> None:
    bodies: list[tuple[str, Body]] = [(f"p{i % 3}", triples(one)) for i, one in enumerate(found)]
    bodies += [("p0", Same(a=a, b=b)) for a, b in same]
    messages = said(*bodies)
    mixed = KnowledgeGraph.of(Random(seed).sample(messages, len(messages)))
    assert mixed == KnowledgeGraph.of(messages)
    assert mixed.names == KnowledgeGraph.of(messages).names


def test_paths_exist_are_drawn_by_seed_and_waypoints_lead_through_more_communities() -> None:
    reference = nx.barabasi_albert_graph(2_000, 2, seed=1)
    graph = graph_of(list(reference.edges))
    communities = nx.community.louvain_communities(reference, seed=1)
    community = {f"n{node}": i for i, members in enumerate(communities) for node in members}
    rng, seen = Random(2), dict[str, list[int]]()
    for number in range(60):
        a, b = (f"n{node}" for node in rng.sample(range(2_000), 2))
        for mode in ("shortest", "waypoints"):
            path = graph.path(a, b, mode, seed=number)
            assert (path[0], path[-1]) == (a, b)
            assert all(reference.has_edge(int(x[1:]), int(y[1:])) for x, y in pairwise(path))
            assert number or path == graph_of(list(reference.edges)[::-1]).path(a, b, mode, seed=number)
            seen.setdefault(mode, []).append(len({community[name] for name in path}))
            if mode == "shortest":
                assert len(path) == nx.shortest_path_length(reference, int(a[1:]), int(b[1:])) + 1
    assert np.mean(seen["waypoints"]) >= 1.4 * np.mean(seen["shortest"])
    assert len({graph.path("n1", "n1999", "waypoints", seed=seed) for seed in range(5)}) > 1


def test_a_path_of_one_concept_is_itself_and_what_is_said_along_a_path_can_be_read() -> None:
    graph = KnowledgeGraph.of(said(("ada", triples(("bee", "makes", "honey"), ("honey", "has", "sugar")))))
    assert graph.path("bee", "bees") == ("bee",)
    path = graph.path("bee", "sugar")
    assert path == ("bee", "honey", "sugar")
    assert set(graph.about(path)) == {("bee", "makes", "honey"), ("honey", "has", "sugar")}


def test_unknown_concepts_and_modes_and_parts_that_nothing_joins_are_named() -> None:
    graph = KnowledgeGraph.of(said(("ada", triples(("bee", "makes", "honey"), ("moon", "is", "far")))))
    with pytest.raises(UnknownName, match="honey"):
        graph.neighbours("hony")
    with pytest.raises(RunFailed, match="nothing leads"):
        graph.path("bee", "moon")
    with pytest.raises(RunFailed, match="nothing leads"):
        graph.path("bee", "moon", "waypoints")
    with pytest.raises(UnknownName, match="shortest"):
        graph.path("bee", "honey", "short")  # pyright: ignore[reportArgumentType]
    assert graph.path("bee", "honey", "waypoints") == ("bee", "honey")  # no third node is within reach
    assert len(KnowledgeGraph.of([])) == 0


@pytest.mark.parametrize("name", ["", " ", "two\nlines", "n" * 121, "e\u0301"])
def test_names_that_no_node_may_have_are_refused(name: str) -> None:
    with pytest.raises(UsageError):
        triples((name, "is", "x"))
    with pytest.raises(UsageError):
        Same(a="x", b=name)


def test_no_triples_too_many_and_one_name_twice_are_refused() -> None:
    for wrong in ((), (("a", "is", "b"),) * 65):
        with pytest.raises(UsageError):
            Triples(triples=wrong)
    with pytest.raises(UsageError):
        Triples(triples=(("a", "is", "b"),), sources=(b"short",))
    with pytest.raises(UsageError, match="one name already"):
        Same(a="Bees", b="the bee")
    assert node_of("news ") == "new"  # a plural by its looks: merging by name is rough


def grown(by_mention: bool, rounds: int = 1_500) -> tuple[list[int], KnowledgeGraph]:
    """Grow a graph as the card does: 2 to 5 relations a round, 55 % of them to what is known; nodes by round.

    What is known is drawn in proportion to mentions, or uniformly; so is the next focus.
    """
    rng, size = Random(3), 1
    mentions, edges, sizes = [0], set[tuple[int, int]](), list[int]()
    for _ in range(rounds):
        focus = rng.choice(mentions) if by_mention else rng.randrange(size)
        for _ in range(rng.randrange(2, 6)):
            known = rng.random() < 0.55
            target = (rng.choice(mentions) if by_mention else rng.randrange(size)) if known else size
            size += target == size
            if target != focus:
                edges.add((min(focus, target), max(focus, target)))
                mentions += [focus, target]
        sizes.append(size)
    return sizes, graph_of(sorted(edges))


def test_growth_is_linear_and_mentions_alone_make_hubs_with_a_heavy_tail() -> None:
    sizes, hubs = grown(by_mention=True)
    assert np.corrcoef(np.arange(len(sizes)), sizes)[0, 1] ** 2 >= 0.99
    largest = [max(graph.degree(name) for name in graph.names) for graph in (hubs, grown(by_mention=False)[1])]
    assert largest[0] >= 3 * largest[1]
    degrees = [d for d in (hubs.degree(name) for name in hubs.names) if d >= 10]
    exponent = 1 + len(degrees) / sum(np.log(d / 9.5) for d in degrees)  # Clauset et al. 2009, eq. 3.7
    assert 2 <= exponent <= 3


def test_ten_thousand_triples_are_one_graph() -> None:
    rng = Random(0)
    bodies: list[tuple[str, Body]] = [
        (f"p{i % 5}", triples(*((f"c{rng.randrange(3_000)}", "r", f"d{rng.randrange(3_000)}") for _ in range(50))))
        for i in range(200)
    ]
    graph = KnowledgeGraph.of(said(*bodies))
    assert 9_900 < len(graph.edges) <= 10_000


def explored(peers: int, alike: bool, rounds: int = 60) -> int:
    """Let peers ask an oracle about a hidden graph, four facts an answer; return how many nodes they found."""
    hidden = nx.barabasi_albert_graph(3_000, 2, seed=5)
    rng = Random(7)
    edges, asked = {("n0", "near", f"n{next(iter(hidden[0]))}"): frozenset[Any]()}, set[str]()
    for _ in range(rounds):
        graph = KnowledgeGraph(edges)
        for peer in range(peers):
            focus = next_focus(graph, asked, local_peer_id("p0" if alike else f"p{peer}"))
            if focus is None:
                break
            around = sorted(hidden[int(focus[1:])])
            for node in rng.sample(around, min(4, len(around))):
                edges["n" + focus[1:], "near", f"n{node}"] = frozenset()
            if not alike or peer == peers - 1:
                asked.add(focus)
    return len(KnowledgeGraph(edges))


def test_four_peers_that_pick_their_own_focus_find_over_three_times_as_much_as_one() -> None:
    one = explored(1, alike=False)
    assert explored(4, alike=False) >= 3.2 * one
    assert explored(4, alike=False) > explored(4, alike=True)


def test_a_focus_is_an_open_node_and_hubs_or_the_rim_come_first_when_asked_for() -> None:
    graph = graph_of([(0, i) for i in range(1, 6)])
    me = local_peer_id("ada")
    assert next_focus(graph, (), me, "hub") == "n0"
    assert next_focus(graph, (), me, "rim") != "n0"
    assert next_focus(graph, graph.names, me) is None
    assert Counter(next_focus(graph, (), local_peer_id(f"p{i}")) for i in range(60)).keys() == set(graph.names)
    with pytest.raises(UnknownName, match="rendezvous"):
        next_focus(graph, (), me, "hubs")  # pyright: ignore[reportArgumentType]
