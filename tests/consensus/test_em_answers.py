"""EM on answers: accuracies without a key, what probes add, and histories that say nothing."""

from __future__ import annotations

from math import exp
from random import Random

import numpy as np
import pytest

from waggledance.consensus import AnswerReliability, History, em_answers
from waggledance.core import UNIT, PeerId, UsageError, local_peer_id

NAMES = tuple(f"p{i}" for i in range(7))
PEERS = tuple(local_peer_id(name) for name in NAMES)
Rows = list[dict[PeerId, str | None]]


def world(accuracy: dict[PeerId, float], questions: int, seed: int, options: int = 4) -> tuple[Rows, list[str]]:
    """Return answers of peers that err independently, truth at a random place, and the key."""
    rng = Random(seed)
    names = "ABCDEFGHIJ"[:options]
    truth = [rng.choice(names) for _ in range(questions)]
    rows: Rows = [
        {p: key if rng.random() < a else rng.choice([x for x in names if x != key]) for p, a in accuracy.items()}
        for key in truth
    ]
    return rows, truth


def share_right(decided: tuple[str | None, ...], truth: list[str]) -> float:
    return sum(a == b for a, b in zip(decided, truth, strict=True)) / len(truth)


def plurality(rows: Rows, rng: Random) -> tuple[str | None, ...]:
    said = [[key for _, key in sorted(row.items()) if key] for row in rows]
    return tuple(max(sorted(set(keys)), key=lambda key: (keys.count(key), rng.random())) for keys in said)


def test_accuracies_are_found_without_a_key_and_few_good_peers_outvote_many_that_guess() -> None:
    accuracy = dict(zip(PEERS, (0.9, 0.85, 0.8, 0.3, 0.3, 0.3, 0.3), strict=True))
    rows, truth = world(accuracy, 400, seed=3)
    found = em_answers(History.of(rows))
    assert found.converged
    assert all(abs(found.accuracy[peer] - accuracy[peer]) < 0.1 for peer in PEERS), found.accuracy
    assert share_right(found.decide(), truth) > share_right(plurality(rows, Random(0)), truth) + 0.05


def test_neither_order_of_questions_nor_of_peers_changes_a_bit() -> None:
    rows, _ = world(dict(zip(PEERS, (0.8, 0.7, 0.6, 0.5, 0.5, 0.4, 0.3), strict=True)), 80, seed=2)
    rng = Random(3)
    order = rng.sample(range(80), 80)
    shuffled: Rows = [dict(rng.sample(sorted(rows[i].items(), key=lambda item: item[0]), 7)) for i in order]
    one, other = em_answers(History.of(rows)), em_answers(History.of(shuffled))
    assert (one.ability, one.accuracy, one.weights()) == (other.ability, other.accuracy, other.weights())
    assert np.array_equal(one.posterior[order], other.posterior)


def test_renaming_answers_changes_no_chance() -> None:
    rows, _ = world(dict.fromkeys(PEERS, 0.6), 60, seed=4)
    renamed: Rows = [{p: None if k is None else f"{5 - ord(k) % 5} said" for p, k in row.items()} for row in rows]
    plain, other = em_answers(History.of(rows)), em_answers(History.of(renamed))
    for number, row in enumerate(rows):
        assert {f"{5 - ord(k) % 5} said": chance for k, chance in plain.chances(number).items()} == other.chances(
            number
        )
        assert set(plain.chances(number)) == set(row.values())


def test_chances_and_the_chance_that_none_is_right_sum_to_1() -> None:
    rows, _ = world(dict.fromkeys(PEERS, 0.5), 50, seed=5)
    assert np.allclose(em_answers(History.of(rows)).posterior.sum(axis=1), 1.0, atol=1e-12)


