"""Dependence: copies are found, their votes shared out, and independent peers left alone."""

from __future__ import annotations

from random import Random

import numpy as np
import pytest

from waggledance.consensus import Dependence, History, dependence, discounted, em_answers
from waggledance.core import UNIT, PeerId, UsageError, local_peer_id

PEERS = tuple(local_peer_id(f"p{i}") for i in range(9))
Rows = list[dict[PeerId, str | None]]


def answers(accuracy: dict[PeerId, float], questions: int, seed: int) -> tuple[Rows, list[str]]:
    rng = Random(seed)
    truth = [rng.choice("ABCDEF") for _ in range(questions)]
    rows: Rows = [
        {p: key if rng.random() < a else rng.choice([x for x in "ABCDEF" if x != key]) for p, a in accuracy.items()}
        for key in truth
    ]
    return rows, truth


def with_copies(seed: int, *, noise: float = 0.05) -> tuple[Rows, list[str]]:
    """Return answers of six peers of .6, and three that copy the first of them but for some slips."""
    rng = Random(seed)
    rows, truth = answers(dict.fromkeys(PEERS[:6], 0.6), 400, seed)
    for row in rows:
        for copy in PEERS[6:]:
            row[copy] = row[PEERS[0]] if rng.random() > noise else rng.choice("ABCDEF")
    return rows, truth


def measured(rows: Rows, truth: list[str] | None) -> Dependence:
    history = History.of(rows)
    known = None if truth is None else history.known(truth)
    return dependence(history, em_answers(history, known=known), known=known)


def test_copies_are_found_with_a_key_and_share_one_vote() -> None:
    found = measured(*with_copies(1))
    copies = {PEERS[0], *PEERS[6:]}
    assert {peer for pair in found.copies for peer in pair} == copies
    assert sum(found.independence[peer] for peer in copies) < 1.25 * UNIT
    assert all(found.independence[peer] > 0.8 * UNIT for peer in PEERS[1:6])
    assert found.notes[0] == "4 of 9 peers agree far more than their reliability explains: they share errors"


def test_independent_peers_are_no_copies_and_are_worth_nearly_their_number() -> None:
    rows, truth = answers(dict.fromkeys(PEERS[:7], 0.7), 600, seed=2)
    found = measured(rows, truth)
    assert found.copies == ()
    assert found.n_eff > 6
    assert min(found.independence.values()) > 0.8 * UNIT


def test_n_eff_is_kishs_formula_on_the_measured_correlation() -> None:
    rows, truth = answers({PEERS[0]: 0.6}, 500, seed=3)
    for row in rows:
        row[PEERS[1]] = row[PEERS[2]] = row[PEERS[0]]
    found = measured(rows, truth)
    assert found.mean_correlation == pytest.approx(1.0)
    assert found.n_eff == pytest.approx(1.0)
    assert "too few independent peers: 3 are worth 1.0" in found.notes


def test_discounting_copies_lets_the_others_be_heard() -> None:
    rows, truth = with_copies(4)
    history = History.of(rows)
    known = history.known({i: truth[i] for i in range(0, 400, 4)})
    found = em_answers(history, known=known)
    shared = dependence(history, found, known=known)
    fair = em_answers(history, known=known, independence=shared.independence)
    unseen = [i for i in range(400) if i % 4]

    def right(decided: tuple[str | None, ...]) -> int:
        return sum(decided[i] == truth[i] for i in unseen)

    assert right(fair.decide()) > right(found.decide()) + 9  # of 300


def test_weights_are_discounted_and_strangers_keep_theirs() -> None:
    found = measured(*with_copies(5))
    weights = discounted({PEERS[0]: 2 * UNIT, local_peer_id("stranger"): UNIT}, found)
    assert weights == {PEERS[0]: 2 * found.independence[PEERS[0]], local_peer_id("stranger"): UNIT}


def test_neither_order_of_questions_nor_of_peers_changes_a_bit() -> None:
    rows, _ = with_copies(6)
    one = measured(rows, None)
    other = measured([dict(reversed(row.items())) for row in reversed(rows)], None)
    assert one.independence == other.independence
    assert np.array_equal(one.correlation, other.correlation, equal_nan=True)


@pytest.mark.parametrize("rows", [[], [{PEERS[0]: "4"}], [{PEERS[0]: None, PEERS[1]: "4"}] * 40])
def test_peers_that_never_meet_share_nothing(rows: Rows) -> None:
    found = measured(rows, None)
    assert not found.shared.any()
    assert found.copies == ()


def test_reliability_of_other_peers_is_refused() -> None:
    one, other = History.of([{PEERS[0]: "4"}]), History.of([{PEERS[1]: "4"}])
    with pytest.raises(UsageError, match="not of the same peers"):
        dependence(one, em_answers(other))
