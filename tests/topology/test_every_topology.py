"""The laws that every topology keeps; a new topology is one more line in `TOPOLOGIES`."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from waggledance.core import PeerId, UsageError, local_peer_id
from waggledance.topology import Complete, Graph, Groups, KRegular, Ring, SmallWorld, Star, Topology, by_name, heard_in

ARRANGEMENTS = [
    Complete(),
    Ring(),
    Ring(2),
    Star(),
    Star("rotating"),
    KRegular(2),
    KRegular(3),
    KRegular(4),
    KRegular(8),
    SmallWorld(2, 1.0),
    SmallWorld(4, 0.1),
    SmallWorld(6, 0.5),
    Groups(2),
    Groups(3),
    Groups(3, "summary", 150),
    Groups(2, "texts"),
]
NAMES = [arrangement.name for arrangement in ARRANGEMENTS]
every_topology = pytest.mark.parametrize("topology", ARRANGEMENTS, ids=NAMES)
sizes = st.integers(1, 40)
rounds = st.integers(0, 5)
seeds = st.integers(0, 2**40)


def roster(n: int) -> tuple[PeerId, ...]:
    return tuple(local_peer_id(f"p{i}") for i in range(n))


def seated(topology: Complete | Ring | Star | KRegular | SmallWorld | Groups, n: int) -> tuple[PeerId, ...]:
    """Return a roster that the topology can seat; skip the example otherwise."""
    try:
        topology.check(n)
    except UsageError:
        assume(False)
    return roster(n)


def hears(topology: Topology, peers: tuple[PeerId, ...], round: int, seed: int) -> dict[PeerId, frozenset[PeerId]]:
    """Return whom everybody hears, as the topology tells each one."""
    everybody = frozenset(peers)
    told = {me: topology.speakers(me, round, peers, (), seed) for me in peers}
    return {me: everybody - {me} if speakers is None else speakers for me, speakers in told.items()}


def reached(links: dict[PeerId, frozenset[PeerId]], start: PeerId) -> set[PeerId]:
    found, open_ends = {start}, [start]
    while open_ends:
        new = links[open_ends.pop()] - found
        found |= new
        open_ends += new
    return found


@every_topology
@given(n=sizes, round=rounds, seed=seeds)
def test_everybody_hears_what_the_plan_says_and_never_itself(topology: Ring, n: int, round: int, seed: int) -> None:
    peers = seated(topology, n)
    plan = topology.plan(round, peers, (), seed)
    for me, speakers in hears(topology, peers, round, seed).items():
        assert speakers == heard_in(plan, me)
        assert me not in speakers
        assert speakers <= set(peers)


@every_topology
@given(n=sizes, round=rounds, seed=seeds)
def test_hearing_is_mutual(topology: Ring, n: int, round: int, seed: int) -> None:
    links = hears(topology, seated(topology, n), round, seed)
    assert all(me in links[other] for me, others in links.items() for other in others)


@every_topology
@given(n=sizes, pair=st.integers(0, 3), seed=seeds)
def test_word_gets_from_anyone_to_anyone_within_two_plans(topology: Ring, n: int, pair: int, seed: int) -> None:
    peers = seated(topology, n)
    first = hears(topology, peers, 2 * pair, seed)
    second = hears(topology, peers, 2 * pair + 1, seed)
    links = {me: first[me] | second[me] for me in peers}
    assert reached(links, peers[0]) == set(peers)


@every_topology
@given(n=sizes, round=rounds, seed=seeds, rng=st.randoms(use_true_random=False))
def test_the_order_of_the_roster_does_not_matter(topology: Ring, n: int, round: int, seed: int, rng: Random) -> None:
    peers = seated(topology, n)
    shuffled = tuple(rng.sample(peers, k=n))
    assert hears(topology, peers, round, seed) == hears(topology, shuffled, round, seed)
    assert set(topology.plan(round, peers, (), seed)) == set(topology.plan(round, shuffled, (), seed))


@every_topology
def test_a_list_that_changes_is_read_anew(topology: Ring) -> None:
    peers = list(roster(10))
    before = topology.speakers(peers[0], 0, peers, (), 1)
    peers[1:] = [local_peer_id(f"q{i}") for i in range(9)]
    after = topology.speakers(peers[0], 0, peers, (), 1)
    assert before is None or after is None or not before & after


@every_topology
@pytest.mark.parametrize("n", [1, 2, 3, 4])
def test_few_peers_are_seated_or_refused_with_a_way_out(topology: Ring, n: int) -> None:
    peers = roster(n)
    try:
        topology.check(n)
    except UsageError:
        with pytest.raises(UsageError, match="choose"):
            topology.speakers(peers[0], 0, peers, (), 0)
    else:
        links = hears(topology, peers, 0, 0)
        assert all(links.values()) or n == 1


@every_topology
def test_a_topology_seats_nobody_but_peers(topology: Ring) -> None:
    with pytest.raises(UsageError, match="at least one peer"):
        topology.check(0)


@every_topology
def test_a_name_makes_the_same_topology_again(topology: Ring) -> None:
    assert by_name(topology.name) == topology


@pytest.mark.parametrize(
    ("graph", "drawn"),
    [
        (KRegular(3), "346 347 567 017 015 246 025 123"),
        (SmallWorld(4, 0.5), "1357 023467 167 0167 156 047 1234 01235"),
        (Groups(3), "267 345 067 145 135 134 027 026"),
    ],
)
def test_what_a_seed_draws_is_a_promise(graph: Graph, drawn: str) -> None:
    """Peers with different versions of this library must draw one plan."""
    assert " ".join("".join(map(str, near)) for near in graph.hears(8, 1, 7)) == drawn
