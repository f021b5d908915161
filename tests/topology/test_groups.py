"""Groups: teams of the right size that mix."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from waggledance.core import UsageError, local_peer_id
from waggledance.topology import Groups, Hyperedge


@given(n=st.integers(1, 60), size=st.integers(2, 8), round=st.integers(0, 9), seed=st.integers(0, 1_000))
def test_everybody_is_in_one_team_and_teams_are_even(n: int, size: int, round: int, seed: int) -> None:
    teams = Groups(size).teams(n, round, seed)
    assert sorted(seat for team in teams for seat in team) == list(range(n))
    sizes = [len(team) for team in teams]
    assert max(sizes) - min(sizes) <= 1
    assert min(sizes) >= min(n, size)


def test_a_plan_is_one_hyperedge_a_team() -> None:
    peers = [local_peer_id(f"p{i}") for i in range(9)]
    plan = Groups(3).plan(0, peers, (), 5)
    assert len(plan) == 3
    assert all(isinstance(edge, Hyperedge) and edge.speakers == edge.listeners for edge in plan)


def test_every_team_of_an_even_round_is_split_in_the_next() -> None:
    for seed in range(50):
        before = {frozenset(team) for team in Groups(3).teams(12, 4, seed)}
        after = {frozenset(team) for team in Groups(3).teams(12, 5, seed)}
        assert not before & after


def test_one_peer_more_than_a_team_holds_is_not_left_alone() -> None:
    assert [len(team) for team in Groups(3).teams(4, 0, 1)] == [4]


def test_a_team_of_one_is_refused() -> None:
    with pytest.raises(UsageError, match="size=1"):
        Groups(1)
