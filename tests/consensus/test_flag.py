"""The promises of Flag's card: a dumb implementation beside it, one step, and noisy peers. Training is in world W5."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from waggledance.consensus import Aggregator, flag, geometric_median, median, multi_krum
from waggledance.core import UsageError

Matrix = NDArray[np.float64]


def by_singular_vectors(updates: Matrix, m: int) -> tuple[Matrix, Matrix]:
    """Do what the paper says with whole matrices; return the vector and trust."""
    columns = (updates / np.linalg.norm(updates, axis=1, keepdims=True)).T
    inside = np.zeros(len(updates))
    basis = columns[:, :0]
    for _ in range(6):
        basis = np.linalg.svd(columns * (1 - inside + 1e-7) ** -0.25, full_matrices=False).U[:, :m]
        inside = np.minimum(1, ((basis.T @ columns) ** 2).sum(axis=0))
    direction = (basis @ (basis.T @ columns)).sum(axis=1)
    direction /= np.linalg.norm(direction)
    return direction * np.median(updates @ direction), inside


@given(seed=st.integers(0, 9999), peers=st.integers(1, 9), data=st.data())
def test_it_agrees_with_singular_vectors_of_the_whole_matrix(seed: int, peers: int, data: st.DataObject) -> None:
    m = data.draw(st.integers(1, peers))
    rng = np.random.default_rng(seed)
    updates = rng.normal(size=12) + rng.normal(size=(peers, 12))
    vector, trust = by_singular_vectors(updates, m)
    result = flag(updates, dimensions=m)
    assert np.allclose(result.vector, vector, atol=1e-5)
    assert np.allclose(result.trust, trust, atol=1e-5)


def attacked(kind: str, *, noise: float, bad: int, rng: np.random.Generator) -> tuple[Matrix, Matrix]:
    """Return what 15 peers send, liars at random places, and the true gradient."""
    truth = rng.normal(size=400)
    sent = truth + noise * rng.normal(size=(15, 400))
    liars = rng.permutation(15)[:bad]
    centre, spread = np.delete(sent, liars, axis=0).mean(axis=0), np.delete(sent, liars, axis=0).std(axis=0)
    lies = {
        "random": rng.random((bad, 400)),
        "reverse": -10 * centre,
        "flip": -centre,
        "little": centre - spread,
        "empires": -centre / 2,
        "one random vector": np.tile(rng.normal(size=400), (bad, 1)),
    }
    sent[liars] = lies[kind]
    return sent, truth


def cosines(rule: Aggregator, kind: str, *, noise: float = 1.0, bad: int = 3, draws: int = 40) -> float:
    rng = np.random.default_rng(8)
    seen: list[float] = []
    for _ in range(draws):
        sent, truth = attacked(kind, noise=noise, bad=bad, rng=rng)
        vector = rule(sent).vector
        seen.append(float(vector @ truth / np.linalg.norm(vector) / np.linalg.norm(truth)))
    return float(np.mean(seen))


def one_dimension(updates: Matrix, weights: object = None, /) -> object:
    return flag(updates, dimensions=1)


KINDS = ("random", "reverse", "flip", "little", "empires")


@pytest.mark.parametrize(
    ("rule", "least"),
    [(one_dimension, 0.91), (flag, 0.91), (geometric_median, 0.94), (multi_krum, 0.93), (median, 0.90)],
)
def test_one_step_points_to_the_truth_in_the_worst_attack_of_three(rule: Aggregator, least: float) -> None:
    assert min(cosines(rule, kind) for kind in KINDS) >= least - 0.015


def test_one_dimension_falls_for_colluders_among_very_noisy_peers_and_half_of_them_does_not() -> None:
    noisy = {"noise": 3.3, "bad": 3, "draws": 40}
    assert abs(cosines(one_dimension, "one random vector", **noisy)) < 0.15  # type: ignore[arg-type]
    assert cosines(flag, "one random vector", **noisy) > 0.5  # type: ignore[arg-type]


def test_its_length_is_that_of_the_signal_and_not_of_signal_and_noise() -> None:
    rng = np.random.default_rng(2)
    errors: list[float] = []
    for _ in range(40):
        sent, truth = attacked("random", noise=1.0, bad=0, rng=rng)
        errors.append(abs(float(np.linalg.norm(flag(sent).vector) / np.linalg.norm(truth)) - 1))
    assert np.mean(errors) < 0.1  # the length of a vector as sent errs by 0.41


def test_the_median_row_turns_the_direction_round_when_liars_in_step_outweigh_the_noisy_honest() -> None:
    sent, truth = attacked("flip", noise=1.5, bad=6, rng=np.random.default_rng(2))
    units = sent / np.linalg.norm(sent, axis=1, keepdims=True)
    assert units.sum(axis=0) @ truth < 0
    assert flag(sent).vector @ truth > 0


def test_who_points_elsewhere_is_trusted_less() -> None:
    rng = np.random.default_rng(5)
    sent = rng.normal(size=50) * 2 + rng.normal(size=(9, 50))
    sent[4] = rng.normal(size=50) * 2
    assert flag(sent, dimensions=1).trust.argmin() == 4


def test_rows_of_zeros_have_no_direction_and_no_say() -> None:
    sent = np.vstack([np.zeros((3, 4)), np.ones((2, 4))])
    result = flag(sent)
    assert np.allclose(result.vector, 1)
    assert np.allclose(result.trust, [0, 0, 0, 1, 1])
    nothing = flag(np.zeros((3, 4)))
    assert not nothing.vector.any()
    assert not nothing.trust.any()


def test_directions_that_cancel_give_zeros() -> None:
    assert not flag(np.array([[1.0, 2.0], [-1.0, -2.0]])).vector.any()


def test_equal_singular_values_favour_no_row() -> None:
    result = flag(np.array([[3.0, 0.0], [0.0, 3.0]]), dimensions=1)
    assert np.allclose(result.vector[0], result.vector[1])


@pytest.mark.parametrize("dimensions", [0, 4, -1])
def test_a_subspace_of_no_or_too_many_dimensions_is_refused(dimensions: int) -> None:
    with pytest.raises(UsageError, match=f"got {dimensions}"):
        flag(np.ones((3, 5)), dimensions=dimensions)
