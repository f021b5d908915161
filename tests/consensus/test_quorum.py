"""Quorums by weight: any two share more than may lie, and whoever is honest can still decide."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from waggledance.consensus import QuorumRule, quorum
from waggledance.core import UNIT, Member, UsageError, local_peer_id


def weighing(*weights: int) -> list[Member]:
    return [Member(local_peer_id(str(i)), f"p{i}", weight) for i, weight in enumerate(weights)]


@pytest.mark.parametrize("n", range(1, 101))
def test_with_equal_weights_it_is_more_than_half_of_members_and_liars(n: int) -> None:
    f = (n - 1) // 3
    for weight in (1, UNIT):
        assert -(-quorum(weighing(*[weight] * n)).needed // weight) == (n + f) // 2 + 1
        assert -(-quorum(weighing(*[weight] * n), "crash").needed // weight) == n // 2 + 1


@given(weights=st.lists(st.integers(0, 10**7), min_size=1, max_size=7), rule=st.sampled_from(("byzantine", "crash")))
def test_two_quorums_share_more_weight_than_may_lie_and_the_honest_are_one(
    weights: list[int], rule: QuorumRule
) -> None:
    if not sum(weights):
        return
    made = quorum(weighing(*weights), rule)
    assert 2 * made.needed - made.total > made.faulty
    assert 2 * (made.needed - 1) - made.total <= made.faulty
    assert made.total - made.faulty >= made.needed


def test_members_of_weight_0_change_nothing() -> None:
    assert quorum(weighing(3, 1, 0, 0)) == quorum(weighing(3, 1))


@pytest.mark.parametrize(
    ("members", "says"),
    [
        ([], "nobody"),
        (weighing(0), "nobody"),
        (weighing(-1), "weights are 0"),
        (weighing(2**63), "weights are 0"),
        (weighing(1) * 2, "twice"),
    ],
)
def test_members_that_cannot_be_counted_are_refused(members: list[Member], says: str) -> None:
    with pytest.raises(UsageError, match=says):
        quorum(members)


def test_an_unknown_rule_is_refused() -> None:
    with pytest.raises(UsageError, match="'byzantine' or 'crash'"):
        quorum(weighing(1), "most")  # type: ignore[arg-type] # pyright: ignore[reportArgumentType]
