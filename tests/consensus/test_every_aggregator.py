"""The laws that every aggregator of vectors keeps; a new one is one more line in `AGGREGATORS`."""

from __future__ import annotations

from functools import partial
from random import Random
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from waggledance.consensus import (
    Aggregator,
    NoUsableVector,
    aggregate,
    flag,
    geometric_median,
    krum,
    mean,
    median,
    multi_krum,
    trimmed_mean,
)
from waggledance.core import UNIT, PeerId, UsageError

Matrix = NDArray[np.float64]

AGGREGATORS: dict[str, Aggregator] = {
    "mean": mean,
    "median": median,
    "trimmed mean": trimmed_mean,
    "geometric median": partial(geometric_median, tolerance=1e-9),
    "krum": krum,
    "multi-Krum": multi_krum,
    "flag": flag,
    "flag, one dimension": partial(flag, dimensions=1),
}
MOVABLE = {name: rule for name, rule in AGGREGATORS.items() if "flag" not in name}
ROBUST = {name: rule for name, rule in AGGREGATORS.items() if name != "mean"}

every_aggregator = pytest.mark.parametrize("rule", AGGREGATORS.values(), ids=AGGREGATORS)


@st.composite
def matrices(draw: st.DrawFn) -> Matrix:
    """Draw 1 to 9 peers who send noisy copies of one vector, as floats that repeat now and then."""
    peers, parameters = draw(st.integers(1, 9)), draw(st.integers(1, 6))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    updates = rng.normal(size=parameters) * 2 + rng.normal(size=(peers, parameters))
    if draw(st.booleans()):
        updates = np.round(updates)
    return updates


@every_aggregator
@settings(max_examples=15)
@given(updates=matrices(), rng=st.randoms(use_true_random=False))
def test_another_order_of_peers_permutes_trust_and_changes_nothing_else(
    rule: Aggregator, updates: Matrix, rng: Random
) -> None:
    order = rng.sample(range(len(updates)), k=len(updates))
    plain, permuted = rule(updates), rule(updates[order])
    assert np.allclose(permuted.vector, plain.vector, atol=1e-6)
    assert np.allclose(permuted.trust, plain.trust[order], atol=1e-6)


@every_aggregator
@settings(max_examples=15)
@given(updates=matrices(), factor=st.sampled_from([-3.0, -1.0, 0.001, 2.0, 1e6]))
def test_longer_or_turned_vectors_give_the_same_longer_or_turned(
    rule: Aggregator, updates: Matrix, factor: float
) -> None:
    assert np.allclose(rule(updates * factor).vector, rule(updates).vector * factor, atol=1e-5 * abs(factor))


@pytest.mark.parametrize("rule", MOVABLE.values(), ids=MOVABLE)
@settings(max_examples=15)
@given(updates=matrices(), shift=st.sampled_from([-7.0, 1.0, 1e4]))
def test_a_shift_of_all_shifts_the_result(rule: Aggregator, updates: Matrix, shift: float) -> None:
    assert np.allclose(rule(updates + shift).vector, rule(updates).vector + shift, atol=1e-5 + 1e-9 * abs(shift))


@pytest.mark.parametrize("rule", [flag, mean, krum, multi_krum], ids=["flag", "mean", "krum", "multi-Krum"])
@settings(max_examples=15)
@given(updates=matrices(), seed=st.integers(0, 99))
def test_a_turn_of_all_axes_turns_the_result(rule: Aggregator, updates: Matrix, seed: int) -> None:
    size = updates.shape[1]
    turn = np.linalg.qr(np.random.default_rng(seed).normal(size=(size, size))).Q
    assert np.allclose(rule(updates @ turn).vector, rule(updates).vector @ turn, atol=1e-6)


@every_aggregator
@settings(max_examples=15)
@given(row=matrices(), peers=st.integers(1, 9))
def test_what_all_send_is_the_result_and_all_are_trusted(rule: Aggregator, row: Matrix, peers: int) -> None:
    result = rule(np.repeat(row[:1], peers, axis=0))
    assert np.allclose(result.vector, row[0])
    assert np.allclose(result.trust, 1 if row[0].any() else result.trust)  # zeros have no direction, says flag


