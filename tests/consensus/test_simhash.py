"""SimHash, and the table of the card of genai-consensus: texts of 150 words, words replaced at random."""

from __future__ import annotations

from functools import cache
from itertools import pairwise
from pydoc_data.topics import topics
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from waggledance.consensus import distance_bound, hamming, simhash
from waggledance.core import UsageError

WORDS = 150


@cache
def texts() -> list[list[str]]:
    """Return pieces of documentation of 150 words: Python's own, one piece a topic."""
    pieces = [topic.split()[10 : 10 + WORDS] for _, topic in sorted(topics.items())]
    return [piece for piece in pieces if len(piece) == WORDS]


def changed(words: list[str], share: float, pool: list[str], rng: Random) -> str:
    return " ".join(rng.choice(pool) if rng.random() < share else word for word in words)


def accepted(share: float | None, *, shingle: int, bound: int) -> float:
    """Return how often a verifier accepts a copy with a share of its words changed, or another text for None."""
    rng = Random(5)
    pool = [word for words in texts() for word in words]
    yes = 0
    for words, other in pairwise(texts()):
        rerun = " ".join(other) if share is None else changed(words, share, pool, rng)
        yes += hamming(simhash(" ".join(words), shingle=shingle), simhash(rerun, shingle=shingle)) <= bound
    return yes / (len(texts()) - 1)


@pytest.mark.parametrize(
    ("shingle", "bound", "share", "card"),
    [
        (1, 10, 0.02, 1.000),
        (1, 10, 0.05, 1.000),
        (1, 10, 0.10, 0.987),
        (1, 10, 0.20, 0.873),
        (1, 14, 0.20, 0.980),
        (3, 14, 0.05, 0.880),
        (3, 14, 0.10, 0.473),
        (3, 18, 0.05, 0.993),
        (1, 10, None, 0.0018),
        (3, 18, None, 0.0010),
    ],
)
def test_copies_are_told_from_other_texts_as_in_the_card(
    shingle: int, bound: int, share: float | None, card: float
) -> None:
    seen = accepted(share, shingle=shingle, bound=bound)
    assert abs(seen - card) <= 0.13, seen


@given(words=st.lists(st.text(min_size=1, max_size=8), max_size=30), rng=st.randoms(use_true_random=False))
def test_the_order_of_words_changes_nothing_and_the_hash_has_64_bits(words: list[str], rng: Random) -> None:
    one = simhash(" ".join(words))
    assert one == simhash(" ".join(rng.sample(words, k=len(words))))
    assert 0 <= one < 1 << 64


@given(words=st.lists(st.sampled_from("abcdefgh"), min_size=4, max_size=30), rng=st.randoms(use_true_random=False))
def test_runs_of_words_see_their_order(words: list[str], rng: Random) -> None:
    runs = [words[i : i + 3] for i in range(len(words) - 2)]
    other = rng.sample(words, k=len(words))
    if sorted(runs) == sorted([other[i : i + 3] for i in range(len(other) - 2)]):
        assert simhash(" ".join(words), shingle=3) == simhash(" ".join(other), shingle=3)


def test_the_hash_is_the_same_on_every_machine() -> None:
    assert simhash("bees dance for what they found") == 2704561937765892418
    assert simhash("") == simhash(" \n") == 0
    assert simhash("one two", shingle=3) == simhash("one two", shingle=2)


def test_no_shingle_is_refused() -> None:
    with pytest.raises(UsageError, match="shingle=0"):
        simhash("a", shingle=0)


@given(distances=st.lists(st.integers(0, 64), min_size=1, max_size=50), alarm=st.floats(0, 0.5))
def test_a_bound_is_the_smallest_that_few_enough_honest_re_runs_exceed(distances: list[int], alarm: float) -> None:
    bound = distance_bound(distances, false_alarm=alarm)
    assert sum(d > bound for d in distances) <= alarm * len(distances)
    assert bound == min(distances) or sum(d >= bound for d in distances) > alarm * len(distances)


@pytest.mark.parametrize("distances", [[], [-1], [65]])
def test_distances_that_are_none_are_refused(distances: list[int]) -> None:
    with pytest.raises(UsageError):
        distance_bound(distances)
    with pytest.raises(UsageError):
        distance_bound([1], false_alarm=1.0)
