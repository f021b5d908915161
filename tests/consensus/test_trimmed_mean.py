import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from waggledance.consensus import median, trimmed_mean
from waggledance.core import UsageError


def test_the_lowest_and_highest_of_each_coordinate_are_dropped() -> None:
    updates = np.array([[1.0, 9.0], [2.0, -90.0], [3.0, 8.0], [90.0, 7.0]])
    result = trimmed_mean(updates, liars=1)
    assert result.vector.tolist() == [2.5, 7.5]
    assert result.trust.tolist() == [0, 0.5, 1, 0.5]


@given(seed=st.integers(0, 999), peers=st.integers(1, 8), data=st.data())
def test_weights_cut_as_if_every_row_stood_there_as_often(seed: int, peers: int, data: st.DataObject) -> None:
    liars = data.draw(st.integers(0, (peers - 1) // 2))
    rng = np.random.default_rng(seed)
    updates = np.round(rng.normal(size=(peers, 3)) * 2)
    weights = rng.integers(1, 4, size=peers)
    result = trimmed_mean(updates, weights, liars=liars).vector
    for j, column in enumerate(updates.T):
        many = np.sort(np.repeat(column, weights * peers))
        cut = liars * int(weights.sum())
        assert np.isclose(result[j], many[cut : len(many) - cut].mean())


@given(seed=st.integers(0, 999), peers=st.integers(1, 9))
def test_the_median_is_the_median(seed: int, peers: int) -> None:
    updates = np.random.default_rng(seed).normal(size=(peers, 4))
    assert np.allclose(median(updates).vector, np.median(updates, axis=0))


def test_equal_values_of_different_weight_favour_no_row() -> None:
    updates = np.array([[1.0], [1.0], [5.0], [9.0]])
    weights = np.array([1, 4, 2, 2])
    swapped = trimmed_mean(updates[[1, 0, 2, 3]], weights[[1, 0, 2, 3]], liars=1)
    plain = trimmed_mean(updates, weights, liars=1)
    assert np.isclose(plain.vector[0], swapped.vector[0])
    assert plain.trust[0] == plain.trust[1] == swapped.trust[0]


def test_rows_that_gave_themselves_away_count_among_the_liars() -> None:
    updates = np.array([[np.nan], [1.0], [2.0], [3.0], [4.0]])
    assert trimmed_mean(updates, liars=2).vector.tolist() == [2.5]  # one known, one more to be dropped at each end
    assert trimmed_mean(np.vstack([updates[:1], updates]), liars=2).vector.tolist() == [2.5]


@pytest.mark.parametrize(("peers", "liars"), [(4, 2), (1, 1), (15, 8), (3, -1)])
def test_more_liars_than_there_is_something_left_of_are_refused(peers: int, liars: int) -> None:
    with pytest.raises(UsageError, match=f"got liars={liars}"):
        trimmed_mean(np.ones((peers, 2)), liars=liars)
