"""What agents say of themselves: of each author the newest word, whatever the order."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from waggledance.core import Channel, UsageError, local_peer_id, swarm_id
from waggledance.memory import AgentStatus, statuses

CHANNEL = Channel(swarm_id("bees"), "q1")
ANNA, BEN = local_peer_id("anna"), local_peer_id("ben")
SAID = [CHANNEL.publish(author, AgentStatus(goal=f"step {n} of {i}"), [], 0)
        for n in range(4) for i, author in enumerate((ANNA, BEN))]  # fmt: skip


@settings(max_examples=30)
@given(order=st.permutations(SAID), cut=st.integers(0, 8))
def test_the_newest_word_of_each_counts_in_any_order_and_folded_in_parts(order: list[Any], cut: int) -> None:
    whole = statuses(order)
    assert {author: said.body.goal for author, said in whole.items()} == {ANNA: "step 3 of 0", BEN: "step 3 of 1"}
    assert statuses([*statuses(order[:cut]).values(), *order[cut:]]) == whole


def test_nothing_said_is_nothing_known() -> None:
    assert statuses([]) == {}


@pytest.mark.parametrize(
    "wrong",
    [
        {"goal": ""},
        {"goal": "two\nlines"},
        {"goal": "x" * 121},
        {"goal": "e\u0301"},
        {"goal": "g", "needs": ("",)},
        {"goal": "g", "needs": ("a",) * 65},
        {"goal": "g", "has": (("wood", -1),)},
        {"goal": "g", "places": (("wood", " "),)},
    ],
)
def test_a_status_that_is_none_is_not_born(wrong: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match="a status"):
        AgentStatus(**wrong)
