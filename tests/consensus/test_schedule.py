"""Schedules: who compares what, in which order."""

from collections import Counter
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from waggledance.consensus import pairs
from waggledance.core import Message, Proposal, UsageError, local_peer_id

Say = Callable[..., Message[Proposal]]


@given(keys=st.lists(st.sampled_from(["A", "B", "C", None]), min_size=1, max_size=8), seed=st.integers(0, 2**30))
def test_each_two_distinct_answers_are_compared_once_and_never_by_ones_own_text_if_there_is_another(
    say: Say, keys: list[str | None], seed: int
) -> None:
    said = [say(f"p{i}", key) for i, key in enumerate(keys)]
    for me, own in enumerate(keys):
        due = pairs(said, local_peer_id(f"p{me}"), seed)
        compared = Counter(frozenset({str(a.body.key), str(b.body.key)}) for a, b in due)
        distinct = len(set(keys) - {None})
        assert len(compared) == distinct * (distinct - 1) // 2
        assert set(compared.values()) <= {1}
        if keys.count(own) > 1:
            assert all(m.author != local_peer_id(f"p{me}") for pair in due for m in pair)


def test_a_schedule_is_blind_to_the_order_and_repetition_of_proposals(say: Say) -> None:
    said = [say(f"p{i}", "ABAC"[i]) for i in range(4)]
    judge = local_peer_id("p0")
    assert pairs(said, judge, 5) == pairs([*said[::-1], said[0]], judge, 5)


def test_either_answer_is_read_first_about_equally_often_and_each_text_stands_for_its_answer(say: Say) -> None:
    said = [say("p0", "A"), say("p1", "A"), say("p2", "B")]
    first: Counter[str] = Counter()
    texts: Counter[str] = Counter()
    for seed in range(400):
        [(a, b)] = pairs(said, local_peer_id("judge"), seed)
        first[str(a.body.key)] += 1
        texts.update(m.body.text for m in (a, b))
    assert 150 < first["A"] < 250
    assert 150 < texts["p0: A"] < 250
    assert texts["p2: B"] == 400


def test_judges_read_in_orders_of_their_own(say: Say) -> None:
    said = [say("p0", "A"), say("p1", "B")]
    assert len({pairs(said, local_peer_id(f"j{i}"), 1)[0][0].id for i in range(20)}) == 2


def test_the_full_schedule_draws_3n_pairs_of_others_texts(say: Say) -> None:
    said = [say(f"p{i}", "AB"[i % 2]) for i in range(9)]
    due = pairs(said, local_peer_id("p0"), 1, per_judge=3 * 9, unit="proposal")
    assert len({frozenset({a.id, b.id}) for a, b in due}) == 27
    assert all(m.author != local_peer_id("p0") for pair in due for m in pair)
    assert len(pairs(said, local_peer_id("p0"), 1, unit="proposal")) == 28


def test_fewer_than_no_pairs_are_refused(say: Say) -> None:
    with pytest.raises(UsageError, match="per_judge=-1"):
        pairs([say("p0", "A")], local_peer_id("p0"), 1, per_judge=-1)
