import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from waggledance.core import UsageError
from waggledance.topology import hashed_ngrams

TEXTS = st.lists(st.text(max_size=40), max_size=5)


@settings(max_examples=40)
@given(texts=TEXTS, dimensions=st.sampled_from([1, 2, 64]))
def test_every_row_has_length_one_whatever_the_text(texts: list[str], dimensions: int) -> None:
    points = hashed_ngrams(texts, dimensions=dimensions)
    assert points.shape == (len(texts), dimensions)
    assert np.allclose(np.linalg.norm(points, axis=1), 1)


@settings(max_examples=40)
@given(texts=TEXTS, other=st.text(max_size=40))
def test_a_row_depends_on_its_own_text_alone(texts: list[str], other: str) -> None:
    with_other = hashed_ngrams([other, *texts], dimensions=64)
    assert np.array_equal(with_other[1:], hashed_ngrams(texts, dimensions=64))


def test_capitals_spacing_and_unicode_form_do_not_part_texts() -> None:
    points = hashed_ngrams(["Café au  lait", "cafe\u0301 AU lait"])
    assert np.array_equal(points[0], points[1])


def test_texts_that_share_more_words_are_nearer() -> None:
    base, near, far, none = hashed_ngrams(
        ["the farmer keeps nine sheep", "the farmer keeps ten sheep", "a farmer sells goats", "entropy never falls"]
    )
    assert base @ near > base @ far + 0.2 > base @ none + 0.2


def test_unrelated_texts_have_a_cosine_near_zero_on_both_sides() -> None:
    rng = np.random.default_rng(5)
    words = ["".join(rng.choice(list("abcdefghijklmnopqrstuvwxyz"), 6)) for _ in range(800)]
    points = hashed_ngrams([" ".join(words[i : i + 8]) for i in range(0, 800, 8)])
    cosines = (points @ points.T)[np.triu_indices(100, 1)]
    assert abs(cosines.mean()) < 0.02
    assert cosines.std() < 2 / np.sqrt(1024)


def test_an_empty_text_is_a_point_of_its_own() -> None:
    empty, blank, word = hashed_ngrams(["", "  ", "sheep"])
    assert np.array_equal(empty, blank)
    assert abs(empty @ word) < 0.2


def test_a_number_is_told_from_its_neighbour() -> None:
    one, other = hashed_ngrams(["17", "18"])
    assert one @ other < 0.5


def test_one_text_instead_of_several_is_refused() -> None:
    with pytest.raises(UsageError, match=r"write \[text\]"):
        hashed_ngrams("sheep")


def test_no_dimension_is_refused() -> None:
    with pytest.raises(UsageError, match="dimensions=0"):
        hashed_ngrams(["sheep"], dimensions=0)
