"""MeritRank: what a walk gives, what invented identities gain, and that the same edges give the same bytes."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from functools import cache
from itertools import combinations
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from waggledance.core import UNIT, PeerId, UsageError
from waggledance.mesh._reputation import ALPHA_PPM, merits, merits_from_founders

Edges = dict[tuple[PeerId, PeerId], int]
BOUND = UNIT / (UNIT - ALPHA_PPM)
CUT = b"cut"


def peer(n: int) -> PeerId:
    return PeerId(n.to_bytes(32))


EGO, B, C, D = (peer(n) for n in (1, 2, 3, 4))


def honest_graph(seed: int, nodes: int = 100, links: int = 3) -> Edges:
    """Preferential attachment, edges both ways, weights 1 to 5; the ids are shuffled."""
    rng = Random(seed)
    ids = [peer(n + 1) for n in range(nodes)]
    rng.shuffle(ids)
    edges: Edges = {}
    ends = list(range(links))
    for new in range(links, nodes):
        met: set[int] = set()
        while len(met) < links:
            met.add(rng.choice(ends))
        for old in sorted(met):
            edges[ids[new], ids[old]] = rng.randint(1, 5)
            edges[ids[old], ids[new]] = rng.randint(1, 5)
            ends += [old, new]
    return edges


def attacked(edges: Edges, shape: str, sybils: int, seed: int) -> tuple[Edges, list[PeerId]]:
    """Return the graph with an attacker behind three honest edges, and with its identities; who they all are."""
    rng = Random(seed)
    liar = peer(10**6)
    mine = [peer(10**6 + 1 + n) for n in range(sybils)]
    edges = dict(edges)
    for honest in rng.sample(sorted({a for a, _ in edges} - {EGO}), 3):
        edges[honest, liar] = 3
    links = {
        "star": [(liar, s) for s in mine],
        "cycle": [pair for s in mine for pair in ((liar, s), (s, liar))],
        "path": list(zip([liar, *mine], mine, strict=False)),
        "clique": [pair for a, b in combinations([liar, *mine], 2) for pair in ((a, b), (b, a))],
    }[shape]
    return edges | dict.fromkeys(links, 3), [liar, *mine]


def gain(shape: str, sybils: int, seed: int, beta_ppm: int, walks: int) -> float:
    """What attacker and identities have together, as a multiple of what the attacker has alone."""
    before = _alone(seed, beta_ppm, walks)
    edges, mine = attacked(honest_graph(seed), shape, sybils, seed)
    after = merits(EGO, edges, CUT, beta_ppm=beta_ppm, walks=walks)
    return sum(after.get(one, 0) for one in mine) / before


@cache
def _alone(seed: int, beta_ppm: int, walks: int) -> int:
    edges, (liar,) = attacked(honest_graph(seed), "star", 0, seed)
    return merits(EGO, edges, CUT, beta_ppm=beta_ppm, walks=walks)[liar]


def test_a_chain_gives_what_alpha_and_beta_say() -> None:
    merit = merits(EGO, {(EGO, B): 1, (B, C): 1}, CUT, walks=20_000)
    reached = 0.85, 0.85**2
    assert merit[B] / UNIT == pytest.approx(reached[0] / sum(reached), rel=0.02)
    assert merit[C] / UNIT == pytest.approx(0.1 * reached[1] / sum(reached), rel=0.02)  # hangs on B


def test_a_peer_that_two_ways_lead_to_does_not_hang_on_a_bridge() -> None:
    two_ways = {(EGO, B): 1, (EGO, C): 1, (B, D): 1, (C, D): 1}
    assert merits(EGO, two_ways, CUT)[D] > 4 * merits(EGO, two_ways | {(C, D): 0}, CUT)[D]


def test_a_walk_in_a_circle_gathers_nothing_by_coming_again() -> None:
    once = merits(EGO, {(EGO, B): 1, (EGO, C): 1}, CUT, beta_ppm=0, walks=20_000)
    circle = merits(EGO, {(EGO, B): 1, (EGO, C): 1, (B, D): 1, (D, B): 1}, CUT, beta_ppm=0, walks=20_000)
    assert circle[B] / circle[C] == pytest.approx(once[B] / once[C], rel=0.05)


def test_merit_follows_the_weight_of_feedback() -> None:
    merit = merits(EGO, {(EGO, B): 3 * UNIT, (EGO, C): UNIT}, CUT, walks=20_000)
    assert merit[B] / merit[C] == pytest.approx(3, rel=0.05)


def test_weights_beyond_what_floats_count_exactly_are_drawn_in_proportion_too() -> None:
    merit = merits(EGO, {(EGO, B): 3 * 10**40, (EGO, C): 10**40}, CUT, walks=20_000)
    assert merit[B] / merit[C] == pytest.approx(3, rel=0.05)


graphs = st.dictionaries(
    st.tuples(st.integers(1, 7).map(peer), st.integers(1, 7).map(peer)), st.integers(0, 3), max_size=20
)


@settings(max_examples=25)
@given(edges=graphs, rng=st.randoms(use_true_random=False))
def test_merit_comes_to_those_that_work_leads_to_alone_and_together_is_no_more_than_one(
    edges: Edges, rng: Random
) -> None:
    reached, ahead = {EGO}, [EGO]
    while ahead:
        at = ahead.pop()
        for (a, b), weight in edges.items():
            if a == at and weight and b not in reached:
                reached.add(b)
                ahead.append(b)
    merit = merits(EGO, edges, CUT, walks=400)
    assert set(merit) <= reached - {EGO}
    assert sum(merit.values()) <= UNIT
    assert {b for (a, b), weight in edges.items() if a == EGO and weight and b != EGO} <= set(merit)
    items = list(edges.items())
    rng.shuffle(items)
    assert merits(EGO, dict(items), CUT, walks=400) == merit


def test_self_praise_and_feedback_of_no_weight_lead_nowhere() -> None:
    assert merits(EGO, {(EGO, EGO): 9, (EGO, B): 0}, CUT) == {}
    assert merits(EGO, {(EGO, B): 1, (B, B): 99}, CUT) == merits(EGO, {(EGO, B): 1}, CUT)


def test_one_who_asked_nobody_knows_nobody() -> None:
    assert merits(EGO, {(B, C): 1}, CUT) == {}
    assert merits(EGO, {}, CUT) == {}


def test_another_cut_draws_other_walks() -> None:
    edges = honest_graph(0)
    assert merits(EGO, edges, b"one") != merits(EGO, edges, b"other")


def test_honest_peers_keep_their_order_in_the_eyes_of_a_well_connected_peer() -> None:
    """Card meritrank: Kendall τ 0.999 at θ = 0.9; the goal is 0.98.

    From a peer with three neighbours some honest ones do hang on a bridge: `benchmarks/discovery.py` shows how many.
    """
    for seed in range(3):
        edges = honest_graph(seed)
        hub = Counter(a for a, _ in edges).most_common(1)[0][0]
        plain, punished = merits(hub, edges, CUT, beta_ppm=0), merits(hub, edges, CUT)
        pairs = [(a, b) for a, b in combinations(sorted(plain), 2) if plain[a] != plain[b]]
        kept = sum((plain[a] < plain[b]) == (punished[a] < punished[b]) for a, b in pairs)
        assert 2 * kept / len(pairs) - 1 >= 0.98


SCORES = """
import json, sys
from waggledance.core import PeerId
from waggledance.mesh._reputation import merits, merits_from_founders
edges = {(PeerId(bytes.fromhex(a)), PeerId(bytes.fromhex(b))): n for a, b, n in json.load(sys.stdin)}
ego = PeerId((1).to_bytes(32))
founders = {PeerId(n.to_bytes(32)) for n in (1, 2, 3)}
for merit in (merits(ego, edges, b"cut"), merits_from_founders(founders, edges, b"cut")):
    print(*(peer.hex() + ":" + str(n) for peer, n in merit.items()))