@every_aggregator
@settings(max_examples=15)
@given(updates=matrices(), junk=st.sampled_from([np.nan, np.inf, -np.inf, 1e200]), seed=st.integers(0, 99))
def test_a_row_that_is_not_finite_or_absurd_is_left_out_with_trust_0(
    rule: Aggregator, updates: Matrix, junk: float, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    at = int(rng.integers(len(updates) + 1))
    spoilt = np.insert(updates, at, 1.0, axis=0)
    spoilt[at, rng.integers(updates.shape[1])] = junk
    result = rule(spoilt)
    assert result.trust[at] == 0
    assert np.isfinite(result.vector).all()
    longest = np.linalg.norm(updates, axis=1).max()
    assert np.linalg.norm(result.vector) <= np.sqrt(updates.shape[1]) * longest * (1 + 1e-9)


@pytest.mark.parametrize("rule", [mean, median, geometric_median, flag], ids=lambda rule: rule.__name__)
@settings(max_examples=15)
@given(updates=matrices())
def test_a_spoilt_row_is_as_if_absent(rule: Aggregator, updates: Matrix) -> None:
    spoilt = np.vstack([updates, np.full(updates.shape[1], np.nan)])
    assert np.allclose(rule(spoilt).vector, rule(updates).vector, atol=1e-9)


@every_aggregator
@settings(max_examples=15)
@given(updates=matrices(), seed=st.integers(0, 99))
def test_a_row_of_weight_0_is_as_if_absent(rule: Aggregator, updates: Matrix, seed: int) -> None:
    at = seed % (len(updates) + 1)
    more, weights = np.insert(updates, at, 50.0, axis=0), np.ones(len(updates) + 1, dtype=np.int64)
    weights[at] = 0
    weighed, absent = rule(more, weights * UNIT), rule(updates)
    assert np.allclose(weighed.vector, absent.vector, atol=1e-6)
    assert weighed.trust[at] == 0
    assert np.allclose(np.delete(weighed.trust, at), absent.trust, atol=1e-6)


@every_aggregator
@settings(max_examples=15)
@given(updates=matrices(), unit=st.sampled_from([1, 3, UNIT]))
def test_equal_weights_are_no_weights(rule: Aggregator, updates: Matrix, unit: int) -> None:
    weighed = rule(updates, np.full(len(updates), unit))
    assert np.allclose(weighed.vector, rule(updates).vector, atol=1e-6)


@pytest.mark.parametrize(
    "rule",
    [mean, median, partial(geometric_median, tolerance=1e-9), partial(flag, dimensions=1), partial(flag, dimensions=2)],
    ids=["mean", "median", "geometric median", "flag 1", "flag 2"],
)
@settings(max_examples=15)
@given(updates=matrices(), seed=st.integers(0, 99))
def test_a_row_of_weight_k_is_k_rows(rule: Aggregator, updates: Matrix, seed: int) -> None:
    updates = np.vstack([updates, updates[:1] + 1])  # flag's two dimensions need two rows
    weights = np.random.default_rng(seed).integers(1, 4, size=len(updates))
    weighed, repeated = rule(updates, weights * UNIT), rule(np.repeat(updates, weights, axis=0))
    assert np.allclose(weighed.vector, repeated.vector, atol=1e-5)


@every_aggregator
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_result_has_the_type_of_what_was_sent(rule: Aggregator, dtype: type[np.floating[Any]]) -> None:
    updates: NDArray[np.floating[Any]] = np.random.default_rng(1).normal(size=(5, 7)).astype(dtype)
    result = rule(updates)
    assert result.vector.dtype == dtype
    assert result.vector.shape == (7,)
    assert result.trust.shape == (5,)
    assert np.allclose(result.vector, rule(updates.astype(np.float64)).vector, atol=1e-5)


@every_aggregator
@settings(max_examples=15)
@given(updates=matrices())
def test_trust_lies_between_0_and_1_and_somebody_has_some(rule: Aggregator, updates: Matrix) -> None:
    trust = rule(updates).trust
    assert (trust >= 0).all()
    assert (trust <= 1).all()
    assert trust.any() or not updates.any()


@every_aggregator
def test_what_was_given_is_not_changed(rule: Aggregator) -> None:
    updates = np.random.default_rng(1).normal(size=(5, 7))
    before = updates.copy()
    rule(updates, np.array([1, 2, 3, 4, 5]))
    assert np.array_equal(updates, before)


@every_aggregator
def test_columns_beyond_one_block_are_treated_alike(rule: Aggregator, monkeypatch: pytest.MonkeyPatch) -> None:
    updates = np.random.default_rng(1).normal(size=(5, 33))
    whole = rule(updates)
    monkeypatch.setattr("waggledance.consensus._aggregate._BLOCK", 20)
    pieces = rule(updates)
    assert np.allclose(pieces.vector, whole.vector)
    assert np.allclose(pieces.trust, whole.trust)


@pytest.mark.parametrize("rule", ROBUST.values(), ids=ROBUST)
def test_two_liars_of_nine_far_away_move_it_little(rule: Aggregator) -> None:
    rng = np.random.default_rng(3)
    updates = rng.normal(size=40) * 3 + rng.normal(size=(9, 40)) / 3
    liars = rng.permutation(9)[:2]
    clean = mean(np.delete(updates, liars, axis=0)).vector
    updates[liars] = rng.normal(size=(2, 40)) * 1e7
    result = rule(updates)
    assert np.linalg.norm(result.vector - clean) < 0.2 * np.linalg.norm(clean)


@every_aggregator
def test_bad_arrays_and_weights_are_refused(rule: Aggregator) -> None:
    for shape in [(0, 3), (3, 0), (3,), (2, 2, 2)]:
        with pytest.raises(UsageError, match="are a matrix"):
            rule(np.ones(shape))
    with pytest.raises(UsageError, match="of int64"):
        rule(np.ones((2, 2), dtype=np.int64))  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    for weights in ([1], [1, -1], [0, 0], [np.nan, 1], [np.inf, 1]):
        with pytest.raises(UsageError, match="weights are one number"):
            rule(np.ones((2, 2)), np.array(weights))


@every_aggregator
def test_nobody_finite_is_a_named_failure(rule: Aggregator) -> None:
    with pytest.raises(NoUsableVector, match="none of 2 vectors can be used"):
        rule(np.array([[np.nan, 1.0], [np.inf, 1.0]]))


def peer(i: int) -> PeerId:
    return PeerId(bytes([i]))


def test_what_peers_sent_is_added_up_alike_whatever_came_first() -> None:
    rng = np.random.default_rng(4)
    sent = {peer(i): rng.normal(size=6) for i in range(7)}
    one, trust = aggregate(sent, flag, parameters=6)
    other, again = aggregate(dict(reversed(sent.items())), flag, parameters=6)
    assert one.tobytes() == other.tobytes()
    assert trust == again
    assert all(type(share) is int and 0 <= share <= UNIT for share in trust.values())


def test_a_vector_of_another_length_is_left_out_with_trust_0() -> None:
    sent = {peer(1): np.ones(3), peer(2): np.ones(4), peer(3): np.ones((3, 1)), peer(4): np.ones(3)}
    vector, trust = aggregate(sent, mean, parameters=3)
    assert vector.tolist() == [1, 1, 1]
    assert trust == {peer(1): UNIT, peer(2): 0, peer(3): 0, peer(4): UNIT}


def test_a_peer_that_is_not_named_in_the_weights_counts_as_one() -> None:
    sent = {peer(1): np.zeros(1), peer(2): np.ones(1), peer(3): np.full(1, 9.0)}
    vector, trust = aggregate(sent, mean, {peer(2): 3 * UNIT, peer(3): 0}, parameters=1)
    assert vector.tolist() == [0.75]
    assert trust[peer(3)] == 0


def test_nothing_of_the_right_length_is_a_named_failure() -> None:
    with pytest.raises(NoUsableVector, match=r"no vector has the shape \(3,\)"):
        aggregate({peer(1): np.ones(4)}, mean, parameters=3)
    with pytest.raises(NoUsableVector, match="none of 0 vectors"):
        aggregate({}, mean, parameters=3)
    with pytest.raises(UsageError, match="parameters=0"):
        aggregate({peer(1): np.ones(4)}, mean, parameters=0)