def colluding(seed: int) -> tuple[Rows, list[str], list[PeerId]]:
    """Return answers where 4 of 7 always give the same wrong answer."""
    rng = Random(seed)
    liars = rng.sample(PEERS, 4)
    rows, truth = world(dict.fromkeys(PEERS, 0.75), 300, seed)
    for row, key in zip(rows, truth, strict=True):
        lie = rng.choice([x for x in "ABCD" if x != key])
        row.update(dict.fromkeys(liars, lie))
    return rows, truth, liars


def test_a_majority_that_lies_alike_wins_without_probes_and_loses_against_them() -> None:
    rows, truth, liars = colluding(6)
    history = History.of(rows)
    assert share_right(em_answers(history).decide(), truth) < 0.1
    known = history.known({i: truth[i] for i in range(0, 300, 10)})
    anchored = em_answers(history, known=known)
    unseen = [i for i in range(300) if i % 10]
    decided = anchored.decide()
    assert share_right(tuple(decided[i] for i in unseen), [truth[i] for i in unseen]) > 0.75
    assert all(anchored.weights()[liar] == 0 for liar in liars)


def test_known_questions_are_as_told() -> None:
    rows, truth, _ = colluding(7)
    history = History.of(rows)
    found = em_answers(history, known=history.known({0: truth[0], 1: "said by nobody"}))
    assert found.chances(0)[truth[0]] == pytest.approx(1.0)
    assert found.posterior[1, -1] == pytest.approx(1.0)


def test_weights_are_log_odds_in_whole_numbers_and_never_below_0() -> None:
    rows, _ = world(dict(zip(PEERS, (0.95, 0.9, 0.8, 0.7, 0.1, 0.1, 0.1), strict=True)), 300, seed=8, options=2)
    found = em_answers(History.of(rows))
    weights = found.weights()
    assert all(type(weight) is int and weight >= 0 for weight in weights.values())
    assert [weights[peer] for peer in PEERS[4:]] == [0, 0, 0]
    odds = exp(weights[PEERS[0]] / UNIT) / (1 + found.concentration)
    assert odds / (1 + odds) == pytest.approx((found.accuracy[PEERS[0]] * 300 + 1) / 302, abs=1e-5)


def test_a_copy_of_a_peer_that_counts_nothing_changes_no_chance() -> None:
    rows, _ = world(dict(zip(PEERS[:4], (0.8, 0.7, 0.6, 0.5), strict=True)), 100, seed=9)
    copied: Rows = [{**row, PEERS[5]: row[PEERS[0]]} for row in rows]
    alone = em_answers(History.of(rows))
    beside = em_answers(History.of(copied), independence={PEERS[5]: 0})
    assert np.allclose(alone.posterior, beside.posterior, atol=0.02)  # its ability still enters the mean of abilities


@pytest.mark.parametrize("rows", [[], [{}], [{PEERS[0]: None}]])
def test_nothing_said_gives_no_decision_and_no_error(rows: Rows) -> None:
    found: AnswerReliability = em_answers(History.of(rows))
    assert found.decide() == (None,) * len(rows)


def test_a_single_peer_is_believed_and_says_nothing_about_itself() -> None:
    found = em_answers(History.of([{PEERS[0]: "4"}, {PEERS[0]: None}, {PEERS[0]: "5"}]))
    assert found.decide() == ("4", None, "5")


def test_all_answers_equal_are_all_decided_and_all_distinct_ones_fall_by_hash() -> None:
    equal = em_answers(History.of([dict.fromkeys(PEERS, "4")] * 30))
    assert set(equal.decide()) == {"4"}
    distinct = em_answers(History.of([{peer: f"{i}" for i, peer in enumerate(PEERS)} for _ in range(280)]))
    counts = [distinct.decide().count(f"{i}") for i in range(7)]
    assert sum(counts) == 280
    assert min(counts) >= 18, counts  # 40 ± 3.7 s.d.


def test_a_key_of_another_length_is_refused() -> None:
    with pytest.raises(UsageError, match="known has one entry a question: 1"):
        em_answers(History.of([{PEERS[0]: "4"}]), known=np.array([0, 0]))
