"""Points: what peers said, compared; and how near each is to the centre, beside exact Shapley values."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import factorial

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from waggledance.core import UNIT, Message, Proposal, UsageError
from waggledance.topology import alike, contributions, points, similarities, unit_vectors

Say = Callable[..., Message[Proposal]]
Vectors = NDArray[np.float64]


def shapley(vectors: Vectors) -> Vectors:
    """Return every row's Shapley value of v(S) = cos(mean of S, mean of all), from all 2^n coalitions."""
    n = len(vectors)
    members = np.array([[number >> i & 1 for i in range(n)] for number in range(2**n)], dtype=np.float64)
    sums = members @ vectors
    centre = vectors.sum(axis=0) / np.linalg.norm(vectors.sum(axis=0))
    worth = np.zeros(2**n)
    worth[1:] = sums[1:] @ centre / np.linalg.norm(sums[1:], axis=1)
    size = [number.bit_count() for number in range(2**n)]
    share = np.array([factorial(s) * factorial(n - s - 1) / factorial(n) for s in (*size[:-1], 0)])
    values = np.zeros(n)
    for i in range(n):
        without = np.flatnonzero(members[:, i] == 0)
        values[i] = float((share[without] * (worth[without | 1 << i] - worth[without])).sum())
    return values


def spread(rng: np.random.Generator, peers: int, noise: float) -> Vectors:
    """Return answers of W4: a common base, one of eight things each, and noise."""
    base, *things = rng.normal(size=(9, 64))
    said = np.array([base, *things]) / np.linalg.norm([base, *things], axis=1, keepdims=True)
    vectors = said[0] + said[1 + rng.integers(8, size=peers)] + noise * rng.normal(size=(peers, 64)) / 8
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), dtype=np.float64)


def ranks(values: Sequence[float] | NDArray[np.int64] | Vectors) -> NDArray[np.int64]:
    return np.argsort(np.argsort(values))


def test_shapley_values_of_the_oracle_add_up_to_the_worth_of_all() -> None:
    vectors = spread(np.random.default_rng(1), 5, 0.6)
    assert abs(shapley(vectors).sum() - 1) < 1e-9


@pytest.mark.parametrize("noise", [0.3, 0.6, 1.0])
def test_contributions_rank_as_shapley_values_do(noise: float) -> None:
    rng = np.random.default_rng(int(noise * 10))
    correlations: list[float] = []
    same_top = 0
    for _ in range(150):
        vectors = spread(rng, 7, noise)
        exact, near = shapley(vectors), contributions(unit_vectors(vectors, 7))
        correlations.append(float(np.corrcoef(ranks(exact), ranks(near))[0, 1]))
        same_top += int(exact.argmax() == near.argmax())
    assert np.mean(correlations) >= 0.99
    assert same_top >= 141  # 94 %


def test_where_answers_were_found_they_are_compared_and_not_the_words(say: Say) -> None:
    said = [say("a", "4", "It is 4, as 2 and 2 make it."), say("b", "5", "It is 5, as 2 and 2 make it."),
            say("c", "4", "No idea; four?"), say("d", None, "It is")]  # fmt: skip
    assert (similarities(points(said)) // UNIT).tolist() == [[1, 0, 1, 0], [0, 1, 0, 0], [1, 0, 1, 0], [0, 0, 0, 0]]


def test_free_words_are_compared_by_wording(say: Say) -> None:
    texts = ["The swarm flies at dawn.", "At dawn the swarm flies.", "Rain keeps all of them at home."]
    like = similarities(points([say(f"p{i}", text.casefold(), text) for i, text in enumerate(texts)]))
    assert like[0, 1] > 2 * max(like[0, 2], like[1, 2])


def test_an_embedding_of_ones_own_is_asked_with_the_texts(say: Say) -> None:
    asked: list[Sequence[str]] = []

    def embed(texts: Sequence[str]) -> Vectors:
        asked.append(texts)
        return np.array([[3.0, 4.0], [0.0, 2.0]])

    found = points([say("a", "one", "One"), say("b", None, "Not this"), say("c", "two", "Two")], embed)
    assert asked == [["One", "Two"]]
    assert found.tolist() == [[600_000, 800_000], [0, 0], [0, UNIT]]


@pytest.mark.parametrize("wrong", [np.array([[1.0, np.nan]]), np.array([[0.0, 0.0]]), np.ones(2), np.ones((2, 2))])
def test_an_embedding_without_direction_is_refused(say: Say, wrong: Vectors) -> None:
    with pytest.raises(UsageError, match="embed"):
        points([say("a", "one", "One")], lambda texts: wrong)


def test_vectors_that_cancel_contribute_nothing() -> None:
    assert contributions(unit_vectors(np.array([[1.0, 0.0], [-1.0, 0.0]]), 2)).tolist() == [0, 0]
    assert points([]).shape == (0, 1)


@given(counts=st.lists(st.integers(1, 4), min_size=1, max_size=4))
def test_of_parsed_answers_the_most_common_contributes_most(counts: list[int]) -> None:
    rows = np.repeat(np.eye(len(counts), dtype=np.int64) * UNIT, counts, axis=0)
    worth = contributions(rows)
    told = sorted(zip(worth.tolist(), np.repeat(counts, counts).tolist(), strict=True))
    assert [count for _, count in told] == sorted(count for _, count in told)


def test_all_alike_is_equal_answers_or_similar_words(say: Say) -> None:
    same = [say("a", "4", "It is 4."), say("b", "4", "Four!")]
    assert alike(same, 1.0)
    assert not alike([*same, say("c", "5", "It is 4.")], 0.9)
    assert not alike([*same, say("c", None, "It is 4.")], 0.9)
    assert not alike([], 0.0)
    words = [say("a", "dawn, i say", "Dawn, I say"), say("b", "i say dawn", "I say dawn")]
    assert alike(words, 0.6)
    assert not alike(words, 0.99)
