"""Groups: teams of the right size that mix."""

from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from waggledance.core import Message, PeerId, Proposal, UsageError, local_peer_id, swarm_id
from waggledance.core._message import compose
from waggledance.protocols import heard_through, tokens_read
from waggledance.topology import Groups, Hyperedge, by_name


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


# -- between teams ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("teams", [(3, 2), (4, 3), (3, 5)])
def test_readings_of_a_round_are_as_many_as_the_formula_says(teams: tuple[int, int]) -> None:
    size, count = teams
    peers = [local_peer_id(f"p{i}") for i in range(size * count)]
    plan = Groups(size, "summary").plan(0, peers, (), 5)
    texts = sum(len(e.listeners) * (len(e.speakers) - 1) for e in plan if e.mode == "full")
    summaries = sum(len(e.listeners) for e in plan if e.mode == "summary")
    assert (texts, summaries) == (size * count * (size - 1), size * count * (count - 1))
    assert len({e.speakers for e in plan if e.mode == "summary"}) == count


def test_three_teams_of_four_read_60_where_all_of_twelve_read_132() -> None:
    peers = tuple(local_peer_id(f"p{i}") for i in range(12))
    said = _said(peers, "w " * 200)
    for peer in peers:
        heard = heard_through(Groups(4, "summary").plan(0, peers, said, 1), peer, said, round=0, seed=1)
        assert len(heard) == 3 + 2  # 5 a peer, 60 in all


@pytest.mark.parametrize("between", ["summary", "texts"])
def test_a_budget_bounds_what_is_read_of_every_other_team(between: Literal["summary", "texts"]) -> None:
    peers = tuple(local_peer_id(f"p{i}") for i in range(9))
    said = _said(peers, "because of this and of that, " * 20)
    own_team = 2 * tokens_read(said[:1])
    for peer in peers:
        plan = Groups(3, between, 40).plan(0, peers, said, 1)
        assert own_team < tokens_read(heard_through(plan, peer, said, round=0, seed=1)) <= own_team + 2 * 40


def test_one_team_hears_itself_whole_whatever_passes_between_teams() -> None:
    peers = [local_peer_id(f"p{i}") for i in range(4)]
    assert Groups(3, "summary", 10).plan(0, peers, (), 1) == Groups(3).plan(0, peers, (), 1)


def test_groups_with_summaries_are_made_by_name() -> None:
    assert by_name("groups(size=2, between=summary, budget_tokens=150)") == Groups(2, "summary", 150)
    assert by_name(Groups(4, "texts").name) == Groups(4, "texts")


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("groups(between=gossip)", "got between='gossip'"),
        ("groups(budget_tokens=150)", "set between=summary"),
        ("groups(between=summary, budget_tokens=0)", "at least 1 token"),
        ("groups(between=summary, budget_tokens=few)", "budget_tokens of topology 'groups' must be a whole number"),
        ("groups(between=3)", "between of topology 'groups' must be a word, such as nothing"),
    ],
)
def test_groups_that_make_no_sense_are_refused(name: str, why: str) -> None:
    with pytest.raises(UsageError, match=why):
        by_name(name)


def _said(peers: tuple[PeerId, ...], text: str) -> list[Message[Proposal]]:
    return [
        compose(peer, Proposal(key="4", text=text), 1, None, (), 1, 0, swarm_id("test"), "q")[0] for peer in peers
    ]  # fmt: skip
