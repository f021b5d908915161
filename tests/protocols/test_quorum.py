from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from waggledance.core import UNIT, Message, MessageId, PeerId, Proposal, UsageError, swarm_id
from waggledance.protocols import Quorum
from waggledance.protocols._quorum import needed_weight


def peer(number: int) -> PeerId:
    return PeerId(bytes([number]) * 32)


def says(keys: Sequence[str | None]) -> list[Message[Proposal]]:
    return [
        Message(MessageId(bytes([i + 100]) * 32), peer(i), Proposal(key=key), 1, None, (), 1, 0, swarm_id("t"), "q1")
        for i, key in enumerate(keys)
    ]


@pytest.mark.parametrize(("for_a", "met"), [(5, False), (6, True), (7, True)])
def test_a_quorum_is_met_at_its_share_and_not_one_below(for_a: int, met: bool) -> None:
    decision = Quorum(0.6, "undecided")(says(["a"] * for_a + ["b"] * (10 - for_a)), (), {})
    assert (decision.status, decision.key) == (("decided", "a") if met else ("undecided", None))


def test_those_who_say_nothing_count_among_all() -> None:
    roster = {peer(i): UNIT for i in range(10)}
    assert Quorum(0.5, "undecided")(says(["a"] * 4), (), roster).status == "undecided"
    assert Quorum(0.5, "undecided")(says(["a"] * 5), (), roster).key == "a"


def test_without_a_quorum_the_leader_is_taken_and_the_note_says_so() -> None:
    decision = Quorum(0.9)(says(["a", "a", "b", None]), (), {})
    assert decision.key == "a"
    assert decision.notes == ("no quorum: the leading answer has 2 of 4 peers, 3.6 were needed",)
    assert decision.confidence == 0.5


def test_undecided_keeps_the_support_and_everybody_as_dissent() -> None:
    decision = Quorum(0.9, "undecided")(says(["a", "a", "b"]), (), {})
    assert decision.support == {"a": 2 * UNIT, "b": UNIT}
    assert len(decision.dissent) == 3


@given(
    keys=st.lists(st.sampled_from(["a", "b", None]), min_size=1, max_size=12),
    share=st.floats(0.51, 1),
    data=st.data(),
)
def test_two_parts_of_a_roster_never_adopt_two_answers_above_one_half(
    keys: list[str | None], share: float, data: st.DataObject
) -> None:
    roster = {peer(i): UNIT for i in range(len(keys))}
    said = says(keys)
    part = data.draw(st.sets(st.integers(0, len(keys) - 1)))
    rule = Quorum(share, "undecided")
    one = rule([m for i, m in enumerate(said) if i in part], (), roster)
    other = rule([m for i, m in enumerate(said) if i not in part], (), roster)
    assert one.key is None or other.key is None


@given(share=st.floats(0.001, 1), weights=st.lists(st.integers(0, 5 * UNIT), min_size=1, max_size=8))
def test_the_needed_weight_is_the_least_that_is_a_share(share: float, weights: list[int]) -> None:
    needed = needed_weight(share, {peer(i): weight for i, weight in enumerate(weights)})
    assert needed >= 1
    assert needed * UNIT >= round(share * UNIT) * sum(weights)
    assert needed == 1 or (needed - 1) * UNIT < round(share * UNIT) * sum(weights)


@pytest.mark.parametrize("share", [0, -0.5, 1.01, float("nan")])
def test_a_share_out_of_range_is_refused(share: float) -> None:
    with pytest.raises(UsageError, match="above 0 and up to 1"):
        Quorum(share)
