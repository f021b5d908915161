"""k-regular graphs: degrees, randomness, refusals."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from waggledance.core import UsageError, local_peer_id
from waggledance.topology import KRegular


@given(n=st.integers(2, 60), k=st.integers(1, 12), seed=st.integers(0, 2**30))
def test_everybody_has_exactly_k_neighbours_whenever_such_a_graph_exists(n: int, k: int, seed: int) -> None:
    possible = k < n and n * k % 2 == 0 and (k > 1 or n == 2)
    if not possible:
        with pytest.raises(UsageError, match="choose"):
            KRegular(k).check(n)
        return
    KRegular(k).check(n)
    for me, near in enumerate(KRegular(k).hears(n, 0, seed)):
        assert len(set(near)) == len(near) == k
        assert me not in near


def test_seeds_draw_different_graphs_and_rounds_do_not() -> None:
    peers = [local_peer_id(f"p{i}") for i in range(30)]
    graphs = {tuple(KRegular(4).plan(0, peers, (), seed)) for seed in range(20)}
    assert len(graphs) == 20
    assert KRegular(4).plan(0, peers, (), 3) == KRegular(4).plan(9, peers, (), 3)


def test_every_pair_of_peers_is_about_equally_often_neighbours() -> None:
    n, k, draws = 12, 4, 3_000
    met = [0] * n
    for seed in range(draws):
        for near in KRegular(k).hears(n, 0, seed)[0]:
            met[near] += 1
    expected = draws * k / (n - 1)
    sd = (expected * (1 - k / (n - 1))) ** 0.5
    assert all(abs(times - expected) < 5 * sd for times in met[1:]), met


def test_a_thousand_seats_share_one_drawing(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: list[int] = []
    draw = KRegular.hears

    def counted(self: KRegular, n: int, round: int, seed: int) -> tuple[tuple[int, ...], ...]:
        drawn.append(n)
        return draw(self, n, round, seed)

    monkeypatch.setattr(KRegular, "hears", counted)
    peers = tuple(local_peer_id(f"p{i}") for i in range(1_000))
    for round in range(3):
        for me in peers:
            KRegular(8).speakers(me, round, peers, (), 987_654)
    assert drawn == [1_000]


@pytest.mark.parametrize(("k", "n", "advice"), [(8, 5, "k up to 4"), (3, 5, "k=2 or k=4"), (1, 4, "k=2 or more")])
def test_a_graph_that_cannot_be_is_refused_with_what_to_do(k: int, n: int, advice: str) -> None:
    with pytest.raises(UsageError, match=advice):
        KRegular(k).check(n)


def test_nobody_can_hear_fewer_than_one_peer() -> None:
    with pytest.raises(UsageError, match="k=0"):
        KRegular(0)
