import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from waggledance.consensus import geometric_median
from waggledance.core import UsageError


@given(seed=st.integers(0, 999), peers=st.integers(2, 7), size=st.integers(1, 4), weighed=st.booleans())
def test_no_step_in_any_direction_comes_nearer_to_all(seed: int, peers: int, size: int, weighed: bool) -> None:
    rng = np.random.default_rng(seed)
    updates = rng.normal(size=(peers, size))
    weights = rng.integers(1, 5, size=peers) if weighed else np.ones(peers)
    found = geometric_median(updates, weights, tolerance=1e-10).vector.astype(np.float64)

    def cost(point: NDArray[np.float64]) -> float:
        return float(weights @ np.linalg.norm(updates - point, axis=1))

    steps = rng.normal(size=(200, size)) * 10 ** rng.uniform(-4, 0, size=(200, 1))
    assert all(cost(found) <= cost(found + step) * (1 + 1e-4) for step in steps)


def test_a_row_with_more_than_half_of_the_weight_is_the_result() -> None:
    updates = np.array([[1.0, 1.0], [2.0, 5.0], [-3.0, 4.0]])
    result = geometric_median(updates, np.array([3, 1, 1]))
    assert np.allclose(result.vector, [1, 1], atol=1e-5)
    assert result.trust.argmax() == 0


def test_it_leaves_a_row_that_it_meets_and_that_is_not_the_place() -> None:
    # The coordinate-wise median, where it starts, is the last row; the nearest point to all lies beside it.
    updates = np.array([[5.0, 5.0], [9.0, -0.1], [-0.1, 9.0], [-5.0, -5.0], [0.0, 0.0]]) + 3
    assert np.median(updates, axis=0).tolist() == updates[4].tolist()
    found = geometric_median(updates, tolerance=1e-10).vector.astype(np.float64)
    assert np.linalg.norm(updates - found, axis=1).sum() < np.linalg.norm(updates - updates[4], axis=1).sum() - 0.1


def test_nearer_rows_are_trusted_more() -> None:
    trust = geometric_median(np.array([[0.0], [1.0], [2.0], [3.0], [90.0]])).trust
    assert trust[2] == trust.max() == 1
    assert trust[4] == trust.min() < 0.1


@pytest.mark.parametrize("tolerance", [0.0, 1.0, -1.0, float("nan")])
def test_a_tolerance_that_is_none_is_refused(tolerance: float) -> None:
    with pytest.raises(UsageError, match="tolerance"):
        geometric_median(np.ones((2, 2)), tolerance=tolerance)
