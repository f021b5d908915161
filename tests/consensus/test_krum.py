from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from waggledance.consensus import krum, multi_krum
from waggledance.core import UsageError


@given(seed=st.integers(0, 999), peers=st.integers(3, 9), data=st.data())
def test_it_takes_what_the_definition_takes(seed: int, peers: int, data: st.DataObject) -> None:
    liars = data.draw(st.integers(0, (peers - 3) // 2))
    updates = np.random.default_rng(seed).normal(size=(peers, 3))
    scores: list[float] = []
    for i in range(peers):
        others = sorted(float(((updates[i] - updates[j]) ** 2).sum()) for j in range(peers) if j != i)
        scores.append(sum(others[: peers - liars - 2]))
    for rule, place in ((krum, 0), (multi_krum, peers - liars - 1)):
        taken = np.array(scores) <= sorted(scores)[place] + 1e-9  # two that are each other's nearest may be equal
        result = rule(updates, liars=liars)
        assert np.allclose(result.vector, updates[taken].mean(axis=0))
        assert (result.trust > 0).tolist() == taken.tolist()


def test_equal_scores_favour_no_row() -> None:
    assert krum(np.array([[1.0], [3.0]])).vector.tolist() == [2.0]
    assert krum(np.array([[1.0], [3.0]]), np.array([3, 1])).vector.tolist() == [1.5]


def test_one_peer_is_taken_at_its_word() -> None:
    assert krum(np.array([[7.0]])).vector.tolist() == multi_krum(np.array([[7.0]])).vector.tolist() == [7.0]


def test_a_row_far_away_costs_no_precision_of_the_others() -> None:
    near = np.array([[1.0], [1.4], [0.9], [1.1]])
    for far, sign in product((1e9, 1e140), (1, -1)):
        assert krum(np.vstack([near, [[sign * far]]]), liars=1).vector.tolist() == [1.0]


@pytest.mark.parametrize(("peers", "liars"), [(4, 1), (15, 7), (2, 1), (5, -1)])
def test_more_liars_than_the_proof_bears_are_refused(peers: int, liars: int) -> None:
    with pytest.raises(UsageError, match=f"got liars={liars}"):
        krum(np.ones((peers, 2)), liars=liars)
