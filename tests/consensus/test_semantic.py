from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from numpy.typing import NDArray

from waggledance.consensus import Semantic
from waggledance.core import UsageError


def by_length(texts: Sequence[str]) -> NDArray[np.float32]:
    """Embed a text by its length: a direction in the plane; empty texts have none, and "?" is not a number."""
    angles = np.array([len(text) / 10 for text in texts])
    rows = np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32) * 7
    rows[[not text for text in texts]] = 0
    rows[[text == "?" for text in texts]] = np.nan
    return rows


def test_another_embedding_decides_what_is_near_whatever_its_length() -> None:
    same = Semantic(float(np.cos(0.15)), by_length)
    assert same(["aa", "b", "cccc", ""]) == {"aa": "aa", "b": "aa", "cccc": "cccc", "": ""}
    assert same.name.endswith(", by_length)")


def test_an_embedding_of_nothing_or_of_nan_is_near_nothing() -> None:
    assert len(set(Semantic(-1.0, by_length)(["a", "", "?", "b"]).values())) == 3


def test_the_last_bits_of_an_embedding_move_nothing() -> None:
    def shaken(texts: Sequence[str]) -> NDArray[np.float64]:
        rows = by_length(texts).astype(np.float64)
        return rows + 1e-9 * np.random.default_rng(1).normal(size=rows.shape)

    answers = ["a" * n for n in range(1, 30)]
    for bound in (0.5, 0.9, 0.99):
        assert Semantic(bound, shaken)(answers) == Semantic(bound, by_length)(answers)


def test_nothing_is_asked_about_no_answer() -> None:
    assert Semantic(0.5)([]) == {}


def test_impossible_bounds_and_embeddings_are_refused() -> None:
    for bound in (1.1, -1.1, float("nan")):
        with pytest.raises(UsageError, match="between -1 and 1"):
            Semantic(bound)
    with pytest.raises(UsageError, match="has as many rows"):
        Semantic(0.5, lambda texts: np.ones((1, 3)))(["a", "b"])
