"""Switching ends of edges: degrees stay, parts are joined."""

from random import Random

from hypothesis import given
from hypothesis import strategies as st

from waggledance.topology._draws import Draws
from waggledance.topology._switching import Adjacency, connect, randomise


def circles(sizes: list[int]) -> Adjacency:
    """Return a graph of separate circles."""
    adjacency: Adjacency = []
    for size in sizes:
        first = len(adjacency)
        adjacency += [{first + (i - 1) % size, first + (i + 1) % size} for i in range(size)]
    return adjacency


def parts(adjacency: Adjacency) -> int:
    unseen, count = set(range(len(adjacency))), 0
    while unseen:
        count += 1
        open_ends = [unseen.pop()]
        while open_ends:
            near = adjacency[open_ends.pop()] & unseen
            unseen -= near
            open_ends += near
    return count


def is_simple(adjacency: Adjacency) -> bool:
    return all(a not in near and all(a in adjacency[b] for b in near) for a, near in enumerate(adjacency))


@given(sizes=st.lists(st.integers(3, 8), min_size=1, max_size=8))
def test_separate_circles_become_one_graph_with_the_same_degrees(sizes: list[int]) -> None:
    adjacency = circles(sizes)
    connect(adjacency)
    assert parts(adjacency) == 1
    assert is_simple(adjacency)
    assert all(len(near) == 2 for near in adjacency)


@given(trees=st.integers(1, 6), seed=st.integers(0, 1_000))
def test_single_edges_are_joined_to_a_part_that_has_edges_to_spare(trees: int, seed: int) -> None:
    spare = 2 * trees + 3  # a complete graph with more spare edges than there are parts
    adjacency: Adjacency = [set(range(spare)) - {i} for i in range(spare)]
    for _ in range(trees):
        first = len(adjacency)
        adjacency += [{first + 1}, {first}]
    order = Random(seed).sample(range(len(adjacency)), k=len(adjacency))
    mixed: Adjacency = [set() for _ in order]
    for vertex, near in enumerate(adjacency):
        mixed[order[vertex]] = {order[other] for other in near}
    degrees = [len(near) for near in mixed]
    connect(mixed)
    assert parts(mixed) == 1
    assert is_simple(mixed)
    assert [len(near) for near in mixed] == degrees


@given(sizes=st.lists(st.integers(3, 8), min_size=1, max_size=5), seed=st.integers(0, 1_000))
def test_randomising_keeps_a_simple_graph_and_its_degrees(sizes: list[int], seed: int) -> None:
    adjacency = circles(sizes)
    randomise(adjacency, Draws("test", seed))
    assert is_simple(adjacency)
    assert all(len(near) == 2 for near in adjacency)


def test_a_circle_loses_its_triangles_when_randomised() -> None:
    n = 200
    adjacency: Adjacency = [{(i + step) % n for step in (-2, -1, 1, 2)} for i in range(n)]
    randomise(adjacency, Draws("test", 1))
    triangles = sum(len(adjacency[a] & adjacency[b]) for a in range(n) for b in adjacency[a]) / 6
    assert triangles < 20  # 200 in the circle, (k-1)³/6 = 4.5 expected in a random graph
