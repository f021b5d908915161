from __future__ import annotations

from collections.abc import Callable, Sequence
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from waggledance.consensus import Merged, Numeric, borda, by_name, confidence_vote, majority, name_of, needs_of
from waggledance.core import (
    Judgement,
    Message,
    MessageId,
    Proposal,
    UnknownName,
    UsageError,
    local_peer_id,
    swarm_id,
)

Say = Callable[..., Message[Proposal]]
Judge = Callable[..., Message[Judgement]]

NEAR = Merged(majority, Numeric(relative=0.02))
KEYS = ["0.33", "1/3", "0.34", "0.5", "many", None]


def test_answers_that_are_the_same_add_up_their_votes(say: Say) -> None:
    said = [say("a", "0.5"), say("b", "0.5"), say("c", "1/3"), say("d", "0.33"), say("e", "0.333")]
    decision = NEAR(said, (), {})
    assert decision.key in {"1/3", "0.33", "0.333"}
    assert decision.support == {"0.5": 2_000_000, decision.key: 3_000_000}
    assert decision.winner in {m.id for m in said[2:]}
    assert majority(said, (), {}).key == "0.5"
    assert [note.count(", ") for note in decision.notes if "taken as" in note] == [1]


def test_the_answer_that_most_gave_stands_for_its_class(say: Say) -> None:
    said = [say("a", "1/3"), say("b", "0.33"), say("c", "0.33")]
    assert NEAR(said, (), {}).key == "0.33"
    assert NEAR(said, (), {local_peer_id("a"): 5_000_000}).key == "1/3"


@given(keys=st.lists(st.sampled_from(KEYS), max_size=7), rng=st.randoms(use_true_random=False))
def test_order_and_repetition_change_nothing(say: Say, keys: Sequence[str | None], rng: Random) -> None:
    said = [say(f"p{i}", key) for i, key in enumerate(keys)]
    shuffled = [*rng.choices(said, k=2), *rng.sample(said, k=len(said))] if said else []
    assert NEAR(shuffled, (), {}) == NEAR(said, (), {})


def test_equally_many_favour_no_spelling_over_many_channels() -> None:
    won: list[str | None] = []
    for i in range(300):
        said = [
            Message(MessageId(bytes([j]) * 32), local_peer_id(f"p{j}"), Proposal(key=key), 1, None, (), 1, 0,
                    swarm_id("s"), f"channel {i}")
            for j, key in enumerate(["1/3", "0.33"])
        ]  # fmt: skip
        won.append(NEAR(said, (), {}).key)
    assert 110 <= won.count("1/3") <= 190
    assert NEAR((), (), {}).status == "undecided"


def test_verdicts_on_texts_become_verdicts_on_classes(say: Say, judge: Judge) -> None:
    a, b, c = say("a", "1/3"), say("b", "0.33"), say("c", "0.5")
    judgements = [judge("a", [a, c]), judge("b", [b, c]), judge("c", [c, a])]
    decision = Merged(borda, Numeric(relative=0.02))([a, b, c], judgements, {})
    assert decision.key in {"1/3", "0.33"}
    assert decision.support["0.5"] == 1_000_000


def test_who_gave_no_answer_stays_without_one_beside_an_empty_answer(say: Say) -> None:
    decision = NEAR([say("a", None), say("b", "")], (), {})
    assert decision.key == ""
    assert [d.key for d in decision.dissent] == [None]


def test_it_needs_what_its_rule_needs_and_is_found_by_name() -> None:
    assert needs_of(Merged(confidence_vote, Numeric())) == {"confidence"}
    for name in ("majority merging numeric(0.01, 0.0)", "borda merging semantic(0.6)", "majority merging exact"):
        assert name_of(by_name(name)) == name
    assert by_name("majority merging numeric(0.02)") == NEAR


@pytest.mark.parametrize(
    "name",
    [
        "majority merging numeric",
        "majority merging",
        "majority merging kind(1)",
        "majority merging semantic(0.1, 0.2)",
        "majority merging exact(1)",
        "fair merging exact",
    ],
)
def test_a_name_that_is_none_is_refused(name: str) -> None:
    with pytest.raises(UnknownName):
        by_name(name)


def test_numbers_that_are_none_are_refused() -> None:
    with pytest.raises(UsageError, match="cannot be read"):
        by_name("majority merging numeric(1-1)")
    with pytest.raises(UsageError, match="tolerances"):
        by_name("majority merging numeric(2)")
