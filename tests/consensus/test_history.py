"""History: answers as codes, whatever the order in which they are told, and what is not an answer."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from waggledance.consensus import History
from waggledance.core import UNIT, Message, PeerId, Proposal, UsageError, local_peer_id

ANN, BOB, EVE = (local_peer_id(name) for name in ("ann", "bob", "eve"))
Rows = list[dict[PeerId, str | None]]
rows_of_three = st.lists(
    st.dictionaries(st.sampled_from([ANN, BOB, EVE]), st.sampled_from(["4", "5", "6", None])), max_size=6
)


@given(rows=rows_of_three, rng=st.randoms(use_true_random=False))
def test_every_answer_can_be_read_back_whatever_the_order_of_peers(rows: Rows, rng: Random) -> None:
    history = History.of(dict(rng.sample(sorted(row.items()), k=len(row))) for row in rows)
    for number, row in enumerate(rows):
        for peer, key in row.items():
            code = int(history.codes[number, history.peers.index(peer)])
            assert key == (None if code == -1 else history.answers[number][code])
    assert history.codes.shape == (len(rows), len({peer for row in rows for peer in row}))


def test_a_peer_missing_from_a_row_gave_no_answer_to_it() -> None:
    history = History.of([{ANN: "4"}, {BOB: "5", ANN: "4"}])
    column = history.peers.index(BOB)
    assert history.codes[:, column].tolist() == [-1, 1]


def test_confidences_go_with_answers_only() -> None:
    history = History.of([{ANN: "4", BOB: None}], [{ANN: 900_000, BOB: 800_000, EVE: 1}])
    stated = dict(zip(history.peers, history.confidence_ppm[0].tolist(), strict=True))
    assert stated == {ANN: 900_000, BOB: -1}


@pytest.mark.parametrize("ppm", [-1, UNIT + 1, float("nan")])
def test_a_confidence_outside_of_0_to_1_is_refused(ppm: int) -> None:
    with pytest.raises(UsageError, match="a confidence lies between 0 and 1000000"):
        History.of([{ANN: "4"}], [{ANN: ppm}])


def test_rows_and_confidences_of_unequal_length_are_refused() -> None:
    with pytest.raises(UsageError, match="2 rows of answers need as many rows of confidences, got 1"):
        History.of([{ANN: "4"}, {ANN: "5"}], [{}])


def test_proposals_of_many_channels_are_questions_and_the_last_word_counts(
    say: Callable[..., Message[Proposal]],
) -> None:
    said = [
        say("ann", "4", confidence_ppm=1),
        say("ann", "5", sequence=2),
        say("bob", "4"),
        say("bob", None, sequence=3),
    ]
    history = History.of_proposals([*said, *reversed(said)])
    assert (history.questions, history.answers) == (("q",), (("5",),))
    assert dict(zip(history.peers, history.codes[0].tolist(), strict=True)) == {ANN: 0, BOB: -1}


def test_known_answers_are_codes_and_right_is_who_gave_them() -> None:
    history = History.of([{ANN: "4", BOB: "5"}, {ANN: "4", BOB: None}, {ANN: "7"}])
    known = history.known(["5", "9", None])
    assert known.tolist() == [1, -1, -2]
    assert known.tolist() == history.known({0: "5", 1: "9"}).tolist()
    right = dict(zip(history.peers, history.right(known).T.tolist(), strict=True))
    assert right[ANN][:2] == [0.0, 0.0]
    assert right[BOB][0] == 1.0
    assert np.isnan([right[ANN][2], right[BOB][1], right[BOB][2]]).all()


@pytest.mark.parametrize("number", [-1, 1])
def test_a_key_to_no_question_is_refused(number: int) -> None:
    with pytest.raises(UsageError, match=f"there is no question {number}: the history has 1"):
        History.of([{ANN: "4"}]).known({number: "4"})


def test_an_empty_history_has_no_peers_and_no_questions() -> None:
    history = History.of([])
    assert (history.peers, history.codes.shape) == ((), (0, 0))
    assert History.of_proposals([]).questions == ()
