"""Whole vectors: exact products, and the nearest with all that tie."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from waggledance.core import UsageError
from waggledance.memory._vectors import LENGTH, Matrix, to_ppm, whole


@given(dimensions=st.integers(1, 1_024), seed=st.integers(0, 99))
@settings(max_examples=25)
def test_products_in_32_bit_floats_are_exact_in_any_order(dimensions: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    rows = whole(rng.normal(size=(6, dimensions)), 6)
    exact = rows.astype(np.int64) @ rows[0].astype(np.int64)
    for order in (np.arange(dimensions), rng.permutation(dimensions)):
        assert (np.einsum("ij,j->i", rows[:, order], rows[0][order]).astype(np.int64) == exact).all()
    assert abs(exact).max() < 2**24


def test_a_cosine_is_kept_to_a_thousandth() -> None:
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(50, 256))
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    rows = whole(vectors, 50)
    seen = np.array([to_ppm(dot) for dot in rows @ rows[0]]) / 1e6
    assert abs(seen - unit @ unit[0]).max() < 0.001


def test_the_nearest_are_those_of_a_full_sort_and_ties_with_the_last_all_come() -> None:
    rng = np.random.default_rng(1)
    rows = whole(rng.normal(size=(400, 8)), 400)
    matrix = Matrix(8)
    matrix.extend(np.concatenate([rows, rows[:5]]))
    dots = np.concatenate([rows, rows[:5]]) @ rows[0]
    found = matrix.nearest(rows[0], 10)
    assert {place for place, _ in found} == set(np.flatnonzero(dots >= np.sort(dots)[-10]).tolist())
    assert [dot for _, dot in found] == sorted((dot for _, dot in found), reverse=True)
    assert {0, 400} <= {place for place, _ in matrix.nearest(rows[0], 1)}
    allowed = np.zeros(405, dtype=bool)
    allowed[[7, 9]] = True
    assert {place for place, _ in matrix.nearest(rows[0], 10, allowed)} == {7, 9}


@pytest.mark.parametrize(
    "vectors",
    [[[float("nan"), 1.0]], [[0.0, 0.0]], [[float("inf"), 1.0]], [[1.0], [2.0]], [1.0], [[1.0] * 1_025]],
)
def test_vectors_without_direction_or_of_another_number_are_refused(vectors: list[list[float]]) -> None:
    with pytest.raises(UsageError):
        whole(np.array(vectors), 1)


def test_a_vectors_length_is_four_thousand() -> None:
    assert abs(float(np.linalg.norm(whole(np.array([[3.0, 4.0]]), 1)[0])) - LENGTH) < 2