"""


def test_two_runs_in_two_processes_give_the_same_bytes() -> None:
    edges = [(a.hex(), b.hex(), n) for (a, b), n in honest_graph(3).items()]
    outputs: list[str] = []
    for hash_seed, order in (("1", edges), ("2", edges[::-1])):
        done = subprocess.run(
            [sys.executable, "-c", SCORES],
            input=json.dumps(order),
            env={"PYTHONHASHSEED": hash_seed},
            capture_output=True,
            text=True,
            check=True,
            timeout=60,
        )
        outputs.append(done.stdout)
    assert outputs[0] == outputs[1]
    assert len(outputs[0]) > 10_000


# -- from the founders ---------------------------------------------------------------------------------------------


def test_merit_from_founders_is_alike_in_whatever_order_they_are_given_and_has_them_in_it() -> None:
    edges = honest_graph(1)
    founders = [EGO, B, C]
    merit = merits_from_founders(founders, edges, CUT)
    assert merits_from_founders(founders[::-1] + founders, edges, CUT) == merit
    assert set(founders) <= set(merit)
    assert sum(merit.values()) <= UNIT


def test_founders_without_feedback_share_alike() -> None:
    merit = merits_from_founders([B, C], {}, CUT, walks=20_000)
    assert merit[B] == pytest.approx(UNIT / 2, rel=0.03)


def test_merit_needs_a_founder() -> None:
    with pytest.raises(UsageError, match="founder"):
        merits_from_founders([], {}, CUT)


@pytest.mark.parametrize(
    "bad",
    [{"walks": 0}, {"alpha_ppm": UNIT}, {"alpha_ppm": -1}, {"beta_ppm": UNIT + 1}, {"theta_ppm": 0}],
)
def test_numbers_outside_their_range_are_refused(bad: dict[str, int]) -> None:
    with pytest.raises(UsageError):
        merits(EGO, {}, CUT, **bad)


def test_negative_feedback_is_refused() -> None:
    with pytest.raises(UsageError, match="-1"):
        merits(EGO, {(EGO, B): -1}, CUT)


# -- attacks -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", ["star", "cycle", "path", "clique"])
@pytest.mark.parametrize("sybils", [1, 10, 200])
def test_attack_d3_invented_identities_gain_no_more_than_the_bound(shape: str, sybils: int) -> None:
    """Card threats, D3, and card meritrank: gain <= 1/(1-α) whatever the shape, and <= 1.6 where bridges count."""
    if shape == "clique" and sybils > 50:
        sybils = 50  # 200 would be 40,200 edges: the benchmark has them
    assert gain(shape, sybils, 0, 0, 6_000) <= BOUND
    assert gain(shape, sybils, 0, 900_000, 6_000) <= 1.6


def test_attack_d3_what_grows_is_what_honest_peers_edges_bring() -> None:
    """The limit that the card states: 16 attack edges capture far more than one. Bounded by work, not by us."""
    honest = honest_graph(4)
    shares: list[float] = []
    for edges_in in (1, 16):
        edges = dict(honest)
        liar = peer(10**6)
        for giver in Random(4).sample(sorted({a for a, _ in honest} - {EGO}), edges_in):
            edges[giver, liar] = 3
        shares.append(merits(EGO, edges, CUT, walks=10_000).get(liar, 0) / UNIT)
    assert shares[1] > 4 * shares[0]
